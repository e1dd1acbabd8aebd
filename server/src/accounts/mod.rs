//! Who acts: sessions of channels by challenge, the node's operators, and who may found a channel here.
//!
//! What always holds:
//! - a session exists only for a channel whose active key signed this node's own nonce for this site;
//! - tokens (of sessions, invitations, the operator's link) are stored as hashes only;
//! - the operator's link and each invitation work once.
//!
//! Tables: `session_challenge`, `session`, `operator`, `operator_link`, `registration`, `invitation`. Deliberately
//! absent: passwords, recovery, further devices.

mod admission;
mod error;
mod extract;
mod http;
mod model;
mod operator;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use utoipa_axum::router::OpenApiRouter;

pub use admission::{AdmitError, admit, mode};
pub use extract::{MaybeSession, Operator, Session};
pub use model::{Registration, SessionView};
pub use operator::offer_link;
pub use sign_in::view as session_view;

use crate::app::App;

/// How often expired challenges, sessions and invitations are cleared away.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

pub fn routes() -> OpenApiRouter<App> {
    http::routes()
}

/// Starts what runs beside requests.
pub fn start(app: &App) {
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        loop {
            if let Err(error) = store::sweep(&app.database, app.clock.now_ms()).await {
                tracing::warn!(%error, "expired sessions could not be cleared away");
            }
            if tokio::time::timeout(SWEEP_EVERY, app.tasks.stop.cancelled()).await.is_ok() {
                return;
            }
        }
    });
}
