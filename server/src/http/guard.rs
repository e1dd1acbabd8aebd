//! What every request and answer goes through: the site's own protection against other sites, and time limits.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;
use crate::app::App;

/// How long an ordinary call may take. Uploads, downloads and event streams aren't ordinary.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// For answers that set no policy of their own: data, which nothing may run, frame or load.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

const READABLE: HeaderValue = HeaderValue::from_static(
    "accept-ranges, content-length, content-range, etag, retry-after, x-ipfs-path, x-ipfs-roots, x-request-id",
);
const ASKABLE: HeaderValue = HeaderValue::from_static("accept, content-type, if-none-match, if-range, range");
const READS: HeaderValue = HeaderValue::from_static("GET, HEAD");
const ANY: HeaderValue = HeaderValue::from_static("*");
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Refuses HTTP/1.1 that doesn't name its host, or names several: whoever stands between could read it otherwise than
/// this node (RFC 9112 §3.2).
///
/// # Errors
/// `host_missing`.
pub fn check_host<B>(request: &axum::http::Request<B>) -> Result<(), ApiError> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_needed = request.version() == Version::HTTP_11;
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        (None, _) if !is_needed => Ok(()),
        _ => Err(ApiError::bad_request("host_missing", "A request by HTTP/1.1 names its host in one Host header.")),
    }
}

/// Refuses what a page of another site makes a browser write here. Other programs send no `Origin` and no cookie.
///
/// # Errors
/// `origin_wrong`.
pub fn check_origin(app: &App, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_foreign = is_write(request.method()) && headers.contains_key(header::ORIGIN) && !is_own(app, headers);
    if is_foreign { Err(origin_wrong()) } else { Ok(()) }
}

/// Writes by cookie need the header itself: without it nobody knows which page sent them.
pub fn check_cookie_write(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if is_write(method) && !is_own(app, headers) { Err(origin_wrong()) } else { Ok(()) }
}

fn is_write(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

fn is_own(app: &App, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::ORIGIN).is_some_and(|origin| app.site.is_own_origin(origin, text(header::HOST)))
}

fn origin_wrong() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "origin_wrong",
        "This call came from a page of another site; open this node's own pages at its public address.",
    )
}

/// Adds the headers that hold browsers back, and those that let pages of any site read what is public, where an answer
/// hasn't set its own: no credentials are ever allowed with them. The gateway, which lets pages ask for more, answers for
/// itself.
pub async fn headers(request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let mut response = if is_preflight(&request) { preflight() } else { next.run(request).await };
    let headers = response.headers_mut();
    if is_read {
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(ANY);
        headers.entry(header::ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(READABLE);
    }
    protect(headers);
    response
}

/// What holds browsers back.
pub fn protect(headers: &mut HeaderMap) {
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
}

fn is_preflight(request: &Request) -> bool {
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    request.method() == Method::OPTIONS && asks && request.uri().path().starts_with("/api/")
}

fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY),
        (header::ACCESS_CONTROL_ALLOW_METHODS, READS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ASKABLE),
        (header::ACCESS_CONTROL_MAX_AGE, A_DAY),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// Ends calls that take too long.
pub async fn call_timeout(request: Request, next: Next) -> Result<Response, ApiError> {
    let late = |_| ApiError::unavailable("timeout", "This call took too long and was given up. Try again in a moment.");
    tokio::time::timeout(CALL_TIMEOUT, next.run(request)).await.map_err(late)
}
