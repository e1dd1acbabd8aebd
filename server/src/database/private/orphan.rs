//! Clears away what a killed node left in its cluster: a Postgres that still runs, or only its lock file.
//!
//! Postgres leaves a stale `postmaster.pid` alone if its number now belongs to any other process, as it often does in
//! a restarted container. We hold the data folder's lock and see who works in the cluster, so we know better.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::PrivateError;

const POLL: Duration = Duration::from_millis(25);
/// Each signal and how long its effect is waited for.
const STEPS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(20)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(5)),
];

const LOCK_FILE: &str = "postmaster.pid";

/// What a running Postgres says of itself in its cluster.
#[derive(Debug, PartialEq, Eq)]
pub struct LockFile {
    pub postmaster: i32,
    /// The folder of its socket; empty while it starts.
    pub socket: PathBuf,
    /// Whether it takes connections.
    pub ready: bool,
}

impl LockFile {
    pub fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join(LOCK_FILE)).ok()?)
    }

    /// Lines: process, cluster, start, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.lines().collect();
        let line = |index: usize| lines.get(index).copied().unwrap_or_default();
        let postmaster = line(0).trim().parse().ok()?;
        Some(Self { postmaster, socket: line(4).into(), ready: line(7).trim() == "ready" })
    }
}

/// After this nobody works in the cluster, and its lock file is gone.
pub async fn clear(cluster: &Path) -> Result<(), PrivateError> {
    let postmaster = LockFile::read(cluster).map(|lock| lock.postmaster);
    for (signal, patience) in STEPS {
        let workers = workers(cluster);
        if workers.is_empty() {
            break;
        }
        tracing::info!(?workers, ?signal, "stopping the Postgres of an earlier run");
        // The postmaster ends its own backends; where it is gone, they are told themselves.
        match postmaster.filter(|pid| workers.contains(pid)) {
            Some(pid) if signal != Signal::KILL => send(pid, signal),
            _ => workers.iter().for_each(|pid| send(*pid, signal)),
        }
        let gone = async {
            while !self::workers(cluster).is_empty() {
                tokio::time::sleep(POLL).await;
            }
        };
        let _ = tokio::time::timeout(patience, gone).await;
    }
    if let Some(pid) = workers(cluster).first() {
        return Err(PrivateError::Orphan(*pid));
    }
    match fs::remove_file(cluster.join(LOCK_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The Postgres processes whose working folder is the cluster: every one of its processes stays there all its life.
fn workers(cluster: &Path) -> Vec<i32> {
    let Ok(cluster) = cluster.canonicalize() else { return Vec::new() };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let works_there = |entry: &fs::DirEntry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == cluster)
            && fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.starts_with("postgres"))
    };
    processes.filter(works_there).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_file_is_read() {
        let starting = "17\n/srv/postgres\n1700000000\n5432\n/srv/run\n\n  5 9\nstarting\n";
        let expected = |ready| LockFile { postmaster: 17, socket: "/srv/run".into(), ready };
        assert_eq!(LockFile::parse(starting), Some(expected(false)));
        assert_eq!(LockFile::parse(&starting.replace("starting", "ready   ")), Some(expected(true)));
        assert_eq!(LockFile::parse(""), None);
    }

    #[tokio::test]
    async fn stale_lock_file_of_a_reused_process_number_goes() {
        let cluster = tempfile::tempdir().unwrap();
        fs::write(cluster.path().join(LOCK_FILE), format!("{}\n", std::process::id())).unwrap();
        clear(cluster.path()).await.unwrap();
        assert_eq!(LockFile::read(cluster.path()), None);
    }
}
