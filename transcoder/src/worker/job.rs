//! One leased job: fetch, transcode, deliver, and say how it ended, while the lease is kept alive beside it.

use std::cell::RefCell;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use pinreel_runner::{Complete, Fail, Progress, Rung, Transcoded};
use tokio::sync::mpsc;

use super::client::{Backoff, JobClient, Trouble, insist};
use super::grow::Told;
use super::log::Log;
use super::{deliver, fetch, grow};
use crate::child::events::Event;
use crate::failure::Failure;
use crate::parent::folder::{Folder, LOCK, PREFIX, resolve};
use crate::parent::{self, Options, Patience};

/// Fetching's part of the whole, when progress is told.
const FETCHING: f64 = 0.05;
/// Where transcoding ends and only delivering is left.
const TRANSCODED: f64 = 0.97;
/// Progress is told this often, or more often if the lease is short.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How a job ended for this worker.
pub enum Outcome {
    /// At so many seconds of film a second, if that is known.
    Completed(Option<f64>),
    Failed(Failure),
    /// It isn't this worker's any more; nothing is said to the server.
    Lost,
}

/// Why a step didn't reach its end.
#[derive(Debug)]
pub enum Stop {
    Lost,
    Failed(Failure),
}

/// `weak` as in [`Options`].
pub async fn run(job: &JobClient, (work_dir, weak): (&Path, bool)) -> Outcome {
    let log = Log::default();
    let state = RefCell::new(Progress {
        epoch: job.lease.epoch,
        stage: "fetching".to_owned(),
        fraction: 0.0,
        speed: None,
        left_ms: None,
        rungs: Vec::new(),
        log: Vec::new(),
    });
    // Whichever ends first ends the other: the lease is renewed until the last word is said.
    tokio::select! {
        outcome = finish(job, (work_dir, weak), (&state, &log)) => outcome,
        () = keep(job, (&state, &log)) => Outcome::Lost,
    }
}

async fn finish(job: &JobClient, work: (&Path, bool), (state, log): (&RefCell<Progress>, &Log)) -> Outcome {
    let epoch = job.lease.epoch;
    let stop = match do_work(job, work, (state, log)).await {
        Ok(result) => {
            let complete = Complete { epoch, result, log: log.waiting() };
            match insist("completing the job", || job.complete(&complete)).await {
                Ok(()) => return Outcome::Completed(state.borrow().speed),
                Err(Trouble::Lost) => Stop::Lost,
                Err(trouble) => Stop::Failed(Failure::internal(&trouble.to_string())),
            }
        }
        Err(stop) => stop,
    };
    let failure = match stop {
        Stop::Lost => return Outcome::Lost,
        Stop::Failed(failure) => failure,
    };
    let Failure { code, reason, retryable, codec } = failure.clone();
    let fail = Fail { epoch, code, reason, retryable, needs_codec: codec, log: log.waiting() };
    match insist("failing the job", || job.fail(&fail)).await {
        Err(Trouble::Lost) => Outcome::Lost,
        Ok(()) => Outcome::Failed(failure),
        Err(trouble) => {
            tracing::warn!("the failure could not be told: {trouble}");
            Outcome::Failed(failure)
        }
    }
}

async fn do_work(
    job: &JobClient,
    (work_dir, weak): (&Path, bool),
    (state, log): (&RefCell<Progress>, &Log),
) -> Result<Transcoded, Stop> {
    let preset = job.lease.preset.clone().checked();
    let preset = preset.map_err(|error| Stop::Failed(Failure::internal(&format!("an impossible preset: {error}"))))?;
    let disk = |error: std::io::Error| Stop::Failed(Failure::disk(&error));
    // Removed with all that is in it when this function ends, however it does.
    // What isn't published is nobody else's on this machine.
    let own = Permissions::from_mode(0o700);
    let private = tempfile::Builder::new().prefix(PREFIX).permissions(own).tempdir_in(work_dir).map_err(disk)?;
    let lock = File::create(private.path().join(LOCK)).map_err(disk)?;
    lock.lock().map_err(disk)?;
    let whole = job.lease.source.bytes.max(1) as f64;
    let fetched = |bytes: u64| state.borrow_mut().fraction = FETCHING * bytes as f64 / whole;
    log.say(&format!("fetching {} bytes", job.lease.source.bytes));
    let source = fetch::fetch(job, &private.path().join("source"), fetched).await?;
    log.say(&format!("fetched; transcoding by {}", job.lease.recipe));
    "transcoding".clone_into(&mut state.borrow_mut().stage);
    let task = job.lease.task;
    let mut options = Options { patience: Patience::of(task), copying: true, weak, preset, task };
    let out = private.path().join("out");
    match transcode(job, (&source, &out), options.clone(), (state, log)).await {
        Err(Stop::Failed(failure)) if failure.is_copy_unfit() => {
            tracing::info!(job = job.lease.job, "the source's own stream is damaged: again, without copying it");
            log.say("the source's own stream is damaged: again, without copying it");
            std::fs::remove_dir_all(&out).map_err(disk)?;
            options.copying = false;
            transcode(job, (&source, &out), options, (state, log)).await
        }
        other => other,
    }
}

/// One try, into a folder that it makes. Files of a try before are delivered again under the same names.
async fn transcode(
    job: &JobClient,
    (source, out): (&File, &Path),
    options: Options,
    (state, log): (&RefCell<Progress>, &Log),
) -> Result<Transcoded, Stop> {
    let disk = |error: std::io::Error| Stop::Failed(Failure::disk(&error));
    std::fs::create_dir(out).map_err(disk)?;
    let source = source.try_clone().map_err(disk)?;
    let folder = Folder::open(out).map_err(Stop::Failed)?;
    let (names, waiting) = mpsc::unbounded_channel();
    let (told, telling) = mpsc::unbounded_channel();
    let watched = told.clone();
    let transcode = async {
        // The receivers only go away with the whole job.
        let heard = move |event| match event {
            Event::File(name) => drop(names.send(name)),
            Event::Segment { name, ticks } => {
                drop(watched.send(Told::Segment { name: name.clone(), ticks }));
                drop(names.send(name));
            }
            Event::Early(early) => drop(watched.send(Told::Early(early))),
            Event::Progress(progress) => note(state, progress),
            Event::Said(text) => log.say(&text),
            Event::Fence(_) | Event::Done(_) | Event::Failed(_) => {}
        };
        let result = parent::run(source, out, options, heard).await.map_err(Stop::Failed)?;
        log.say("transcoded; delivering the last files");
        delivering(state);
        Ok(result)
    };
    let deliver = deliver::deliver(job, &folder, waiting, told);
    let (result, delivered, ()) = tokio::try_join!(transcode, deliver, grow::grow(job, telling))?;
    resolve(result, |name| delivered.get(name).cloned()).map_err(Stop::Failed)
}

fn note(state: &RefCell<Progress>, child: crate::child::events::Progress) {
    let mut state = state.borrow_mut();
    state.fraction = state.fraction.max(FETCHING + (TRANSCODED - FETCHING) * child.fraction.clamp(0.0, 1.0));
    state.speed = child.speed;
    state.left_ms = child.left_ms;
    state.rungs = child.rungs;
}

fn delivering(state: &RefCell<Progress>) {
    let mut state = state.borrow_mut();
    "delivering".clone_into(&mut state.stage);
    state.fraction = TRANSCODED;
    state.left_ms = None;
    state.rungs.iter_mut().for_each(|rung: &mut Rung| rung.fraction = 1.0);
}

/// Renews the lease by telling progress; ends when the job is lost or cancelled.
async fn keep(job: &JobClient, (state, log): (&RefCell<Progress>, &Log)) {
    let mut backoff = Backoff::new();
    loop {
        let progress = Progress { log: log.waiting(), ..state.borrow().clone() };
        match job.progress(&progress).await {
            Ok(answer) if answer.cancel => return,
            Err(Trouble::Lost) => return,
            Ok(answer) => {
                log.arrived(&progress.log);
                let lease = Duration::from_millis(answer.lease_ms);
                backoff = Backoff::new();
                tokio::time::sleep(TELL_EVERY.min(lease / 4)).await;
            }
            Err(trouble) => {
                backoff.warn("renewing the lease", &trouble);
                backoff.wait().await;
            }
        }
    }
}
