//! The worker: asks a server for jobs, one at a time, and does them.
//!
//! It never looks into a file itself. What it holds is the worker's token and, for each job, that job's; a child that
//! is taken over has neither.

mod client;
mod deliver;
mod fetch;
mod grow;
mod job;

use std::path::PathBuf;
use std::time::Duration;

use pinreel_runner::{Lease, LeaseRequest, PROTOCOL, RECIPE};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use crate::parent;
use crate::parent::folder::{check, sweep};
use client::{Backoff, Client, Trouble};

/// How long a server may keep a request for work open.
const WAIT: Duration = Duration::from_secs(25);

/// What the command line says.
pub struct Settings {
    pub server: Url,
    pub token_file: PathBuf,
    pub work_dir: PathBuf,
    pub name: Option<String>,
    /// Work also where this machine lacks layers of the fence.
    pub weak: bool,
    pub once: bool,
}

/// Works until it is told to end (or, with `once`, for one answer of the server).
pub async fn run(settings: Settings) -> Result<(), String> {
    let folder = settings.work_dir.display().to_string();
    std::fs::create_dir_all(&settings.work_dir).map_err(|error| format!("can't make the folder {folder}: {error}"))?;
    check(&settings.work_dir).map_err(|error| format!("can't open the folder {folder}: {error}"))?;
    sweep(&settings.work_dir).map_err(|error| format!("can't clear the folder {folder}: {error}"))?;
    read_token(&settings)?;
    check_fence(settings.weak).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    // Dropping the work ends its child and removes its folder.
    tokio::select! {
        ended = work(&settings) => ended,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Says what this machine lacks of the fence around each job, and refuses to work without it unless `weak` is allowed.
async fn check_fence(weak: bool) -> Result<(), String> {
    let layers = parent::probe().await.map_err(|failure| failure.reason)?;
    if layers.are_whole() {
        return Ok(());
    }
    if !weak {
        return Err(format!(
            "this machine lacks {layers}, so a job's process could reach more than its own job. \
             Use a newer kernel or a container that allows it, or go on with --allow-weak-sandbox"
        ));
    }
    tracing::warn!("this machine lacks {layers}: jobs are fenced in less well, as was allowed");
    Ok(())
}

async fn work(settings: &Settings) -> Result<(), String> {
    let mut backoff = Backoff::new();
    let client = Client::new(settings.server.clone()).map_err(|error| error.to_string())?;
    let request = request(settings);
    tracing::info!(server = %settings.server, worker = request.worker, "waiting for jobs");
    loop {
        // Read each time: the server may have been set up anew.
        let token = read_token(settings);
        let answer = match &token {
            Ok(token) => client.lease(token, &request, WAIT).await,
            Err(error) => Err(Trouble::Away(error.clone())),
        };
        match answer {
            Ok(Some(lease)) => {
                backoff = Backoff::new();
                do_job(&client, lease, settings).await;
            }
            Ok(None) => backoff = Backoff::new(),
            Err(trouble) => {
                backoff.warn("asking for a job", &trouble);
                backoff.wait().await;
                continue;
            }
        }
        if settings.once {
            return Ok(());
        }
    }
}

async fn do_job(client: &Client, lease: Lease, settings: &Settings) {
    let (id, epoch, bytes) = (lease.job.clone(), lease.epoch, lease.source.bytes);
    let source = lease.source.cid.clone();
    tracing::info!(job = id, epoch, bytes, "begins");
    match job::run(client, lease, (&settings.work_dir, settings.weak)).await {
        job::Outcome::Completed => tracing::info!(job = id, epoch, "complete"),
        job::Outcome::Failed(failure) => {
            // The server, which is told, warns. It keeps the source, so that whoever runs the node can look at what its
            // child died of.
            tracing::info!(job = id, epoch, source, code = failure.code, reason = failure.reason, "failed");
        }
        job::Outcome::Lost => {
            tracing::info!(job = id, epoch, "given up: the server gave it to another or cancelled it")
        }
    }
}

fn request(settings: &Settings) -> LeaseRequest {
    let own_name = || {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        format!("{host}:{}", std::process::id())
    };
    LeaseRequest {
        protocol: PROTOCOL,
        worker: settings.name.clone().unwrap_or_else(own_name),
        software: concat!("pinreel-transcoder/", env!("CARGO_PKG_VERSION")).to_owned(),
        recipes: vec![RECIPE.to_owned()],
        wait_ms: WAIT.as_millis() as u64,
    }
}

fn read_token(settings: &Settings) -> Result<String, String> {
    let path = settings.token_file.display();
    let token = std::fs::read_to_string(&settings.token_file);
    let token = token.map_err(|error| format!("can't read the token file {path}: {error}"))?;
    let token = token.trim().to_owned();
    if token.is_empty() { Err(format!("the token file {path} is empty")) } else { Ok(token) }
}
