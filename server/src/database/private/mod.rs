//! A Postgres cluster of the node's own, for those who set no `DATABASE_URL`: made in the data folder from the
//! machine's binaries, reached by a Unix socket only, started, watched and stopped with the node.
//!
//! What always holds: the data folder's lock is ours, so any Postgres found in the cluster is the orphan of a killed
//! node and is stopped before another starts. There is no password: who may enter the socket's folder is the owner.

mod account;
mod binaries;
mod cluster;
mod orphan;
mod reserve;
mod socket;

use std::io;
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::data::DataDir;
use crate::supervise::Backoff;

pub use socket::running_url;

use account::Account;
use cluster::{Cluster, Running};

const OWNER: &str = "pinreel";
const DATABASE: &str = "pinreel";

#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    #[error(
        "Postgres {min} or newer isn't installed (looked in PG_BINDIR, /usr/lib/postgresql and the PATH); \
         install it, for example with `apt install postgresql`, or set DATABASE_URL.",
        min = binaries::OLDEST
    )]
    NotInstalled,
    #[error("The database in {} was made by Postgres {made}, which isn't installed; install postgresql-{made}.", folder.display())]
    OtherVersion { folder: PathBuf, made: u32 },
    #[error(
        "Postgres doesn't run as root, and there is no user `pinreel` or `postgres` to run it as; make one with \
         `useradd --system pinreel`, or set DATABASE_URL."
    )]
    NoAccount,
    #[error(
        "The database runs as user {user}, who may not enter {}; choose a folder outside it with --data DIR, or let \
         the user in with `chmod o+x {}`.", folder.display(), folder.display()
    )]
    Unreachable { user: String, folder: PathBuf },
    #[error("The disk that holds {} is full, so the database can't start; free some space.", .0.display())]
    Full(PathBuf),
    #[error("The database could not be made: {0}.")]
    Init(String),
    #[error("The database doesn't start: {0}.")]
    Start(String),
    #[error("The database of an earlier run (process {0}) doesn't end; stop it and start again.")]
    Orphan(i32),
    #[error("The database's folder can't be prepared: {0}.")]
    Io(#[from] io::Error),
}

/// Why a private cluster could not work in this data folder, if the user that it would run as may not enter it.
pub fn unreachable(root: &Path) -> Option<PrivateError> {
    let root = root.canonicalize().ok()?;
    Account::choose().ok()?.check_reach(&root).err()
}

/// A running private cluster, restarted when it dies until it is stopped.
#[derive(Debug)]
pub struct PrivateDatabase {
    options: PgConnectOptions,
    stop: CancellationToken,
    watcher: tokio::task::JoinHandle<()>,
}

impl PrivateDatabase {
    /// Makes the cluster if there is none, clears away what a killed node left, and starts it.
    pub async fn start(data: &DataDir) -> Result<Self, PrivateError> {
        let cluster = Cluster::prepare(data).await?;
        let running = cluster.start().await?;
        cluster.create_database().await?;
        cluster.keep_room();
        let options = cluster.options(DATABASE);
        let stop = CancellationToken::new();
        let watcher = tokio::spawn(watch(cluster, running, stop.clone()));
        Ok(Self { options, stop, watcher })
    }

    /// How to connect as the owner.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Ends it: sessions that are left after a moment are cut off, everything committed is on disk.
    pub async fn stop(self) {
        self.stop.cancel();
        if self.watcher.await.is_err() {
            tracing::error!("the task that watches the database failed");
        }
    }
}

async fn watch(cluster: Cluster, mut running: Running, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let started = Instant::now();
        tokio::select! {
            ended = running.wait() => tracing::error!(%ended, "Postgres ended; it is started again"),
            () = stop.cancelled() => return running.stop().await,
        }
        let mut ran = started.elapsed();
        running = loop {
            if tokio::time::timeout(backoff.after(ran), stop.cancelled()).await.is_ok() {
                return;
            }
            match cluster.start().await {
                Ok(running) => break running,
                Err(error) => tracing::error!(%error, "Postgres could not be started again"),
            }
            ran = std::time::Duration::ZERO;
        };
        tracing::info!("Postgres is back");
    }
}
