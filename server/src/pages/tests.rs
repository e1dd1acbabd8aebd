//! Pages through the real router.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use sqlx::PgPool;
use tempfile::TempDir;

use crate::testing::TestApp;

/// A node with a small web app.
fn site(owner: &PgPool) -> (TestApp, TempDir) {
    let web = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(web.path().join(name), text).unwrap();
    file("index.html", r#"<head><!--head--><script nonce="{{nonce}}"></script></head><body><!--data--></body>"#);
    file("favicon.svg", "<svg/>");
    file(".hidden", "");
    std::fs::create_dir(web.path().join("assets")).unwrap();
    file("assets/app-1234.js", "app()");
    file("assets/app-1234.js.gz", "gzip");
    let test = TestApp::with_flags(owner, &["--web", web.path().to_str().unwrap()]);
    (test, web)
}

async fn get(test: &TestApp, path: &str) -> (StatusCode, HeaderMap, String) {
    get_as(test, path, "identity").await
}

async fn get_as(test: &TestApp, path: &str, encoding: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).unwrap();
    let response = test.send(request).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn each_page_has_its_own_nonce_and_runs_nothing_else(owner: PgPool) {
    let (test, _web) = site(&owner);
    let mut nonces = Vec::new();
    for path in ["/", "/upload", "/uploads", "/signin", "/settings", "/operator", "/operator/jobs"] {
        let (status, headers, html) = get(&test, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let nonce = html.split_once("nonce=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        assert!(policy.contains(&format!("script-src 'nonce-{nonce}'")), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src 'self'"), "{policy}");
        assert!(html.contains(r#"<script type="application/json" id="data">{"#), "{html}");
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 7);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nothing_there_is_a_page_for_people(owner: PgPool) {
    let (test, _web) = site(&owner);
    for path in ["/nothing", "/@nobody", "/c/nothing", "/index.html", "/.hidden", "/@<script>"] {
        let (status, _, html) = get(&test, &path.replace('<', "%3C").replace('>', "%3E")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(html.contains(r#""kind":"error""#), "{html}");
        assert_eq!(html.matches("<script").count(), 2, "{html}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn hashed_files_last_for_ever_and_come_compressed(owner: PgPool) {
    let (test, _web) = site(&owner);
    let (status, headers, body) = get_as(&test, "/assets/app-1234.js", "gzip").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!((headers.get(header::CONTENT_ENCODING).unwrap().to_str().unwrap(), body.as_str()), ("gzip", "gzip"));
    let (status, headers, _) = get(&test, "/assets/app-5678.js").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!headers.contains_key(header::CACHE_CONTROL));
    let (status, headers, _) = get(&test, "/favicon.svg").await;
    assert_eq!((status, headers[header::CACHE_CONTROL].to_str().unwrap()), (StatusCode::OK, "public, max-age=3600"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn pages_come_compressed_to_those_who_ask(owner: PgPool) {
    let (test, _web) = site(&owner);
    let (_, headers, _) = get_as(&test, "/", "gzip").await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn unbuilt_web_app_is_said(owner: PgPool) {
    let (test, web) = site(&owner);
    drop(web);
    let (status, problem) = test.get("/").await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("web_missing")));
}
