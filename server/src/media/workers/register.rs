//! From the operator's invitation to a worker's key.

use pinreel_content::sha256;
use pinreel_runner::text::plain;
use pinreel_runner::{PROTOCOL, Register, Registered};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::UnixMs;
use crate::media::error::MediaError;
use crate::media::model::worker_id;
use crate::media::store::workers as rows;
use crate::media::token;

const HOUR_MS: i64 = 3_600_000;
/// How long an invitation lasts unless told.
const USUAL_HOURS: u32 = 24;
const MAX_HOURS: u32 = 24 * 90;

/// What an invitation is to be like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Invite {
    /// 24 unless told; at most 90 days
    pub hours: Option<u32>,
    /// Whether any number of workers may register with it, for as long as it lasts
    pub reusable: bool,
}

/// What lets a worker register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WorkerInvitation)]
pub struct Invitation {
    /// Told this once
    pub token: String,
    /// Where the worker reaches this node
    pub server: String,
    pub reusable: bool,
    /// ms since 1970
    pub expires_ms: UnixMs,
}

pub async fn invite(app: &App, wanted: Invite) -> Result<Invitation, MediaError> {
    let hours = wanted.hours.unwrap_or(USUAL_HOURS);
    if !(1..=MAX_HOURS).contains(&hours) {
        return Err(MediaError::InvitationHours(MAX_HOURS));
    }
    let token = token::secret().map_err(|error| MediaError::Store(error.to_string()))?;
    let now_ms = app.clock.now_ms();
    let expires_ms = now_ms + i64::from(hours) * HOUR_MS;
    let life = (now_ms, expires_ms);
    rows::insert_invitation(&app.database, &sha256(token.as_bytes()), wanted.reusable, life).await?;
    let server = app.site.link("");
    Ok(Invitation { token, server, reusable: wanted.reusable, expires_ms })
}

/// Gives a worker its key. A one-time invitation is used up in the same transaction.
pub async fn register(app: &App, token: &str, told: &Register) -> Result<Registered, MediaError> {
    if told.protocol != PROTOCOL {
        return Err(MediaError::Protocol(told.protocol));
    }
    let name = worker_id(&told.worker);
    let key = token::secret().map_err(|error| MediaError::Store(error.to_string()))?;
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    if !rows::use_invitation(&mut transaction, &sha256(token.as_bytes()), now_ms).await? {
        return Err(MediaError::InvitationWrong);
    }
    let row = (name.as_str(), plain(&told.software, 80));
    if super::is_reserved(&name) || !rows::insert(&mut transaction, row, &sha256(key.as_bytes()), now_ms).await? {
        return Err(MediaError::WorkerNameTaken(name));
    }
    transaction.commit().await?;
    tracing::info!(worker = name, "a worker registered");
    Ok(Registered { worker: name, key })
}
