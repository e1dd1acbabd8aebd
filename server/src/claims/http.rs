//! `POST /api/v1/records`, the one way in for what channels say, and what a key must know before it signs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pinreel_records::{Name, PublicKey, Signed, base64url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, ApiJson, ApiPath, ApiResult};

use super::store::channels;
use super::{announce, submit};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(post_record)).routes(routes!(key)).routes(routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewRecord {
    /// base64url of the signed header
    header: String,
    /// base64url of the body block
    body: String,
    /// Lets a genesis in where registration is by invitation
    invitation: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Logged {
    /// The record's id: the CID of its header
    id: String,
    index: i64,
    received_ms: UnixMs,
}

/// Publishes a signed record. The same one sent again is answered as it was the first time.
#[utoipa::path(
    post,
    path = "/api/v1/records",
    request_body = NewRecord,
    responses(
        (status = 201, body = Logged),
        (status = 200, description = "It was here before", body = Logged),
        (status = 400, description = "record_malformed"),
        (status = 403, description = "claim_foreign, invitation_needed, registration_closed"),
        (status = 409, description = "chain_broken, chain_conflict, keys_stale, handle_taken, slug_taken, claim_stale"),
        (status = 410, description = "erased, content_erased"),
        (status = 422, description = "signature_wrong, body_mismatch, home_wrong, key_unknown, clock_skew, kind_unsupported, visibility_unsupported, profile_needed, source_missing, source_damaged, source_size_wrong, root_mismatch, target_unknown"),
    )
)]
async fn post_record(
    State(app): State<App>,
    ApiJson(sent): ApiJson<NewRecord>,
) -> ApiResult<(StatusCode, Json<Logged>)> {
    let signed = Signed { header_bytes: bytes("header", &sent.header)?, body_bytes: bytes("body", &sent.body)? };
    let receipt = submit(&app, &signed, sent.invitation.as_deref()).await?;
    // A retry also finishes what the first answer's loss may have left undone.
    if let Err(error) = announce::announce(&app, receipt.index).await {
        tracing::warn!(%error, index = receipt.index, "a version waits to be shown");
    }
    let status = if receipt.is_retry { StatusCode::OK } else { StatusCode::CREATED };
    let answer = Logged { id: receipt.id.to_string(), index: receipt.index, received_ms: receipt.received_ms };
    Ok((status, Json(answer)))
}

fn bytes(name: &str, text: &str) -> ApiResult<Vec<u8>> {
    base64url::decode(text).ok_or_else(|| {
        ApiError::bad_request("record_malformed", format!("The record can't be read: its {name} isn't base64url."))
    })
}

#[derive(Debug, Serialize, ToSchema)]
struct KeyState {
    channel: String,
    /// Null before the channel's first profile
    handle: Option<String>,
    /// The record that the next header must name in `keys`
    keys: String,
    /// The key's last record; null before its first
    head: Option<Head>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Head {
    id: String,
    seq: u64,
}

/// What a client needs to sign a key's next record.
#[utoipa::path(
    get, path = "/api/v1/keys/{key}", params(("key" = String, Path, description = "The public key, base64url")),
    responses((status = 200, body = KeyState), (status = 404))
)]
async fn key(State(app): State<App>, ApiPath(text): ApiPath<String>) -> ApiResult<Json<KeyState>> {
    let unknown = || ApiError::not_found("key_unknown", "This key belongs to no channel of this node.");
    let key: PublicKey = text.parse().map_err(|_| unknown())?;
    let mut connection = app.database.acquire().await?;
    let info = channels::key(&mut connection, &key).await?.ok_or_else(unknown)?;
    Ok(Json(KeyState {
        channel: info.channel.to_string(),
        handle: info.handle,
        keys: info.keys.to_string(),
        head: info.head.map(|head| Head { id: head.id.to_string(), seq: head.seq }),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct HandleState {
    /// In its normal form
    handle: String,
    /// Whether a new channel could take it now: it and all that look like it are nobody's
    free: bool,
}

/// Whether a handle is free, to be asked before a channel is founded for it: a genesis that is in the log stays there.
#[utoipa::path(
    get, path = "/api/v1/handles/{handle}", params(("handle" = String, Path)),
    responses((status = 200, body = HandleState), (status = 400, description = "handle_malformed"))
)]
async fn handle(State(app): State<App>, ApiPath(text): ApiPath<String>) -> ApiResult<Json<HandleState>> {
    let handle: Name = text
        .parse()
        .map_err(|error| ApiError::bad_request("handle_malformed", format!("@{text} can't be a handle: {error}.")))?;
    let mut connection = app.database.acquire().await?;
    let free = channels::is_handle_free(&mut connection, &handle).await?;
    Ok(Json(HandleState { handle: handle.to_string(), free }))
}
