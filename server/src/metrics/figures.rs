//! What is looked up when somebody reads: how much the store holds, and how things stand in the database.
//!
//! A look is good for a few seconds and may take two. One that hangs isn't joined by others: until it is over, its part
//! is said to be away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pinreel_content::Stats;
use prometheus::{Gauge, GaugeVec, Opts, Registry};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Series, register};
use crate::app::App;
use crate::clock::UnixMs;
use crate::log;
use crate::media::{self, JobCount};
use crate::pinning::{self, PinCount};
use crate::uploads::{self, UploadCount};

const GOOD_FOR: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(2);

/// The last look.
#[derive(Default)]
pub struct Looked {
    last: Mutex<Option<(Instant, Arc<Figures>)>>,
    /// Held by a look at the store for as long as it really takes.
    store: Arc<Mutex<()>>,
}

/// What was found; a part that can't be told is absent.
pub struct Figures {
    store: Option<Stats>,
    database: Option<InDatabase>,
}

struct InDatabase {
    uploads: Vec<UploadCount>,
    jobs: Vec<JobCount>,
    pins: Vec<PinCount>,
    records: i64,
    seen_ms: UnixMs,
}

impl Looked {
    /// How things stand now, or stood a few seconds ago.
    pub async fn figures(&self, app: &App) -> Arc<Figures> {
        let mut last = self.last.lock().await;
        if let Some((at, figures)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return figures.clone();
        }
        let (store, database) = tokio::join!(self.store(app), database(app));
        let figures = Arc::new(Figures { store, database });
        *last = Some((Instant::now(), figures.clone()));
        figures
    }

    async fn store(&self, app: &App) -> Option<Stats> {
        let (held, store) = (self.store.clone().try_lock_owned().ok()?, app.store.clone());
        let look = spawn_blocking(move || {
            let stats = store.stats();
            drop(held);
            stats
        });
        told(
            "the store",
            timeout(LONGEST, look)
                .await
                .map(|joined| joined.map_err(|error| error.to_string())?.map_err(|error| error.to_string())),
        )
    }
}

async fn database(app: &App) -> Option<InDatabase> {
    let look = async {
        let database = &app.database;
        Ok::<_, sqlx::Error>(InDatabase {
            uploads: uploads::count(database).await?,
            jobs: media::count_jobs(database).await?,
            pins: pinning::count(database).await?,
            records: log::store::size(database).await?,
            seen_ms: app.clock.now_ms(),
        })
    };
    told("the database", timeout(LONGEST, look).await.map(|found| found.map_err(|error| error.to_string())))
}

fn told<T>(part: &str, looked: Result<Result<T, String>, tokio::time::error::Elapsed>) -> Option<T> {
    let error = match looked {
        Ok(Ok(found)) => return Some(found),
        Ok(Err(error)) => error,
        Err(_) => format!("it took more than {} s", LONGEST.as_secs()),
    };
    tracing::warn!(error, "{part} can't be measured");
    None
}

impl Figures {
    /// As series, which last for one answer.
    pub fn register(&self, app: &App) -> Registry {
        let registry = Registry::new();
        let parts = [("store", up(self.store.is_some())), ("database", up(self.database.is_some()))];
        series(
            &registry,
            "pinreel_measured",
            "Whether this part could be looked at; its numbers are absent if not.",
            ("part", &parts),
        );
        if let Some(store) = &self.store {
            of_store(&registry, store);
        }
        if let Some(database) = &self.database {
            of_database(&registry, database);
        }
        let (open, idle) = (app.database.size() as usize, app.database.num_idle());
        let connections = [("idle", idle as f64), ("busy", open.saturating_sub(idle) as f64)];
        series(
            &registry,
            "pinreel_database_connections",
            "Connections to Postgres, by what they do.",
            ("state", &connections),
        );
        gauge(
            &registry,
            "pinreel_kubo_known",
            "Whether there is an address of a Kubo to pin at right now.",
            up(app.kubo.get().is_some()),
        );
        registry
    }
}

fn of_store(registry: &Registry, store: &Stats) {
    let whole = [
        ("pinreel_store_files", "Whole files in the content store.", store.blobs),
        ("pinreel_store_file_bytes", "Bytes of these files.", store.blob_bytes),
        ("pinreel_store_nodes", "Blocks outside of files: trees, folders, imported blocks.", store.nodes),
        ("pinreel_store_leaves", "Index entries for the leaves of files of several leaves.", store.leaves),
        ("pinreel_store_pins", "Pins in the content store.", store.pins),
        ("pinreel_store_unreached_blocks", "Blocks that no pin led to at the last collection.", store.unreached),
        ("pinreel_store_erased_roots", "Roots that were erased and aren't taken again.", store.erased),
        ("pinreel_store_damaged_leaves", "Leaves whose bytes are wrong and aren't given out.", store.damaged),
        ("pinreel_store_free_bytes", "What the store's file system has left.", store.free_bytes),
    ];
    for (name, help, value) in whole {
        gauge(registry, name, help, value as f64);
    }
}

fn of_database(registry: &Registry, found: &InDatabase) {
    let age_s =
        |since_ms: Option<UnixMs>| since_ms.map_or(0.0, |since_ms| (found.seen_ms - since_ms).max(0) as f64 / 1000.0);
    let uploads: Vec<_> = found.uploads.iter().map(|row| (row.state, row.uploads as f64)).collect();
    series(registry, "pinreel_uploads", "Uploads, by their state.", ("state", &uploads));
    let sizes: Vec<_> = found.uploads.iter().map(|row| (row.state, row.size_bytes as f64)).collect();
    series(registry, "pinreel_upload_size_bytes", "Bytes that these uploads have announced.", ("state", &sizes));

    let jobs: Vec<_> = found.jobs.iter().map(|row| (row.state, row.jobs as f64)).collect();
    series(registry, "pinreel_transcoding_jobs", "Transcoding jobs, by their state.", ("state", &jobs));
    let queued = found.jobs.iter().find(|row| row.state == "queued").and_then(|row| row.since_ms);
    gauge(
        registry,
        "pinreel_transcoding_oldest_queued_seconds",
        "How long the job that waits longest has been queued; 0 without any.",
        age_s(queued),
    );

    let pins: Vec<_> = found.pins.iter().map(|row| (row.state, row.pins as f64)).collect();
    series(registry, "pinreel_kubo_pins", "Roots in the queue to Kubo, by their state.", ("state", &pins));
    let pending = found.pins.iter().find(|row| row.state == "pending").and_then(|row| row.since_ms);
    gauge(
        registry,
        "pinreel_kubo_oldest_pending_seconds",
        "How long the root that waits longest to be pinned has been wanted; 0 without any.",
        age_s(pending),
    );
    gauge(registry, "pinreel_log_records", "Records in this node's log.", found.records as f64);
}

fn up(is_up: bool) -> f64 {
    f64::from(u8::from(is_up))
}

fn gauge(registry: &Registry, name: &str, help: &str, value: f64) {
    register(registry, Gauge::new(name, help)).set(value);
}

fn series(registry: &Registry, name: &str, help: &str, (label, values): Series<'_>) {
    let family = register(registry, GaugeVec::new(Opts::new(name, help), &[label]));
    for (at, value) in values {
        family.with_label_values(&[*at]).set(*value);
    }
}
