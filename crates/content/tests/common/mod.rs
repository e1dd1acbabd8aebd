//! What the tests of the store share.
#![allow(dead_code, clippy::unwrap_used)]

mod skip;

use std::{path::PathBuf, time::Duration};

use pinreel_content::{Options, Store};
use tempfile::TempDir;

pub use skip::skipped;

pub const MIB: usize = 1024 * 1024;

/// A store in a folder that goes away with the test.
pub fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// One in which nothing is safe because it is new.
pub fn collecting_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_with(folder.path(), Options::default().fresh_for(Duration::ZERO)).unwrap();
    (folder, store)
}

/// `size` bytes that repeat nowhere within a file, different for each seed.
pub fn bytes(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    words.take(size / 8 + 1).flat_map(u64::to_le_bytes).take(size).collect()
}

/// All bytes of a file, read in pieces of an awkward size.
pub fn read_all(store: &Store, cid: &pinreel_content::Cid) -> Vec<u8> {
    let file = store.open_file(cid).unwrap().expect("the file is held");
    let mut out = vec![0; file.size_bytes() as usize];
    let mut done = 0;
    while done < out.len() {
        let end = out.len().min(done + 100_003);
        let read = file.read_at(&mut out[done..end], done as u64).unwrap();
        assert!(read > 0, "the file ends at {done}");
        done += read;
    }
    assert_eq!(file.read_at(&mut [0; 8], file.size_bytes()).unwrap(), 0);
    out
}

/// Where the store keeps a whole file.
pub fn blob_path(folder: &TempDir, cid: &pinreel_content::Cid) -> PathBuf {
    let name = cid.to_string();
    let shard = &name[name.len() - 3..name.len() - 1];
    folder.path().join("blobs").join(shard).join(name)
}

/// The shared conformance data, if this checkout has it beside itself.
pub fn shared_conformance(file: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("PINREEL_CONFORMANCE") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("there is no shared/conformance/{file} beside the repository"));
    None
}
