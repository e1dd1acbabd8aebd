//! The worker: asks a server for jobs, one at a time, and does them.
//!
//! It never looks into a file itself. What it holds is its key and, for each job, that job's token; a child that is taken
//! over has neither.
//!
//! Told to end, it asks for no more and finishes the job that it has, for as long as it was given; told again, or when
//! that time is over, it gives the job back and ends.

mod client;
mod deliver;
mod fetch;
mod grow;
mod job;
mod log;
mod register;
mod report;
mod rest;
mod room;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use pinreel_runner::{Capabilities, Kind, Lease, LeaseRequest, PROTOCOL, RECIPE, Release};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::child::formats;
use crate::parent;
use crate::parent::folder::{check, sweep};
use client::{Backoff, Client, JobClient, Trouble};
use rest::Rest;
use room::Room;

pub use register::register;

/// How long a server may keep a request for work open.
const WAIT: Duration = Duration::from_secs(25);
/// How long giving a job back may take: whoever told us to end waits.
const GIVING_BACK: Duration = Duration::from_secs(1);
/// What this program calls itself.
const SOFTWARE: &str = concat!("pinreel-transcoder/", env!("CARGO_PKG_VERSION"));

/// What the command line says.
pub struct Settings {
    pub server: Url,
    /// A file with this worker's key, or with the node's worker token.
    pub key_file: PathBuf,
    pub work_dir: PathBuf,
    pub name: Option<String>,
    pub kinds: Vec<Kind>,
    /// How long a job may still take once the worker is told to end.
    pub drain: Duration,
    /// Work also where this machine lacks layers of the fence.
    pub weak: bool,
    pub once: bool,
}

/// What jobs that are done at a time have together.
struct Shared {
    /// The jobs themselves: given back when the worker ends.
    held: RefCell<Vec<JobClient>>,
    room: Room,
}

/// Why a worker can't go on.
#[derive(Debug, thiserror::Error)]
pub enum End {
    #[error("{0}")]
    Failed(String),
    /// By the server, for good: starting again as it is would be in vain.
    #[error("{0}")]
    Refused(String),
}

impl From<String> for End {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

/// Works until it is told to end (or, with `once`, for one answer of the server).
pub async fn run(settings: Settings) -> Result<(), End> {
    let folder = settings.work_dir.display().to_string();
    std::fs::create_dir_all(&settings.work_dir).map_err(|error| format!("can't make the folder {folder}: {error}"))?;
    check(&settings.work_dir).map_err(|error| format!("can't open the folder {folder}: {error}"))?;
    sweep(&settings.work_dir).map_err(|error| format!("can't clear the folder {folder}: {error}"))?;
    read_key(&settings)?;
    check_fence(settings.weak).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let (draining, told) = watch::channel(false);
    let shared = Shared { held: RefCell::default(), room: Room::new() };
    {
        let work = work(&settings, &told, &shared);
        tokio::pin!(work);
        tokio::select! {
            ended = &mut work => return ended,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        draining.send_replace(true);
        if !shared.held.borrow().is_empty() && !settings.drain.is_zero() {
            tracing::info!("told to end: finishing this job first; a second signal gives it back");
        }
        tokio::select! {
            // An idle worker has ended by now.
            biased;
            ended = &mut work => return ended,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = tokio::time::sleep(settings.drain) => {}
        }
        // Dropping the work ends its child and removes its folder.
    }
    for job in shared.held.take() {
        give_back(&job).await;
    }
    Ok(())
}

async fn give_back(job: &JobClient) {
    let release = Release { epoch: job.lease.epoch };
    match timeout(GIVING_BACK, job.release(&release)).await {
        Ok(Ok(())) => tracing::info!(job = job.lease.job, "given back"),
        // Its lease runs out by itself.
        Ok(Err(trouble)) => tracing::info!(job = job.lease.job, "not given back: {trouble}"),
        Err(_) => tracing::info!(job = job.lease.job, "not given back: the server doesn't answer"),
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

/// Two jobs at a time: a long one, and beside it a companion or a preview, for which nobody should wait behind an hour of
/// film.
async fn work(settings: &Settings, draining: &watch::Receiver<bool>, shared: &Shared) -> Result<(), End> {
    let (small, long): (Vec<Kind>, Vec<Kind>) =
        settings.kinds.iter().partition(|kind| matches!(kind, Kind::Companion | Kind::Preview));
    if settings.once || small.is_empty() || long.is_empty() {
        return work_on(settings, settings.kinds.clone(), draining.clone(), shared).await;
    }
    let both = (work_on(settings, long, draining.clone(), shared), work_on(settings, small, draining.clone(), shared));
    tokio::try_join!(both.0, both.1).map(drop)
}

/// One job of these kinds after another.
async fn work_on(
    settings: &Settings,
    wants: Vec<Kind>,
    mut draining: watch::Receiver<bool>,
    shared: &Shared,
) -> Result<(), End> {
    let (mut backoff, mut rest) = (Backoff::new(), Rest::default());
    let client = Client::new(settings.server.clone()).map_err(|error| error.to_string())?;
    let mut request = request(settings, wants);
    tracing::info!(server = %settings.server, worker = request.worker, wants = ?request.wants, "waiting for jobs");
    loop {
        // Read each time: the server may have been set up anew.
        let key = read_key(settings);
        let asking = async {
            match &key {
                Ok(key) => client.lease(key, &request, WAIT).await,
                Err(error) => Err(Trouble::Away(error.clone())),
            }
        };
        let answer = tokio::select! {
            biased;
            _ = draining.wait_for(|told| *told) => return Ok(()),
            answer = asking => answer,
        };
        match answer {
            Ok(Some(lease)) => {
                backoff = Backoff::new();
                let job = client.job(lease);
                shared.held.borrow_mut().push(job.clone());
                let outcome = do_job(&job, settings, &shared.room).await;
                shared.held.borrow_mut().retain(|other| other.lease.job != job.lease.job);
                if let job::Outcome::Completed(speed) = &outcome {
                    request.capabilities.speed = speed.or(request.capabilities.speed);
                }
                if !settings.once {
                    tokio::select! {
                        biased;
                        _ = draining.wait_for(|told| *told) => return Ok(()),
                        () = rest.after(&outcome) => {}
                    }
                }
            }
            Ok(None) => backoff = Backoff::new(),
            Err(trouble) => {
                if let Some(said) = trouble.is_final() {
                    return Err(End::Refused(said.to_owned()));
                }
                backoff.warn("asking for a job", &trouble);
                tokio::select! {
                    biased;
                    _ = draining.wait_for(|told| *told) => return Ok(()),
                    () = backoff.wait() => {}
                }
                continue;
            }
        }
        if settings.once {
            return Ok(());
        }
    }
}

/// Does a job, and says how it ended.
async fn do_job(job: &JobClient, settings: &Settings, room: &Room) -> job::Outcome {
    let Lease { job: id, epoch, source, .. } = &job.lease;
    tracing::info!(job = id, epoch, bytes = source.bytes, "begins");
    let outcome = job::run(job, job::Means { work_dir: &settings.work_dir, weak: settings.weak, room }).await;
    match &outcome {
        job::Outcome::Completed(_) => tracing::info!(job = id, epoch, "complete"),
        job::Outcome::Failed(failure) => {
            // The server, which is told, warns. It keeps the source, so that whoever runs the node can look at what its
            // child died of.
            tracing::info!(
                job = id,
                epoch,
                source = source.cid,
                code = failure.code,
                reason = failure.reason,
                "failed"
            );
        }
        job::Outcome::Lost => {
            tracing::info!(job = id, epoch, "given up: the server gave it to another or cancelled it")
        }
    }
    outcome
}

/// What this machine calls itself.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn request(settings: &Settings, wants: Vec<Kind>) -> LeaseRequest {
    let own_name = || format!("{}:{}", host(), std::process::id());
    LeaseRequest {
        protocol: PROTOCOL,
        worker: settings.name.clone().unwrap_or_else(own_name),
        software: SOFTWARE.to_owned(),
        recipes: vec![RECIPE.to_owned()],
        capabilities: Capabilities { kinds: settings.kinds.clone(), codecs: formats::codecs(), speed: None },
        wants,
        wait_ms: WAIT.as_millis() as u64,
    }
}

fn read_key(settings: &Settings) -> Result<String, String> {
    let path = settings.key_file.display();
    let key = std::fs::read_to_string(&settings.key_file);
    let key = key.map_err(|error| format!("can't read the key file {path}: {error}"))?;
    let key = key.trim().to_owned();
    if key.is_empty() { Err(format!("the key file {path} is empty")) } else { Ok(key) }
}
