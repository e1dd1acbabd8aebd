//! The cluster itself: made once, started as often as need be.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitStatus, Output};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor};

use super::account::Account;
use super::binaries::{self, Binaries};
use super::reserve::Reserve;
use super::{OWNER, PrivateError, orphan, socket};
use crate::data::DataDir;
use crate::supervise::{Child, Signal, child};

/// Crash recovery replays at most `max_wal_size`, so this is generous even on a slow disk.
const START_TIMEOUT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);
/// A smart shutdown waits for sessions to end, as ours have been told to; a fast one cuts off those that are left, and
/// says so. Both write a checkpoint; an immediate one leaves that to the next start.
const STOP: [(Signal, Duration); 3] = [
    (Signal::TERM, Duration::from_millis(500)),
    (Signal::INT, Duration::from_secs(3)),
    (Signal::QUIT, Duration::from_millis(500)),
];
/// For a machine that does other things as well. What is absent can be set in the cluster's postgresql.conf.
const SETTINGS: [&str; 10] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=40",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "min_wal_size=64MB",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
];

#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    socket: PathBuf,
    account: Account,
    binaries: Binaries,
    reserve: Reserve,
}

#[derive(Debug)]
pub struct Running(Child);

impl Running {
    pub async fn wait(&mut self) -> ExitStatus {
        self.0.wait().await
    }

    pub async fn stop(mut self) {
        self.0.stop(&STOP).await;
    }
}

impl Cluster {
    /// Finds programs, user and folders, and makes the cluster if there is none.
    pub async fn prepare(data: &DataDir) -> Result<Self, PrivateError> {
        let folder = data.postgres();
        let made = fs::read_to_string(folder.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
        let installed = binaries::installed();
        let binaries = match (binaries::choose(&installed, made), made) {
            (Some(binaries), _) => binaries.clone(),
            (None, Some(made)) => return Err(PrivateError::OtherVersion { folder, made }),
            (None, None) => return Err(PrivateError::NotInstalled),
        };
        let account = Account::choose()?;
        account.check_reach(data.root())?;
        let reserve = Reserve::at(data.postgres_reserve());
        let cluster = Self { folder, socket: socket::folder(data.run()), account, binaries, reserve };
        if made.is_none() {
            cluster.init().await?;
        }
        Ok(cluster)
    }

    /// Makes the cluster beside its place and moves it there whole, so that a kill in the middle leaves no half.
    async fn init(&self) -> Result<(), PrivateError> {
        let draft = self.folder.with_extension("new");
        if draft.exists() {
            orphan::clear(&draft).await?;
            fs::remove_dir_all(&draft)?;
        }
        self.account.own_dir(&draft)?;
        let mut initdb = self.account.command(&self.binaries.program("initdb"));
        initdb.arg("--pgdata").arg(&draft).args(["--username", OWNER, "--auth", "trust", "--no-instructions"]);
        initdb.args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "und"]);
        initdb.arg("--data-checksums");
        let outcome = tokio::process::Command::from(initdb).kill_on_drop(true).output().await?;
        if !outcome.status.success() {
            return Err(if is_full(&outcome) {
                PrivateError::Full(self.folder.clone())
            } else {
                PrivateError::Init(last_line(&outcome.stderr))
            });
        }
        fs::rename(&draft, &self.folder)?;
        Ok(())
    }

    /// Starts Postgres and waits until it takes connections; on a full disk it gets the room that was kept for it.
    pub async fn start(&self) -> Result<Running, PrivateError> {
        match self.start_once().await {
            Err(PrivateError::Full(_)) if self.reserve.give() => self.start_once().await,
            started => started,
        }
    }

    /// Keeps room for a start on a full disk.
    pub fn keep_room(&self) {
        self.reserve.keep();
    }

    async fn start_once(&self) -> Result<Running, PrivateError> {
        orphan::clear(&self.folder).await?;
        if socket::is_foreign(&self.socket) {
            return Err(PrivateError::Start(format!("{} belongs to somebody else", self.socket.display())));
        }
        self.account.own_dir(&self.socket)?;
        socket::remove_stale(&self.socket)?;
        let mut command = self.account.command(&self.binaries.program("postgres"));
        command.arg("-D").arg(&self.folder).arg("-k").arg(&self.socket).args(["-p", "5432"]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let mut child = child::spawn("postgres", command.into(), Signal::INT)?;
        match tokio::time::timeout(START_TIMEOUT, self.answers(&mut child)).await {
            Ok(true) => Ok(Running(child)),
            Ok(false) => {
                let words = child.last_lines();
                let full = words.contains("No space left on device");
                Err(if full { PrivateError::Full(self.folder.clone()) } else { PrivateError::Start(words) })
            }
            Err(_) => {
                child.stop(&STOP).await;
                Err(PrivateError::Start(format!("it took no connection in {} s", START_TIMEOUT.as_secs())))
            }
        }
    }

    /// Waits until Postgres calls itself ready (true) or the process has ended (false).
    async fn answers(&self, child: &mut Child) -> bool {
        loop {
            if orphan::LockFile::read(&self.folder).is_some_and(|lock| lock.ready && lock.postmaster == child.id()) {
                return true;
            }
            if tokio::time::timeout(POLL, child.wait()).await.is_ok() {
                return false;
            }
        }
    }

    /// Makes the node's database in a new cluster.
    pub async fn create_database(&self) -> Result<(), PrivateError> {
        let start = |error: sqlx::Error| PrivateError::Start(error.to_string());
        let mut connection = self.options("postgres").connect().await.map_err(start)?;
        let known: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(super::DATABASE)
            .fetch_one(&mut connection)
            .await
            .map_err(start)?;
        if !known {
            connection.execute("create database pinreel").await.map_err(start)?;
        }
        let _ = connection.close().await;
        Ok(())
    }

    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(5432)
            .username(OWNER)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }
}

fn is_full(outcome: &Output) -> bool {
    [&outcome.stdout, &outcome.stderr]
        .iter()
        .any(|said| String::from_utf8_lossy(said).contains("No space left on device"))
}

fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let telling = |line: &&str| !line.trim().is_empty() && !line.contains("removing");
    text.lines().rev().find(telling).unwrap_or("it said nothing").to_owned()
}
