//! `pinreel`: the node and its command line. Each subcommand lives in `cli/`; this file only hands over.
use std::process::ExitCode;

fn main() -> ExitCode {
    pinreel_server::cli::run()
}
