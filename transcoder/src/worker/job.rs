//! One leased job: fetch, transcode, deliver, and say how it ended, while the lease is kept alive beside it.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use pinreel_runner::{Complete, Fail, Transcoded};
use tokio::sync::mpsc;

use super::client::{JobClient, Trouble, insist};
use super::grow::Told;
use super::report::Report;
use super::room::Room;
use super::{deliver, fetch, grow};
use crate::child::events::Event;
use crate::failure::Failure;
use crate::parent::folder::{Folder, LOCK, PREFIX, resolve};
use crate::parent::{self, Options, Patience};

/// What a child may be ahead of its deliveries; then it waits.
const MAX_WAITING: usize = 1000;

/// How long a server that renews the lease may not take the result: a long film's takes it minutes.
const COMPLETING: Duration = Duration::from_secs(1800);

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

/// What a job is done with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    pub work_dir: &'a Path,
    /// As in [`Options`].
    pub weak: bool,
    pub room: &'a Room,
}

pub async fn run(job: &JobClient, means: Means<'_>) -> Outcome {
    let report = Report::new(job.lease.epoch);
    // Whichever ends first ends the other: the lease is renewed until the last word is said.
    tokio::select! {
        outcome = finish(job, means, &report) => outcome,
        () = report.keep(job) => Outcome::Lost,
    }
}

async fn finish(job: &JobClient, means: Means<'_>, report: &Report) -> Outcome {
    let epoch = job.lease.epoch;
    let done = do_work(job, means, report).await;
    report.ending();
    let stop = match done {
        Ok(result) => {
            let complete = Complete { epoch, result, log: report.noted() };
            let told = insist("completing the job", || job.complete(&complete));
            match deliver::unless_stalled((report, COMPLETING), || 0, told).await {
                Ok(Ok(())) => return Outcome::Completed(report.speed()),
                Ok(Err(Trouble::Lost)) => Stop::Lost,
                Ok(Err(trouble)) => Stop::Failed(deliver::refused(&trouble)),
                Err(failure) => Stop::Failed(failure),
            }
        }
        Err(stop) => stop,
    };
    let failure = match stop {
        Stop::Lost => return Outcome::Lost,
        Stop::Failed(failure) => failure,
    };
    if let Some(detail) = &failure.detail {
        tracing::warn!(job = job.lease.job, epoch, detail, "the job's process did what it must not");
        report.say(detail);
    }
    let Failure { code, reason, retryable, codec, detail: _ } = failure.clone();
    let fail = Fail { epoch, code, reason, retryable, needs_codec: codec, log: report.noted() };
    match insist("failing the job", || job.fail(&fail)).await {
        Err(Trouble::Lost) => Outcome::Lost,
        Ok(()) => Outcome::Failed(failure),
        Err(trouble) => {
            tracing::warn!("the failure could not be told: {trouble}");
            Outcome::Failed(failure)
        }
    }
}

async fn do_work(job: &JobClient, means: Means<'_>, report: &Report) -> Result<Transcoded, Stop> {
    let Means { work_dir, weak, room } = means;
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
    report.say(&format!("fetching {} bytes", job.lease.source.bytes));
    let fetched = |bytes: u64| report.fetched(bytes as f64 / whole);
    let source = fetch::fetch(job, &private.path().join("source"), fetched).await?;
    report.say(&format!("fetched; transcoding by {}", job.lease.recipe));
    report.transcoding();
    let task = job.lease.task;
    let mut options = Options { patience: Patience::of(task), copying: true, weak, preset, task };
    let out = private.path().join("out");
    match transcode((job, report, room), (&source, &out), options.clone()).await {
        Err(Stop::Failed(failure)) if failure.is_copy_unfit() => {
            tracing::info!(job = job.lease.job, "the source's own stream is damaged: again, without copying it");
            report.say("the source's own stream is damaged: again, without copying it");
            // Folders that can't be entered, for one, are its child's doing.
            let left = |error| Stop::Failed(Failure::untrue(format!("what its child left can't be removed: {error}")));
            std::fs::remove_dir_all(&out).map_err(left)?;
            options.copying = false;
            transcode((job, report, room), (&source, &out), options).await
        }
        other => other,
    }
}

/// One try, into a folder that it makes. Files of a try before are delivered again under the same names.
async fn transcode(
    (job, report, room): (&JobClient, &Report, &Room),
    (source, out): (&File, &Path),
    options: Options,
) -> Result<Transcoded, Stop> {
    let disk = |error: std::io::Error| Stop::Failed(Failure::disk(&error));
    std::fs::create_dir(out).map_err(disk)?;
    let source = source.try_clone().map_err(disk)?;
    let folder = Folder::open(out).map_err(Stop::Failed)?;
    let limit = options.patience.no_progress;
    let (names, waiting) = mpsc::channel(MAX_WAITING);
    let (told, telling) = mpsc::channel(MAX_WAITING);
    let watched = told.clone();
    let transcode = async move {
        // The receivers only go away with the whole job.
        let heard = async |event| match event {
            Event::File(name) => drop(names.send(name).await),
            Event::Segment { name, ticks } => {
                drop(watched.send(Told::Segment { name: name.clone(), ticks }).await);
                drop(names.send(name).await);
            }
            Event::Early(early) => drop(watched.send(Told::Early(early)).await),
            Event::Progress(progress) => report.transcoded(progress),
            Event::Said(text) => report.say(&text),
            Event::Fence(_) | Event::Done(_) | Event::Failed(_) => {}
        };
        let result = parent::run(source, out, options, heard).await.map_err(Stop::Failed)?;
        report.say("transcoded; delivering the last files");
        report.delivering();
        Ok(result)
    };
    let deliver = deliver::deliver((job, report, limit), (&folder, room), waiting, told);
    let (result, delivered, ()) = tokio::try_join!(transcode, deliver, grow::grow(job, telling))?;
    resolve(result, |name| delivered.get(name).cloned()).map_err(Stop::Failed)
}
