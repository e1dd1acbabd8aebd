//! Programs that live and die with the node: each is restarted with growing pauses when it ends, stopped at shutdown,
//! and killed by the kernel if the node itself is killed.

pub mod child;
pub mod kubo;
pub mod transcoder;

use std::io;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use child::{Child, Signal};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A program that ran this long is healthy: the next end starts again at the first pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// How long a program may take to end by itself before it is killed.
pub const STOP_GRACE: Duration = Duration::from_secs(3);

/// Pauses between restarts: doubling, bounded, and back to the first after a healthy run.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST_PAUSE }
    }
}

impl Backoff {
    /// The pause before the next start, after a run that lasted so long.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= HEALTHY_AFTER {
            self.next = FIRST_PAUSE;
        }
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

/// A program to keep running.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// For the log.
    pub name: &'static str,
    /// What the kernel sends it if this process is killed.
    pub death: Signal,
}

/// Leaves a child no more of this process's environment than it needs: no database address, no secrets.
pub fn small_environment(command: &mut Command) {
    let keep = |name: &str| {
        ["PATH", "LANG", "TZ", "TMPDIR", "RUST_LOG", "RUST_BACKTRACE", "LD_LIBRARY_PATH"].contains(&name)
            || name.starts_with("PINREEL_")
    };
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(keep)));
}

/// Keeps a program running until `stop`. `command` is asked anew for each start.
pub async fn keep_running(program: Program, command: impl Fn() -> io::Result<Command> + Send, stop: CancellationToken) {
    let Program { name, death } = program;
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        let started = Instant::now();
        match command().and_then(|command| child::spawn(name, command, death)) {
            Ok(mut child) => {
                tokio::select! {
                    ended = child.wait() => {
                        let said = child.last_lines();
                        tracing::warn!(program = name, %ended, said, "a supervised program ended");
                    }
                    () = stop.cancelled() => {
                        child.stop_group(&[(Signal::TERM, STOP_GRACE)]).await;
                        return;
                    }
                }
                // What it started itself must not outlive it.
                child.kill_group();
            }
            Err(error) => tracing::warn!(program = name, %error, "a supervised program can't be started"),
        }
        let pause = backoff.after(started.elapsed());
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_start_again() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..8).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.after(HEALTHY_AFTER).as_millis(), 500);
    }

    #[tokio::test]
    async fn program_that_ends_is_started_again_and_stopped_at_last() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let stop = CancellationToken::new();
        let script = pipe.clone();
        let command = move || {
            let mut command = Command::new("sh");
            command.arg("-c").arg("echo started > \"$0\"").arg(&script);
            Ok(command)
        };
        let running = tokio::spawn(keep_running(Program { name: "echo", death: Signal::KILL }, command, stop.clone()));
        for _ in 0..2 {
            assert_eq!(tokio::fs::read_to_string(&pipe).await.unwrap(), "started\n");
        }
        stop.cancel();
        running.await.unwrap();
    }
}
