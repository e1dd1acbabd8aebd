//! The log: every record that this node has acknowledged, in one order, for good.
//!
//! What always holds:
//! - indices have no gaps and received times never decrease: whoever appends holds the lock on the log's end until its
//!   transaction commits, so a later index is never visible before an earlier one;
//! - an entry is never changed or removed; a body goes only together with a tombstone.
//!
//! Tables: `log_head`, `log_entry`, `log_body`, `log_erasure`. What a record means is for [`crate::claims`] to know.
//! Deliberately absent: Merkle tiles, proofs and checkpoints, which come later over the same order.

mod http;
mod model;
pub mod store;

pub use http::routes;
pub use model::{BodyState, Entry};
pub use store::{End, Incoming, append, erase, find, lock_end};
