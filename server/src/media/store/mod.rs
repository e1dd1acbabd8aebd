//! All SQL of jobs, leases, delivered files and renditions.

mod companions;
mod early;
mod files;
mod jobs;
pub mod kept;
mod leases;
mod log;
mod operate;
mod previews;
mod renditions;
mod wholes;
pub mod workers;

use sqlx::PgConnection;

use crate::signals::{self, Signal};

pub use companions::*;
pub use early::*;
pub use files::*;
pub use jobs::*;
pub use leases::*;
pub use log::*;
pub use operate::*;
pub use previews::*;
pub use renditions::*;
pub use wholes::*;

/// Rows looked at in one go where nothing else bounds them.
const BATCH: i64 = 100;

pub async fn signal(connection: &mut PgConnection, signal: Signal) -> sqlx::Result<()> {
    signals::say(connection, &signal).await
}
