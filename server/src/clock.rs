//! The one place that reads the time, so that rules can be tested at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type UnixMs = i64;

#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// A hand-driven clock, for tests.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    #[allow(clippy::disallowed_methods)]
    pub fn now_ms(&self) -> UnixMs {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)),
            Self::Fixed(now) => now.load(Ordering::SeqCst),
        }
    }
}
