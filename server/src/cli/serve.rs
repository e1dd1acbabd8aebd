//! `pinreel serve`: brings up everything a node needs and serves until it is told to stop.

use std::process::ExitCode;

use crate::config::Config;

#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    config: Config,
}

pub fn run(command: Serve) -> ExitCode {
    let _ = command.config;
    ExitCode::FAILURE
}
