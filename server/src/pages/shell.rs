//! Puts head, data and nonce into the web app's `index.html`.

use std::io;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pinreel_records::base64url;
use serde_json::{Value, json};

use super::Head;
use crate::accounts::Session;
use crate::app::App;
use crate::http::ApiError;
use crate::node;

/// One page's answer.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub head: Head,
    /// `{"kind": …}`, or null for pages that load what they need.
    pub data: Value,
}

impl Page {
    /// A page that loads what it needs.
    pub fn plain(title: &str) -> Self {
        Self { status: StatusCode::OK, head: Head { unlisted: true, ..Head::titled(title) }, data: Value::Null }
    }

    /// A page that says what went wrong, in the app's own look.
    pub fn problem(error: &ApiError) -> Self {
        let data = json!({ "kind": "error", "error": error.problem() });
        let title = error.status.canonical_reason().unwrap_or("Error");
        Self { status: error.status, head: Head { unlisted: true, ..Head::titled(title) }, data }
    }
}

/// Renders a page for who asks. A database that is away doesn't keep the shell from saying so.
pub async fn render(app: &App, session: Option<&Session>, page: Page) -> Response {
    let (node, page) = match node::view(app, session).await {
        Ok(node) => (json!(node), page),
        Err(error) => (Value::Null, Page::problem(&error)),
    };
    let session = node.get("signed_in").cloned().unwrap_or(Value::Null);
    let data = json!({ "node": node, "session": session, "page": page.data });
    match fill(app, &page.head, &data).await {
        Ok((html, policy)) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
                (header::CONTENT_SECURITY_POLICY, policy),
                (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
            ];
            (page.status, headers, html).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn fill(app: &App, head: &Head, data: &Value) -> Result<(String, HeaderValue), ApiError> {
    let shell = app.web.shell().await.map_err(unbuilt)?;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(ApiError::internal)?;
    let nonce = base64url::encode(&nonce);
    let policy = HeaderValue::try_from(policy(&nonce)).map_err(ApiError::internal)?;
    Ok((insert(&shell, &head.html(), data, &nonce), policy))
}

/// The nonce goes in first: what comes after may hold the placeholder's text, and mustn't get one.
fn insert(shell: &str, head: &str, data: &Value, nonce: &str) -> String {
    let shell = shell.replace("{{nonce}}", nonce);
    let data = format!(r#"<script type="application/json" id="data">{}</script>"#, script_safe(data));
    match shell.split_once("<!--data-->") {
        Some((before, after)) => format!("{}{data}{after}", before.replacen("<!--head-->", head, 1)),
        None => shell,
    }
}

/// JSON that can't end the script element that it stands in, nor begin a comment.
fn script_safe(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self' https:; \
         worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

fn unbuilt(error: io::Error) -> ApiError {
    tracing::error!(%error, "the web app's index.html can't be read; build it, or name its folder with --web");
    ApiError::unavailable("web_missing", "This node's web app isn't built; its API answers under /api/v1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: &str = r#"<head><!--head--><script nonce="{{nonce}}"></script></head><body><!--data--></body>"#;

    #[test]
    fn shell_is_filled() {
        let html = insert(SHELL, "<title>t</title>", &json!({"page": null}), "abc");
        assert_eq!(
            html,
            r#"<head><title>t</title><script nonce="abc"></script></head><body><script type="application/json" id="data">{"page":null}</script></body>"#
        );
    }

    #[test]
    fn words_of_strangers_stay_words() {
        let evil = r#"</script><script nonce="{{nonce}}">alert(1)</script><!--data--><!--head-->"#;
        let head = Head::titled(evil).html();
        let html = insert(SHELL, &head, &json!({ "title": evil }), "abc");
        assert_eq!(html.matches("<script").count(), 2, "{html}");
        assert_eq!(html.matches(r#"nonce="abc""#).count(), 1, "{html}");
        let start = html.find(r#"id="data">"#).unwrap() + r#"id="data">"#.len();
        let data = &html[start..start + html[start..].find("</script>").unwrap()];
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["title"], evil);
    }
}
