//! Content addressed by its hash: CIDs, UnixFS, CAR files, a store on disk, and a Kubo to pin things at.
//!
//! What always holds:
//! - every file that is imported here has the CID that `ipfs add` gives it under the profile `unixfs-v1-2025`
//!   (sha2-256, CIDv1, raw leaves of 1 MiB, balanced, 1024 links a node);
//! - a CID leaves a call that stores bytes only after these bytes are safe on the disk and indexed;
//! - what comes from outside is checked against its hash, and decoded within limits ([`limits`]).
//!
//! The crate knows neither HTTP nor SQL, but for [`kubo`], which speaks Kubo's RPC. All calls of [`Store`] block:
//! call them from a thread that may (`tokio::task::spawn_blocking`).

mod address;
pub mod car;
pub mod dagpb;
mod data;
mod directory;
mod disk;
mod error;
mod hamt;
pub mod import;
#[cfg(feature = "kubo")]
pub mod kubo;
mod lanes;
pub mod limits;
mod links;
mod store;
mod unixfs;
mod walk;

pub use address::{DAG_CBOR, DAG_JSON, DAG_PB, Digest, RAW, dag_pb_cid, digest_of, parse_cid, raw_cid, sha256};
pub use cid::Cid;
pub use directory::hash_directory;
pub use disk::{OnProgress, Progress, all_cores, hash_file};
pub use error::{Error, Malformed, Result};
pub use hamt::place_of_name;
pub use import::{BYTES_AT_ONCE, FileHasher, LEAF_BYTES, Link, Stored, hash_bytes};
pub use links::links_of_data;
pub use store::{
    BlobWriter, CarImport, CarOptions, CarReader, CarRoom, CarStats, Collected, Damage, End, Entries, Entry,
    FileReader, Gate, InPages, Kind, Node, Options, Part, PartialBlob, PartialInfo, Pin, Published, Rebuilt, Scope,
    Scrubbed, Stats, Step, Store, Visibility, Walk,
};
pub use walk::{FolderWalk, hash_path, printable_path};
