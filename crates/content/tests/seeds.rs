//! The fuzz targets' harnesses over their corpora: seeds, and whatever was ever found. `bin/fuzz` looks for more.
#![allow(clippy::unwrap_used)]

#[path = "../../../fuzz/src/car.rs"]
mod car;
#[path = "../../../fuzz/src/dag.rs"]
mod dag;
#[path = "../../../fuzz/src/dagpb.rs"]
mod dagpb;
#[path = "../../../fuzz/src/data.rs"]
mod data;
#[path = "../../../fuzz/src/hamt.rs"]
mod hamt;
#[path = "../../../fuzz/src/input.rs"]
mod input;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../../fuzz/src/unixfs.rs"]
mod unixfs;

use seeds::each_seed;

#[test]
fn car_files() {
    each_seed("car", car::run);
}

#[test]
fn dag_pb_blocks() {
    each_seed("dagpb", dagpb::run);
}

#[test]
fn blocks_of_data() {
    each_seed("data", data::run);
}

#[test]
fn files_and_folders() {
    each_seed("unixfs", unixfs::run);
}

#[test]
fn sharded_folders() {
    each_seed("hamt", hamt::run);
}
