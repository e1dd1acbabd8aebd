//! Uploads by tus 1.0.0 (creation, creation-with-upload, termination, expiration), hashed as they stream in.
//!
//! What always holds:
//! - an offset once answered is on the disk: how far an upload is, its partial file in the content store says, not SQL;
//! - an upload has one writer, and reserves its length on the disk until it is stored, deleted or expired; what one
//!   channel may reserve is bounded, and what all unfinished uploads take together, so that many channels leave a floor,
//!   too; a reservation that gets no byte within an hour ends;
//! - the source's CID is known with the last byte; then, in this order: file in its place in the content store → row
//!   `stored` and transcoding queued in one transaction → partial file forgotten. Whatever step a crash hits, the next
//!   request for the upload, or the next start, goes on from there;
//! - nobody but the channel that made an upload learns that it exists.
//!
//! Owns the table `upload`. Deliberately absent: tus's checksum, concatenation and deferred length.

mod changes;
mod create;
mod error;
mod finish;
mod http;
mod model;
mod names;
mod receive;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod tus;
mod view;
mod writers;

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::Mutex;

pub use create::{kept_free_bytes, left_bytes};
pub use error::UploadError;
pub use http::{own, routes};
pub use model::{SPARE_BYTES, State, Upload, UploadId};
pub use names::clean_file_name;
pub use store::{UploadCount, count, find_in as look_again, stored_sources};

use crate::app::App;

/// What uploads share within the process. Nothing here is missed after a crash.
#[derive(Clone, Default)]
pub struct Uploads {
    writers: writers::Writers,
    changes: changes::Changes,
    /// Held while an upload asks for room, so that two can't be promised the same.
    admission: Arc<Mutex<()>>,
}

/// Starts what runs beside requests.
pub fn start(app: &App) {
    app.tasks.spawn(sweep::run(app.clone()));
}

/// Whether this channel has uploaded these bytes here, to the end: what publishing them needs.
pub async fn owns_source(connection: &mut PgConnection, channel: &str, source: &str) -> sqlx::Result<bool> {
    store::owns_source(connection, channel, source).await
}
