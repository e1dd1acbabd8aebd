//! `pinreel`: the node and its command line. Each subcommand lives in `cli/`; this file only hands over.
use std::process::ExitCode;

use libmimalloc_sys::{mi_option_set, mi_option_t};
use mimalloc::MiMalloc;

/// A request takes some fifty small pieces of memory and gives them back at once, which this does in half the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// mimalloc's `mi_option_purge_delay`: after how many milliseconds the system gets unused memory back, if somebody asks
/// for or frees memory then.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> ExitCode {
    give_memory_back();
    pinreel_server::cli::run()
}

/// What a crowd of readers took would stay for as long as nothing else happens.
#[allow(unsafe_code)]
fn give_memory_back() {
    // SAFETY: sets a number that the allocator reads; no other thread runs yet.
    unsafe { mi_option_set(PURGE_DELAY, 0) };
}
