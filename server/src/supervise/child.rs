//! One child process: in a process group of its own (so that Ctrl-C reaches the node only), killed with the node even
//! by kill -9, its output passed on to the log line by line.
#![allow(unsafe_code)]

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, getppid, kill_process, kill_process_group, set_parent_process_death_signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

pub use rustix::process::Signal;

/// Lines kept of a child's output, for the sentence that says why it ended.
const KEPT_LINES: usize = 12;
const LONGEST_LINE: usize = 2000;

/// A running child. Dropping it doesn't stop it; the end of this process does.
#[derive(Debug)]
pub struct Child {
    inner: tokio::process::Child,
    pid: Pid,
    last_lines: Arc<Mutex<Vec<String>>>,
}

/// Starts a program. `death` is the signal that it gets from the kernel when this process dies.
pub fn spawn(name: &'static str, mut command: Command, death: Signal) -> io::Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec the closure makes two system calls and touches no memory but its own copies.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(death))?;
            // The parent may have died before the line above.
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        });
    }
    let mut inner = on_lasting_thread(move || command.spawn())?;
    let pid = inner.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("the child ended at once"))?;
    let last_lines = Arc::new(Mutex::new(Vec::new()));
    if let Some(out) = inner.stdout.take() {
        tokio::spawn(pass_on(name, out, last_lines.clone()));
    }
    if let Some(err) = inner.stderr.take() {
        tokio::spawn(pass_on(name, err, last_lines.clone()));
    }
    Ok(Child { inner, pid, last_lines })
}

impl Child {
    pub async fn wait(&mut self) -> ExitStatus {
        self.inner.wait().await.unwrap_or_default()
    }

    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Its last words, one line.
    pub fn last_lines(&self) -> String {
        self.last_lines.lock().unwrap_or_else(PoisonError::into_inner).join("; ")
    }

    /// Sends each signal in turn, to the program only, until it has ended in the time given; at last kills it.
    pub async fn stop(&mut self, steps: &[(Signal, Duration)]) {
        for (signal, grace) in steps {
            let _ = kill_process(self.pid, *signal);
            if tokio::time::timeout(*grace, self.inner.wait()).await.is_ok() {
                return;
            }
        }
        let _ = self.inner.kill().await;
    }

    /// As [`Self::stop`], to all that the program has started in its group.
    pub async fn stop_group(&mut self, steps: &[(Signal, Duration)]) {
        for (signal, grace) in steps {
            let _ = kill_process_group(self.pid, *signal);
            if tokio::time::timeout(*grace, self.inner.wait()).await.is_ok() {
                break;
            }
        }
        self.kill_group();
        let _ = self.inner.wait().await;
    }

    pub fn kill_group(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

/// Postgres has no milder word for a client of ours that ended in the middle of a question.
const WE_LEFT: &str = "connection to client lost";

/// Logs what a child says. Its own level words decide how loud.
async fn pass_on(name: &'static str, output: impl AsyncRead + Unpin, last_lines: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(mut line)) = lines.next_line().await {
        if line.len() > LONGEST_LINE {
            line.truncate(line.floor_char_boundary(LONGEST_LINE));
        }
        let is_alarming = ["WARN", "ERROR", "FATAL", "PANIC"].iter().any(|level| line.contains(level));
        if is_alarming && !line.contains(WE_LEFT) {
            tracing::warn!(program = name, "{line}");
        } else {
            tracing::debug!(program = name, "{line}");
        }
        let mut kept = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.remove(0);
        }
        kept.push(line);
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs `start` on a thread that lives as long as the process. The kernel's parent death signal is sent when the
/// *thread* that forked ends, and an async runtime's threads come and go.
fn on_lasting_thread<T: Send + 'static>(start: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    static THREAD: OnceLock<Sender<Job>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        let (send, jobs) = channel::<Job>();
        // Without the thread the channel is closed, and every start below fails with a reason.
        let _ = std::thread::Builder::new().name("forker".into()).spawn(move || jobs.into_iter().for_each(|job| job()));
        send
    });
    let runtime = tokio::runtime::Handle::current();
    let (send, outcome) = channel();
    let job = Box::new(move || {
        let _inside = runtime.enter();
        let _ = send.send(start());
    });
    thread.send(job).map_err(|_| io::Error::other("the forking thread is gone"))?;
    outcome.recv().map_err(|_| io::Error::other("the forking thread is gone"))?
}
