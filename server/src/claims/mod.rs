//! Claims: what channels say of themselves and of their work, in records that they sign. This node checks each record,
//! gives it its place in the log, and only then shows it.
//!
//! What always holds:
//! - a record is in the log exactly if it passed every rule; one that doesn't leaves no trace;
//! - the same record sent again is answered as it was the first time;
//! - handle, slug, key chain and claim state here are what the log says: they change in the transaction that appends;
//! - a version is shown only once all the bytes that it names are public in the content store.
//!
//! Tables: `channel`, `signing_key`, `handle_skeleton`, `handle`, `claim`, `claim_version`, `rendition_record`,
//! `unannounced`, `publication`. Deliberately absent: further keys and recovery, collections, unlisted publications.

mod announce;
mod error;
mod http;
mod kept;
mod markdown;
mod model;
mod node;
mod profiles;
mod store;
mod streams;
mod submit;
#[cfg(test)]
pub mod tests;
mod tombstones;

use crate::app::App;

pub use announce::announce_pending;
pub use error::ClaimsError;
pub use http::routes;
pub use kept::kept;
pub use model::{ChannelInfo, KeyInfo, Receipt};
pub use node::{FoundError, append_node_record, found};
pub use store::channels::{count as count_channels, find_channel, key as find_key};
pub use submit::submit;

/// Starts what runs beside requests.
pub fn start(app: &App) {
    app.tasks.spawn(announce::run(app.clone()));
}
