//! The fuzz targets' harnesses over their corpora: seeds, and whatever was ever found. `bin/fuzz` looks for more.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

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
#[path = "../../../fuzz/src/unixfs.rs"]
mod unixfs;

fn each_seed(target: &str, run: impl Fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        // The name goes to the test's output, which is shown if it fails.
        eprintln!("{}", seed.display());
        run(&std::fs::read(&seed).unwrap());
    }
}

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
