//! What every handler may reach: the database, the content store, the clock and the settings.

use std::sync::Arc;

use pinreel_content as _;

use crate::clock::Clock;
use crate::config::Config;
use crate::database::Database;

/// Cheap to clone; one for the process.
#[derive(Clone)]
pub struct App {
    pub database: Database,
    pub clock: Clock,
    pub config: Arc<Config>,
}
