//! What the fuzz targets do with their bytes. Each `run` panics on a finding.
//!
//! The crates' own tests take these files in by their path and run them over `corpus/`, so that the seeds and each
//! mended finding are tried by `bin/test`. Likewise this crate takes in the gateway's two parsers, which the server
//! doesn't give out; they stay under its licence.

pub mod address;
pub mod car;
pub mod dag;
pub mod dagpb;
pub mod data;
pub mod hamt;
pub mod input;
#[path = "../../server/src/gateway/path.rs"]
mod path;
pub mod range;
#[path = "../../server/src/gateway/range.rs"]
mod ranges;
pub mod unixfs;
