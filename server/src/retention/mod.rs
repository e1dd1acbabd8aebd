//! What this node keeps, and for how long: pins follow from what the other features' tables say, and what nothing pins
//! goes after a grace period.
//!
//! What always holds:
//! - uploads, the newest version of each publication, renditions of what somebody here still has, and files on their
//!   way from a worker are pinned in the content store, each under its owner (`upload:…`, `claim:…`, `rendition:…`,
//!   `job:…`); pins of other owners are left alone;
//! - what is no longer wanted in public is withdrawn at once, and removed only when nothing has led to it for the whole
//!   grace period;
//! - nothing is unpinned when the database's log is shorter than this folder has seen it: that is an older backup, or
//!   another node's database.
//!
//! Besides, it reads everything again now and then and looks for damage ([`scrub`]). Owns no tables: it asks the
//! features that do.

mod gather;
mod high_water;
mod model;
mod reconcile;
mod run;
mod scrub;
#[cfg(test)]
mod tests;

use crate::app::App;

pub use reconcile::{Refused, reconcile};

/// Starts what runs beside requests.
pub fn start(app: &App) {
    app.tasks.spawn(run::run(app.clone()));
    app.tasks.spawn(scrub::run(app.clone()));
}
