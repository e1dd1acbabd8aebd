//! Stands in for `core2`, whose every published version was yanked. `ipfs-api-backend-hyper` reaches it through
//! older multihash crates that only want the standard library's traits under `core2::io` and `core2::error`.

pub use std::{error, io};
