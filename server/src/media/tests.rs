//! The workers' protocol through the real router, with a worker that speaks it and real small files.

mod ends;
mod erased;
mod fair;
pub mod fake;
mod files;
mod growing;
mod leases;
mod previews;
mod publishing;
mod results;
