//! `/ipfs/<cid>[/path]` for everyone.

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{Ask, answer};
use super::fence;
use super::look_up::Audience;
use super::path;
use super::query::Query;
use crate::app::App;
use crate::http::ApiError;

/// GET and HEAD.
pub async fn content(State(app): State<App>, RawQuery(raw_query): RawQuery, request: Request) -> Response {
    let encoded = request.uri().path().to_owned();
    let parsed = path::parse(encoded.strip_prefix("/ipfs/").unwrap_or_default());
    let path = match parsed {
        Ok(path) => path,
        Err(error) => return refuse(ApiError::bad_request("path_invalid", error.to_string())),
    };
    let ask = Ask {
        root: path.root,
        segments: path.segments,
        trailing_slash: path.trailing_slash,
        path: encoded,
        query: Query::parse(raw_query.as_deref()),
        raw_query,
        is_head: request.method() == Method::HEAD,
        headers: request.into_parts().0.headers,
        audience: Audience::Public,
    };
    answer(&app, ask).await
}

fn refuse(error: ApiError) -> Response {
    let mut response = error.into_response();
    fence::apply(response.headers_mut());
    fence::allow_every_origin(response.headers_mut());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Preflights of other sites.
pub async fn preflight() -> Response {
    let mut response = StatusCode::OK.into_response();
    fence::allow_every_origin(response.headers_mut());
    fence::allow_preflight(response.headers_mut());
    response
}
