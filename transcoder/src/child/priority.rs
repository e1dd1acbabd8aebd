//! Who goes first where threads outnumber cores.
//!
//! The top rung's encoder is one thread with half of a job's work: whatever keeps it from its core keeps the whole job.
//! On two cores, a ladder from 1080 down takes an eighth longer where it must share with the others.

/// How many levels the others step back: each is worth a quarter of the time that a core gives.
const STEP: i32 = 5;

/// From now on the calling thread, and those it starts, let the top rung's encoder go first.
pub fn step_back() {
    // Where it may not, the work is the same and takes longer.
    let _ = rustix::process::nice(STEP);
}
