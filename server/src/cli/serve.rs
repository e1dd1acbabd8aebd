//! `pinreel serve`: brings up everything a node needs and serves until it is told to stop.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// For threads that still block when everything else has ended.
const LAST_GRACE: Duration = Duration::from_millis(500);
/// How many threads may wait for the disk at once, and how long an idle one stays: each keeps memory of its work.
const BLOCKING_THREADS: usize = 64;
const IDLE_THREAD: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    config: Config,
}

pub fn run(command: Serve) -> ExitCode {
    log_to_stderr();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.max_blocking_threads(BLOCKING_THREADS).thread_keep_alive(IDLE_THREAD).enable_all();
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return super::fail(&format!("The server can't start its threads ({error}).")),
    };
    let outcome = runtime.block_on(crate::serve::serve(command.config));
    // What still blocks a thread has had its time; it leaves nothing half-done that the next start doesn't clear away.
    runtime.shutdown_timeout(LAST_GRACE);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error.to_string()),
    }
}

/// `RUST_LOG` chooses what is told; stdout belongs to the ready line.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // What can't be written, for nobody reads it any more, must not end whoever says it.
        .log_internal_errors(false)
        .init();
}
