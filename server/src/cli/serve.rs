//! `pinreel serve`: brings up everything a node needs and serves until it is told to stop.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::config::Config;

#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    config: Config,
}

pub fn run(command: Serve) -> ExitCode {
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return super::fail(&format!("The server can't start its threads ({error}).")),
    };
    match runtime.block_on(crate::serve::serve(command.config)) {
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
        .init();
}
