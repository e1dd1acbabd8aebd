//! `pinreel-transcoder`: leases jobs from a Pinreel server and turns uploads into HLS renditions.
//!
//! Three processes in one binary: the worker (no arguments but the server's), which speaks HTTP and never looks into
//! a file; `child`, which it starts for each job, fenced in, and which never speaks HTTP; and `transcode`, the same
//! without a server. A library only so that tests can put a hostile child behind the real fence.

mod av;
pub mod child;
mod cli;
mod direct;
pub mod failure;
pub mod fence;
pub mod parent;
mod rules;
mod worker;

pub use cli::main;
