//! `/ipfs/<cid>[/path]` for everyone.

use std::time::Instant;

use axum::extract::{RawQuery, Request, State};
use axum::http::{self, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};

use super::answer::{Ask, answer};
use super::fence;
use super::known::When;
use super::look_up::Audience;
use super::path;
use super::query::Query;
use crate::app::App;
use crate::http::{ApiError, is_within_limits};
use crate::sendfile::TakesFiles;

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
        takes_files: takes_files(&request),
        headers: request.into_parts().0.headers,
        audience: Audience::Public,
    };
    answer(&app, ask).await
}

/// Whether a request's connection takes files as they are. By HTTP/2 frames stand between their bytes.
pub fn takes_files<B>(request: &http::Request<B>) -> bool {
    request.extensions().get::<TakesFiles>().is_some() && request.version() <= Version::HTTP_11
}

/// The short way: answers what is known at once, before anything is routed. `None` for what needs a look.
pub fn known<B>(app: &App, request: &http::Request<B>) -> Option<Response> {
    if !request.uri().path().starts_with("/ipfs/") {
        return None;
    }
    let begun = Instant::now();
    let now = When::now(&app.store, &app.denylists.current());
    let known = app.known.answer(&now, request)?;
    // What is refused goes the long way, which counts it once more and says so.
    if !is_within_limits(app, request) {
        return None;
    }
    Some(app.metrics.known(request.method(), known, begun))
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
