//! `pinreel`: the node and its command line. Each subcommand lives in `cli/`; this file only hands over.
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request takes some fifty small pieces of memory and gives them back at once, which this does in half the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    pinreel_server::cli::run()
}
