//! What a channel puts beside its upload before it publishes it: captions of its own, and a poster.
//!
//! What always holds:
//! - what is sent is a stranger's: a worker's fenced child makes clean WebVTT or a JPEG of it, and only that is ever shown;
//! - a playback folder with a channel's companions in it is that channel's: see [`crate::media`];
//! - once a source is published by the channel, nothing is changed beside it any more; what was on its way arrives;
//! - a file that can't be used says why, and holds nothing up: the rest is put together without it.
//!
//! Owns the tables `companion` and `companion_due`. Deliberately absent: chapters, which are a part of the signed record.

mod compose;
mod error;
mod http;
mod language;
mod model;
mod store;
#[cfg(test)]
mod tests;

use pinreel_runner::{Preset, Task};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::clock::UnixMs;
use crate::database::Database;
use crate::media::{self, Source};
use crate::uploads::UploadId;

pub use error::CompanionError;
pub use http::routes;
pub use model::{CompanionView, Role};

/// Starts what runs beside requests.
pub fn start(app: &App) {
    app.tasks.spawn(compose::run(app.clone()));
}

/// A film's last byte is here: frames of it can be taken. Call it in the transaction that says so.
pub async fn film_arrived(
    connection: &mut PgConnection,
    upload: UploadId,
    (source, preset): (&Source, &Preset),
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    for (companion, at_ms) in store::frames_of(connection, upload.0).await? {
        let task = Task::Frame { at_ms };
        let job = media::enqueue_companion(connection, (source, preset), task, now_ms).await?;
        store::set_job(connection, companion, job).await?;
    }
    store::mark_due(connection, upload.0).await
}

/// A film's renditions are made. Call it in the transaction that says so.
pub async fn film_made(connection: &mut PgConnection, source: &str) -> sqlx::Result<()> {
    store::mark_due_of_source(connection, source).await
}

/// A job is over, well or badly. Call it in the transaction that says so.
pub async fn job_ended(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<()> {
    store::mark_due_of_job(connection, job).await
}

/// An upload's companions, in the players' order.
pub async fn of_upload(database: &Database, upload: UploadId) -> sqlx::Result<Vec<CompanionView>> {
    let rows = store::of_upload(database, upload.0).await?;
    let jobs: Vec<Uuid> = rows.iter().filter_map(|row| row.job).collect();
    let made = media::companions_of(database, &jobs).await?;
    let view = |row: model::Companion| {
        let made = made.iter().find(|made| row.job == Some(made.job));
        row.view(made)
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Whether a film's folder still waits for something that this channel put beside it.
pub async fn are_awaited(database: &Database, channel: &str, source: &str) -> sqlx::Result<bool> {
    store::are_awaited(database, channel, source).await
}

/// Whether a file is what became of something that this channel sent.
pub async fn owns_file(connection: &mut PgConnection, channel: &str, cid: &str) -> sqlx::Result<bool> {
    store::owns_file(connection, channel, cid).await
}

/// What is kept for them: what was sent and what was made of it, each with its companion.
pub async fn kept(database: &Database) -> sqlx::Result<Vec<(Uuid, String)>> {
    store::kept(database).await
}
