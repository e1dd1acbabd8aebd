//! Keeping what this node publishes in a Kubo as well, from where the DHT and bitswap reach it.
//!
//! What always holds: only published roots are ever queued, and unpinned once they are withdrawn; a row says what is wanted and how it stands; a Kubo that is
//! away, slow or wrong delays nothing but its own queue, and is caught up when it is back.
//!
//! Table: `pin`. Deliberately absent: pinning anything that isn't in this node's own store.

mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::Arc;

use pinreel_content::kubo::{Kubo, KuboError};
use sqlx::PgConnection;
use tokio::sync::watch;
use url::Url;

use crate::app::App;
use crate::clock::UnixMs;
use crate::database::Database;

pub use http::routes;
pub use model::{Pin, PinState, PinStatus, Role};
pub use store::PinCount;

/// Where the Kubo to pin at answers now. A supervised one comes and goes, and may come back elsewhere.
#[derive(Clone, Debug, Default)]
pub struct KuboAddress {
    url: Arc<watch::Sender<Option<Url>>>,
}

impl KuboAddress {
    pub fn new(url: Option<Url>) -> Self {
        Self { url: Arc::new(watch::Sender::new(url)) }
    }

    pub fn set(&self, url: Option<Url>) {
        self.url.send_replace(url);
    }

    pub fn get(&self) -> Option<Url> {
        self.url.borrow().clone()
    }

    pub fn subscribe(&self) -> watch::Receiver<Option<Url>> {
        self.url.subscribe()
    }
}

/// Whether this node pins what it publishes, now or once its Kubo is up.
pub fn is_enabled(app: &App) -> bool {
    app.config.ipfs || app.config.kubo_api.is_some() || app.kubo.get().is_some()
}

/// The Kubo at this address, spoken to as the settings say.
pub fn client(app: &App, url: &Url) -> Result<Kubo, KuboError> {
    let kubo = Kubo::new(url.as_str())?;
    match &app.config.kubo_token {
        Some(token) => kubo.with_token(token),
        None => Ok(kubo),
    }
}

/// Starts the task that brings roots to Kubo.
pub fn start(app: &App) {
    app.tasks.spawn(worker::run(app.clone()));
}

/// Wants a root pinned; call it in the transaction that makes the root public. `title` is what people call it.
pub async fn want(
    connection: &mut PgConnection,
    (root, role): (&str, Role),
    title: &str,
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    store::insert(connection, (root, role), &model::pin_name(role, title), now_ms).await
}

/// How the pins of these roots stand; nothing when this node has no Kubo to pin at.
pub async fn pins_of(app: &App, roots: &[String]) -> sqlx::Result<Vec<Pin>> {
    if !is_enabled(app) {
        return Ok(Vec::new());
    }
    store::of_roots(&app.database, roots).await
}

/// For the operator: what isn't pinned first, then the newest.
pub async fn recent(app: &App) -> sqlx::Result<Vec<PinStatus>> {
    store::recent(&app.database).await
}

/// How many pins are in each state.
pub async fn count(database: &Database) -> sqlx::Result<Vec<PinCount>> {
    store::count(database).await
}

/// Takes the pins of these roots away, also at Kubo; call it once they are no longer public.
pub async fn unwant(database: &Database, roots: &[String], now_ms: UnixMs) -> sqlx::Result<()> {
    let mut connection = database.acquire().await?;
    store::unwant(&mut connection, roots, now_ms).await
}
