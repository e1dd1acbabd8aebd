//! `/metrics`: in Prometheus's text format.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::{Encoder, TextEncoder};

use crate::app::App;
use crate::http::{ApiError, ApiResult, Visitor, bearer, visitor};

const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

pub async fn show(State(app): State<App>, request: Request) -> ApiResult<Response> {
    let is_own = visitor(request.extensions(), request.headers(), &app.config.trusted_proxy) == Visitor::Own;
    if !may_read(&app, request.headers(), is_own) {
        return Err(private(&app));
    }
    let metrics = &app.metrics.0;
    let mut families = metrics.registry.gather();
    families.extend(metrics.looked.figures(&app).await.register(&app).gather());
    let mut text = Vec::new();
    TextEncoder::new().encode(&families, &mut text).map_err(ApiError::internal)?;
    let kind = format!("{}; charset=utf-8", prometheus::TEXT_FORMAT);
    Ok(([(header::CONTENT_TYPE, kind)], [(header::CACHE_CONTROL, NOT_KEPT)], text).into_response())
}

/// With a token: whoever has it. Else: programs of this machine that call it by its own name, so that no page in a
/// browser here reads along.
fn may_read(app: &App, headers: &HeaderMap, is_own: bool) -> bool {
    if let (Some(token), Some(presented)) = (&app.config.metrics_token, bearer(headers)) {
        return token.matches(presented);
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    is_own && !headers.contains_key(header::ORIGIN) && host.is_none_or(|host| app.site.is_local_host(host))
}

fn private(app: &App) -> ApiError {
    let detail = match &app.config.metrics_token {
        Some(_) => {
            "These numbers are for this machine's own programs and for whoever sends the token that the node was \
             started with (PINREEL_METRICS_TOKEN) as `Authorization: Bearer`."
        }
        None => {
            "These numbers are for this machine's own programs; to read them from elsewhere, start the node with \
             PINREEL_METRICS_TOKEN and send that as `Authorization: Bearer`."
        }
    };
    ApiError::new(StatusCode::FORBIDDEN, "metrics_private", detail)
}
