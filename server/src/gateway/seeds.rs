//! The fuzz targets' harnesses for the gateway's parsers, over their corpora. `bin/fuzz` looks for more.

use super::{path, range as ranges};

#[path = "../../../fuzz/src/address.rs"]
mod address;
#[path = "../../../fuzz/src/range.rs"]
mod range;

fn each_seed(target: &str, run: impl Fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        eprintln!("{}", seed.display());
        run(&std::fs::read(&seed).unwrap());
    }
}

#[test]
fn addresses() {
    each_seed("address", address::run);
}

#[test]
fn range_headers() {
    each_seed("range", range::run);
}
