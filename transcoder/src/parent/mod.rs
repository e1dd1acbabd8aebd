//! The parent's side of a job: starting the child, watching it, taking its files. It never parses media.

mod account;
mod believe;
pub mod folder;
mod lines;

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use pinreel_runner::{Preset, Task, Transcoded};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::child::events::{Event, Progress};
use crate::failure::Failure;
use crate::fence::Layers;
use account::Account;
use believe::believed;
use lines::Lines;

/// How long a child may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without a step forward.
    pub no_progress: Duration,
    /// In all.
    pub wall_clock: Duration,
}

impl Patience {
    pub fn of(task: Task) -> Self {
        match task {
            // It tells of no steps: in time, it is one.
            Task::Preview { .. } => {
                Self { no_progress: Duration::from_secs(180), wall_clock: Duration::from_secs(180) }
            }
            _ => Self { no_progress: Duration::from_secs(180), wall_clock: Duration::from_secs(24 * 3600) },
        }
    }
}

/// How long a probe may take.
const PROBE: Duration = Duration::from_secs(20);
/// Kept of what ffmpeg says, for the log.
const STDERR_BYTES: usize = 4096;
/// What Rust says before it gives up for want of memory.
const NO_MEMORY: &str = "memory allocation of ";
/// How long a child may take to end after its last word.
const LEAVING: Duration = Duration::from_secs(20);
/// The longest answer to a probe.
const PROBE_BYTES: usize = 4096;

/// How a job is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    pub patience: Patience,
    /// Whether what fits of the source is copied. A try that ends in [`Failure::is_copy_unfit`] is to be done again
    /// without, in an empty folder.
    pub copying: bool,
    /// Whether to go on where this machine lacks layers of the fence.
    pub weak: bool,
    pub preset: Preset,
    pub task: Task,
}

/// Runs a job's child on `source`, its files going to `folder`; `heard` is told of each file, once, and of each step.
/// While it takes its time, the child waits. Dropping the future kills the child.
pub async fn run(
    source: File,
    folder: &Path,
    options: Options,
    mut heard: impl AsyncFnMut(Event),
) -> Result<Transcoded, Failure> {
    let patience = options.patience;
    let mut arguments = Vec::new();
    arguments.extend((!options.copying).then_some("--no-copying"));
    arguments.extend(options.weak.then_some("--weak"));
    let preset = serde_json::to_string(&options.preset).map_err(|error| Failure::internal(&error.to_string()))?;
    let task = serde_json::to_string(&options.task).map_err(|error| Failure::internal(&error.to_string()))?;
    arguments.extend(["--preset", &preset, "--task", &task]);
    let mut child = spawn(source, folder, &arguments).map_err(|error| Failure::disk(&error))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Failure::internal("no pipe"));
    };
    let log = tokio::spawn(tail(stderr));
    let mut outcome = listen(Lines::new(stdout), Account::of(options.task), patience, &mut heard).await;
    if outcome.is_err() {
        // It may be gone already.
        let _ = child.start_kill();
    }
    let status = match timeout(LEAVING, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            outcome = outcome.and_then(|last| match last {
                Some(Event::Failed(_)) => Ok(last),
                _ => Err(Failure::untrue("its child doesn't end")),
            });
            let _ = child.start_kill();
            child.wait().await
        }
    };
    let status = status.map_err(|error| Failure::disk(&error))?;
    let log = log.await.unwrap_or_default();
    let ended = ended(status, &log);
    if !status.success() && !log.is_empty() {
        tracing::debug!(%status, log, "a job's child failed");
        heard(Event::Said(log)).await;
    }
    let result = match outcome {
        Ok(Some(Event::Done(done))) if status.success() => Ok(*done),
        Ok(Some(Event::Failed(told))) => Err(believed(told, folder, options.weak).await),
        Ok(_) => Err(ended),
        Err(failure) => Err(failure),
    };
    if matches!(options.task, Task::Preview { .. }) { result.map_err(of_preview) } else { result }
}

/// What is said of transcoding, said of a preview.
fn of_preview(failure: Failure) -> Failure {
    let reason = match failure.code.as_str() {
        "no_progress" | "too_slow" => "Drawing a preview of this file takes longer than it may.",
        "out_of_memory" => "Drawing a preview of this file takes more memory than it may.",
        "transcoder_crashed" => {
            "What draws previews broke down on this file; probably the file is damaged in an unusual way."
        }
        _ => return failure,
    };
    Failure { reason: reason.to_owned(), ..failure }
}

/// Which layers of the fence this machine has.
pub async fn probe() -> Result<Layers, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::disk(&error))?;
    let nothing = File::open("/dev/null").map_err(|error| Failure::disk(&error))?;
    let mut child = spawn(nothing, folder.path(), &["--probe"]).map_err(|error| Failure::disk(&error))?;
    let stdout = child.stdout.take().ok_or_else(|| Failure::internal("no pipe"))?;
    let answer = timeout(PROBE, Lines::new(stdout).next(|_| PROBE_BYTES)).await;
    let answer = answer.map_err(|_| Failure::internal("its child is silent"))?;
    let line = answer.map_err(|error| Failure::disk(&error))?.unwrap_or_default();
    match serde_json::from_slice(&line) {
        Ok(Event::Fence(layers)) => Ok(layers),
        Ok(Event::Failed(failure)) => Err(failure),
        _ => Err(Failure::internal("its child can't say how it is fenced in")),
    }
}

fn spawn(source: File, folder: &Path, arguments: &[&str]) -> std::io::Result<Child> {
    // The running program itself, even if its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("pinreel-transcoder").arg("child").arg("--parent").arg(std::process::id().to_string());
    command.args(arguments);
    // Fewer pools of memory, for address space is limited. Nothing else is passed on.
    command.env_clear().env("MALLOC_ARENA_MAX", "2");
    command.current_dir(folder).stdin(source).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn()
}

/// The last event, if the child said how it ended.
async fn listen(
    mut lines: Lines<impl AsyncRead + Unpin>,
    mut account: Account,
    patience: Patience,
    heard: &mut impl AsyncFnMut(Event),
) -> Result<Option<Event>, Failure> {
    let mut deadline = Instant::now() + patience.wall_clock;
    let mut stalled = Instant::now() + patience.no_progress;
    let mut furthest = Progress::default();
    loop {
        let line = timeout_at(stalled.min(deadline), lines.next(|line| account.most_bytes(line))).await;
        let Ok(line) = line else {
            return Err(if deadline <= stalled { too_slow() } else { no_progress() });
        };
        let Some(line) = line.map_err(|error| unread(&error))? else { return Ok(None) };
        let event = serde_json::from_slice(&line).map_err(|_| Failure::untrue("its child talks nonsense"))?;
        account.take(&event)?;
        let is_step = match &event {
            Event::Done(_) | Event::Failed(_) => return Ok(Some(event)),
            Event::Progress(progress) => {
                let is_step = progress.played_ms > furthest.played_ms || progress.fraction > furthest.fraction;
                if is_step {
                    furthest = progress.clone();
                }
                is_step
            }
            // None of them comes twice.
            Event::File(_) | Event::Segment { .. } | Event::Early(_) => true,
            Event::Fence(_) | Event::Said(_) => false,
        };
        if is_step {
            stalled = Instant::now() + patience.no_progress;
        }
        let waits = Instant::now();
        heard(event).await;
        // It waited for us.
        (stalled, deadline) = (stalled + waits.elapsed(), deadline + waits.elapsed());
    }
}

fn unread(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::InvalidData => Failure::untrue("its child says too much at once"),
        _ => Failure::internal(&format!("its child can't be heard: {error}")),
    }
}

async fn tail(mut stderr: ChildStderr) -> String {
    let mut last = VecDeque::new();
    let mut buffer = [0_u8; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        last.extend(&buffer[..read]);
        last.drain(..last.len().saturating_sub(STDERR_BYTES));
    }
    String::from_utf8_lossy(last.make_contiguous()).into_owned()
}

fn no_progress() -> Failure {
    Failure::of_file("no_progress", "Transcoding came to a halt: a part of this file keeps the decoder busy for ever.")
}

fn too_slow() -> Failure {
    Failure::of_file("too_slow", "Transcoding this file takes longer than a job may.")
}

/// The failure of a child that ended without a word but these on its standard error.
fn ended(status: ExitStatus, log: &str) -> Failure {
    match status.signal() {
        Some(libc::SIGABRT) if log.contains(NO_MEMORY) => Failure::out_of_memory(),
        Some(libc::SIGXCPU) => too_slow(),
        Some(libc::SIGXFSZ) => Failure::of_file("too_large", "A part of the result is larger than a job may write."),
        Some(libc::SIGKILL) => {
            Failure::of_machine("transcoder_killed", "The transcoder was stopped while it worked on this file.")
        }
        _ => Failure::crashed(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::{ended, of_preview, too_slow};
    use crate::failure::Failure;

    #[test]
    fn a_preview_speaks_of_no_transcoding() {
        for failure in
            [too_slow(), super::no_progress(), ended(ExitStatus::from_raw(libc::SIGSEGV), ""), Failure::out_of_memory()]
        {
            let said = of_preview(failure.clone());
            assert_eq!((said.code, said.retryable), (failure.code, failure.retryable));
            assert!(!said.reason.to_lowercase().contains("transcod"), "{}", said.reason);
        }
    }

    #[test]
    fn every_end_has_a_code() {
        let cases = [
            (libc::SIGXCPU, "too_slow", false),
            (libc::SIGXFSZ, "too_large", false),
            (libc::SIGKILL, "transcoder_killed", true),
            (libc::SIGSEGV, "transcoder_crashed", true),
            (libc::SIGABRT, "transcoder_crashed", true),
        ];
        for (signal, code, retryable) in cases {
            let failure = ended(ExitStatus::from_raw(signal), "");
            assert_eq!((failure.code.as_str(), failure.retryable), (code, retryable));
        }
        let log = "memory allocation of 402653184 bytes failed\n";
        let failure = ended(ExitStatus::from_raw(libc::SIGABRT), log);
        assert_eq!((failure.code.as_str(), failure.retryable), ("out_of_memory", false));
        assert_eq!(ended(ExitStatus::from_raw(0), "").code, "transcoder_crashed");
    }
}
