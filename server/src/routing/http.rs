//! The handlers of `/routing/v1`.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use httpdate::fmt_http_date;
use pinreel_content::{Cid, parse_cid};
use serde_json::json;

use super::filter::Filter;
use super::record::{Peer, parse_peer, peer_hash};
use crate::app::App;
use crate::denylist::Verdict;
use crate::gateway::accept::accepted;
use crate::http::{ApiError, ApiResult};

/// For caches: what is published seldom goes away.
const FOUND: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=172800, stale-if-error=172800");
/// What isn't here now may be published in a minute.
const NOT_FOUND: HeaderValue =
    HeaderValue::from_static("public, max-age=15, stale-while-revalidate=172800, stale-if-error=172800");
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// `GET /routing/v1/providers/{cid}`.
pub async fn providers(
    State(app): State<App>,
    Path(cid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let found = find(&app, &cid).await;
    respond(&app, found, "Providers", (&Filter::parse(query.as_deref()), &headers))
}

/// `GET /routing/v1/peers/{peer-id}`.
pub async fn peers(
    State(app): State<App>,
    Path(peer): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let found = match parse_peer(&peer) {
        Some(hash) => Ok((hash == peer_hash(&app.identity.node_key.public())).then(|| own(&app))),
        None => Err(unprocessable("peer_invalid", &peer, "peer id")),
    };
    respond(&app, found, "Peers", (&Filter::parse(query.as_deref()), &headers))
}

/// This node, if it has the block and would give it to anyone.
async fn find(app: &App, text: &str) -> ApiResult<Option<Peer>> {
    let cid = parse_cid(text).ok_or_else(|| unprocessable("cid_invalid", text, "CID"))?;
    if matches!(app.denylists.current().block(&cid), Verdict::Denied(_)) {
        return Ok(None);
    }
    let store = app.store.clone();
    // An identity CID brings its own bytes: nobody has to have them.
    let has = move |cid: &Cid| {
        Ok(cid.hash().code() != 0 && store.is_public(cid)? && store.holds(cid)? && !store.is_damaged(cid)?)
    };
    let found = tokio::task::spawn_blocking(move || has(&cid)).await.map_err(ApiError::internal)?;
    let found: bool = found.map_err(|error: pinreel_content::Error| ApiError::internal(error))?;
    Ok(found.then(|| own(app)))
}

fn own(app: &App) -> Peer {
    Peer::of(&app.identity.node_key.public(), app.site.url())
}

/// A list of none or one, as JSON or, when it is asked for, a record a line.
fn respond(app: &App, found: ApiResult<Option<Peer>>, list: &str, (filter, asked): (&Filter, &HeaderMap)) -> Response {
    let mut response = match found {
        Ok(found) => {
            let records = Vec::from_iter(found.and_then(|peer| filter.apply(peer)));
            let cache = if records.is_empty() { NOT_FOUND } else { FOUND };
            let (content_type, body) = match takes_lines(asked) {
                true => (NDJSON, records.iter().map(|record| format!("{}\n", json!(record))).collect()),
                false => (JSON, json!({ list: records }).to_string()),
            };
            let content_type = HeaderValue::from_static(content_type);
            ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, cache)], body).into_response()
        }
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    let seconds = u64::try_from(app.clock.now_ms() / 1000).unwrap_or_default();
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    headers.extend(HeaderValue::try_from(fmt_http_date(now)).ok().map(|now| (header::LAST_MODIFIED, now)));
    allow_every_origin(headers);
    response
}

/// Whether a record a line is named, and liked no less than a list.
fn takes_lines(asked: &HeaderMap) -> bool {
    let accepted = accepted(asked);
    let liking = |essence| accepted.iter().find(|media_type| media_type.essence == essence).map(|named| named.quality);
    liking(NDJSON).is_some_and(|lines| Some(lines) >= liking(JSON))
}

fn allow_every_origin(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, HeaderValue); 2] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, OPTIONS")),
    ];
    headers.extend(fixed);
}

fn unprocessable(code: &'static str, text: &str, what: &str) -> ApiError {
    let shown: String = text.chars().take(100).collect();
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("“{}” is no {what}.", shown.escape_debug()))
}

/// Preflights of other sites.
pub async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_every_origin(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("accept, content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// What the specification knows, and this node doesn't do.
pub async fn not_supported() -> Response {
    let detail = "This node answers GET /routing/v1/providers/{cid} and /routing/v1/peers/{peer-id}, for itself only.";
    let mut response = ApiError::new(StatusCode::NOT_IMPLEMENTED, "routing_not_supported", detail).into_response();
    allow_every_origin(response.headers_mut());
    response
}

/// What the specification doesn't know.
pub async fn unknown() -> Response {
    let detail =
        "The routing API has no such address; it has /routing/v1/providers/{cid} and /routing/v1/peers/{peer-id}.";
    let mut response = ApiError::bad_request("routing_path_unknown", detail).into_response();
    allow_every_origin(response.headers_mut());
    response
}
