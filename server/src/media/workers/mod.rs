//! Workers: how they come to be known, what they say of themselves, and how the operator is rid of one.
//!
//! A registration token, made by the operator, buys a key once; both are kept as hashes. A worker that holds the node's
//! worker token needs no key, but can't take the name of one that has.

mod register;
#[cfg(test)]
mod tests;

use pinreel_content::sha256;
use pinreel_runner::text::plain;
use pinreel_runner::{Capabilities, Kind, LeaseRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::UnixMs;
use crate::signals::Signal;

use super::error::MediaError;
use super::model::{AfterLease, LOCAL_WORKER, worker_id};
use super::store::{self, workers as rows};

pub use register::{Invitation, Invite, invite, register};

/// Codecs and kinds that are kept of a worker's list.
const MAX_CODECS: usize = 256;
const ALL_KINDS: [Kind; 4] = [Kind::Video, Kind::Audio, Kind::Companion, Kind::Preview];
/// A worker that hasn't asked for so long isn't counted on.
pub const LIVE_MS: i64 = 10 * 60_000;

/// A worker as its operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    pub name: String,
    /// Whether it has a key of its own, which can be revoked; else it asks with the node's worker token
    pub registered: bool,
    /// Program and version
    pub software: String,
    /// `video`, `audio`, `companion`, `preview`
    pub kinds: Vec<String>,
    /// How many codecs it can decode
    pub codecs: usize,
    /// Seconds of film a second, at its last job
    pub speed: Option<f64>,
    pub registered_ms: UnixMs,
    /// When it last asked for a job
    pub seen_ms: Option<UnixMs>,
    pub revoked_ms: Option<UnixMs>,
    /// Jobs that it holds now
    pub running: i64,
    /// Renditions of its making that are shown
    pub renditions: i64,
}

/// Who asks for a job, by key or by the node's worker token; what it says of itself is noted.
pub async fn identify(app: &App, token: &str, asked: &LeaseRequest) -> Result<String, MediaError> {
    let now_ms = app.clock.now_ms();
    let told = told(asked);
    if app.worker_token.matches(token) {
        let name = worker_id(&asked.worker);
        if rows::note_unregistered(&app.database, &name, &told, now_ms).await? {
            return Ok(name);
        }
        return Err(MediaError::WorkerNameTaken(name));
    }
    let key = sha256(token.as_bytes());
    let (name, revoked) = rows::of_key(&app.database, &key).await?.ok_or(MediaError::TokenWrong)?;
    if revoked {
        return Err(MediaError::WorkerRevoked(name));
    }
    rows::note_registered(&app.database, &name, &told, now_ms).await?;
    Ok(name)
}

/// What is kept of what a worker says: bounded, and no number that isn't one.
fn told(asked: &LeaseRequest) -> rows::Told {
    let Capabilities { kinds, codecs, speed } = &asked.capabilities;
    rows::Told {
        software: plain(&asked.software, 80),
        kinds: kinds.iter().map(|kind| store::kind_name(*kind).to_owned()).take(MAX_CODECS).collect(),
        codecs: codecs.iter().map(|codec| plain(codec, 40)).take(MAX_CODECS).collect(),
        speed: speed.filter(|speed| speed.is_finite() && *speed > 0.0),
    }
}

/// All workers for the operator: those who asked last first.
pub async fn list(app: &App) -> Result<Vec<Worker>, MediaError> {
    Ok(rows::list(&app.database).await?)
}

/// Takes a worker's key from it. The jobs that it holds go to others, and count as no try.
pub async fn revoke(app: &App, name: &str) -> Result<(), MediaError> {
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    match rows::registered(&mut transaction, name).await? {
        None => return Err(MediaError::WorkerUnknown(plain(name, 64))),
        Some(false) => return Err(MediaError::WorkerUnregistered(name.to_owned())),
        Some(true) => rows::revoke(&mut transaction, name, now_ms).await?,
    }
    for (job, _) in store::lock_held_by(&mut transaction, name, &ALL_KINDS).await? {
        store::note(&mut transaction, job, &format!("the operator revoked {name}; its lease is over"), now_ms).await?;
        store::end_lease(&mut transaction, (job, None), &AfterLease::Back, now_ms).await?;
    }
    // It may be waiting for a job at this moment.
    store::signal(&mut transaction, Signal::Queue).await?;
    transaction.commit().await?;
    tracing::warn!(worker = name, "a worker was revoked");
    Ok(())
}

/// What a worker made is no longer shown, and is to be made again; how many renditions and previews that were.
pub async fn withdraw(app: &App, name: &str) -> Result<u64, MediaError> {
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    if rows::registered(&mut transaction, name).await?.is_none() {
        return Err(MediaError::WorkerUnknown(plain(name, 64)));
    }
    let previews = store::withdraw_previews_of(&mut transaction, name, now_ms).await?;
    let withdrawn = previews + store::withdraw_of(&mut transaction, name, now_ms).await?;
    transaction.commit().await?;
    tracing::warn!(worker = name, renditions = withdrawn, "a worker's renditions were withdrawn");
    Ok(withdrawn)
}

/// Names that no worker may register.
fn is_reserved(name: &str) -> bool {
    name == LOCAL_WORKER || name == "unnamed"
}
