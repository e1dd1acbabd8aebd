//! The IPFS path and trustless gateways: `/ipfs/<cid>[/path]` out of this node's own content store.
//!
//! What always holds: an answer's bytes are named by the CID in its entity tag; nothing is fetched from elsewhere for a
//! stranger; what isn't published looks exactly like what isn't held; what is denied is refused before it is looked up;
//! an answer that can't be finished breaks off and never looks whole; and content can't act in this site's name
//! ([`fence`]). The owner's private preview goes through the same code ([`answer`]) with another base and without the
//! check of what is published. Deliberately absent: IPNS, and any conversion between codecs. Owns no tables.

pub mod accept;
mod answer;
mod body;
mod buffers;
mod car;
mod conditional;
#[cfg(test)]
mod conformance;
pub mod content_type;
mod data_page;
mod errors;
pub mod fence;
mod format;
mod http;
mod known;
mod leave;
mod listing;
mod look_up;
mod multipart;
mod pace;
mod page;
mod path;
mod pieces;
mod query;
mod range;
#[cfg(test)]
mod seeds;
mod send;
mod shape;
mod tar;
#[cfg(test)]
mod tests;
mod turns;

pub use answer::{Ask, answer};
pub use http::known;
pub use known::Known;
pub use look_up::Audience;
pub use path::segments;
pub use query::Query;

use http::takes_files;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::task::spawn_blocking;

use crate::app::App;

/// What was known before a change of the store or the denylists holds its files open; so often it is let go, and looked
/// whether the files in the store's folder are still the same.
const FORGET_EVERY: Duration = Duration::from_secs(2);

/// Starts the task that keeps what is known from outliving what changed.
pub fn start(app: &App) {
    let (app, stop) = (app.clone(), app.tasks.stop.clone());
    app.clone().tasks.spawn(async move {
        while stop.run_until_cancelled(tokio::time::sleep(FORGET_EVERY)).await.is_some() {
            // First, so that files which the node itself replaced aren't taken for strays.
            app.known.forget_before(&known::When::now(&app.store, &app.denylists.current()));
            let (store, known) = (app.store.clone(), app.known.clone());
            match spawn_blocking(move || store.look_after_open_files(known.open_files())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the files that are kept open can't be looked after"),
                Err(error) => tracing::error!(%error, "looking after open files broke off"),
            }
        }
    });
}

pub fn routes() -> Router<App> {
    let content = get(http::content).options(http::preflight);
    Router::new().route("/ipfs/", content.clone()).route("/ipfs/{*path}", content)
}
