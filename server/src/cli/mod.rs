//! The command line: what a person, a script or a supervisor can ask of the node.
//!
//! Exit codes are 0 (done, or the answer is yes), 1 (the answer is no, with a sentence) and 2 (wrong usage).

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "pinreel", version, about = "Publishes media that outlives its host")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node: gateway, API, web app and, unless told otherwise, one transcoder
    Serve(serve::Serve),
}

mod x {}
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(command) => serve::run(command),
    }
}
