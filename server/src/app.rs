//! What every handler may reach: the database, the data folder, the clock and the settings.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use pinreel_content::Store;
use pinreel_runner::Preset;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::data::DataDir;
use crate::database::Database;
use crate::denylist::Denylists;
use crate::gateway::Known;
use crate::http::Limits;
use crate::identity::NodeIdentity;
use crate::media::WorkerToken;
use crate::metrics::Metrics;
use crate::pages::WebDir;
use crate::pinning::KuboAddress;
use crate::signals::Signals;
use crate::site::Site;
use crate::uploads::Uploads;

/// Cheap to clone, for every request takes a few; one for the process.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What there is one of.
#[derive(Clone)]
pub struct Parts {
    /// Acts as `pinreel_app`: features grant themselves what they need in their migrations.
    pub database: Database,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub data: Arc<DataDir>,
    /// All bytes. Its calls block: make them in `spawn_blocking`.
    pub store: Store,
    /// What is never given to anyone.
    pub denylists: Denylists,
    /// What the gateway answered lately.
    pub known: Known,
    /// Who this node is.
    pub identity: Arc<NodeIdentity>,
    pub worker_token: Arc<WorkerToken>,
    /// How sources that arrive now are transcoded.
    pub preset: Arc<Preset>,
    /// Where the Kubo is that pins what this node publishes, if there is one right now.
    pub kubo: KuboAddress,
    /// What changed in the database.
    pub signals: Signals,
    /// Where people reach this node.
    pub site: Arc<Site>,
    /// The built web app.
    pub web: WebDir,
    pub tasks: Tasks,
    pub uploads: Uploads,
    pub limits: Arc<Limits>,
    pub metrics: Metrics,
}

/// Work that runs beside requests. At shutdown `stop` is cancelled and every task is waited for, for a while.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    pub stop: CancellationToken,
}

impl Tasks {
    /// Starts a task that must end soon after `stop` is cancelled.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Cancels everything and waits until all tasks have ended.
    pub async fn finish(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
