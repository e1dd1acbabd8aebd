//! The fuzz targets' harnesses for the gateway's parsers, over their corpora. `bin/fuzz` looks for more.

use super::{path, range as ranges};

#[path = "../../../fuzz/src/address.rs"]
mod address;
#[path = "../../../fuzz/src/range.rs"]
mod range;

#[path = "../../../fuzz/src/seeds.rs"]
mod corpus;

use corpus::each_seed;

#[test]
fn addresses() {
    each_seed("address", address::run);
}

#[test]
fn range_headers() {
    each_seed("range", range::run);
}
