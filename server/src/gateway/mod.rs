//! The IPFS path gateway: `/ipfs/<cid>[/path]` out of this node's own content store.
//!
//! What always holds: an answer's bytes are named by the CID in its entity tag; nothing is fetched from elsewhere for a
//! stranger; what isn't published looks exactly like what isn't held; and content can't act in this site's name
//! ([`fence`]). The owner's private preview goes through the same code ([`answer`]) with another base and without the
//! one check. Absent so far: CAR and tar, paths into dag-cbor and dag-json, multipart ranges. Owns no
//! tables.

mod answer;
mod body;
mod conditional;
#[cfg(test)]
mod conformance;
pub mod content_type;
pub mod fence;
mod format;
mod http;
mod listing;
mod look_up;
mod path;
mod range;
#[cfg(test)]
mod tests;

pub use answer::{Ask, answer};
pub use format::Query;
pub use look_up::Audience;
pub use path::segments;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub fn routes() -> Router<App> {
    let content = get(http::content).options(http::preflight);
    Router::new().route("/ipfs/{*path}", content)
}
