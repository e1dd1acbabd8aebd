//! What opening a store makes of what a crash, or somebody's hand, has left.
//!
//! The kill tests start this test program again as a child, which ends itself, unwarned, at a named point between
//! two durable steps; the parent then opens the store and looks.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path, process::Command, time::Duration};

use common::{MIB, blob_path, bytes, read_all, store};
use pinreel_content::{Kind, Options, Store, hash_bytes, raw_cid, sha256};

#[test]
fn stale_temporary_files_are_removed() {
    let (folder, store) = store();
    drop(store);
    let stale = folder.path().join("tmp").join("17");
    fs::write(&stale, b"half").unwrap();
    Store::open(folder.path()).unwrap();
    assert!(!stale.exists());
}

#[test]
fn a_missing_blob_loses_its_entry() {
    let (folder, store) = store();
    let (gone, kept) = (store.put_bytes(&bytes(1, 2 * MIB + 1)).unwrap(), store.put_bytes(b"kept").unwrap());
    store.publish(&gone.cid).unwrap();
    drop(store);
    fs::remove_file(blob_path(&folder, &gone.cid)).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(store.block(&raw_cid(sha256(&bytes(1, 2 * MIB + 1)[..MIB]))).unwrap().is_none());
    assert_eq!(store.stats().unwrap().blobs, 1);
    assert_eq!(read_all(&store, &kept.cid), b"kept");
    // Once it comes again it is what it was, published state included.
    assert_eq!(store.put_bytes(&bytes(1, 2 * MIB + 1)).unwrap(), gone);
    assert!(read_all(&store, &gone.cid) == bytes(1, 2 * MIB + 1));
    assert!(store.is_public(&gone.cid).unwrap());
}

#[test]
fn a_truncated_blob_is_set_aside() {
    let (folder, store) = store();
    let content = bytes(2, MIB + 500);
    let stored = store.put_bytes(&content).unwrap();
    drop(store);
    let path = blob_path(&folder, &stored.cid);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(store.open_file(&stored.cid).unwrap().is_none());
    assert!(!path.exists());
    assert_eq!(fs::metadata(folder.path().join("damaged").join(stored.cid.to_string())).unwrap().len(), 1000);
    assert_eq!(store.put_bytes(&content).unwrap(), stored);
    assert!(read_all(&store, &stored.cid) == content);
}

#[test]
fn blobs_without_entries_are_indexed() {
    let (folder, store) = store();
    let index = folder.path().join("index.redb");
    drop(store);
    let before = fs::read(&index).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let contents = [Vec::new(), bytes(3, 100), bytes(3, MIB), bytes(3, 3 * MIB + 1)];
    let cids = contents.each_ref().map(|content| store.put_bytes(content).unwrap().cid);
    drop(store);
    fs::write(&index, before).unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (cid, content) in cids.iter().zip(&contents) {
        assert!(read_all(&store, cid) == *content);
        assert!(!store.is_public(cid).unwrap(), "what was public isn't known any more");
    }
    let leaf = raw_cid(sha256(&contents[3][..MIB]));
    assert_eq!(store.stat(&leaf).unwrap().unwrap().kind, Kind::File { size_bytes: MIB as u64 });
    assert_eq!(store.stats().unwrap().blobs, 4);
}

#[test]
fn a_file_with_a_wrong_name_is_set_aside() {
    let (folder, store) = store();
    let stored = store.put_bytes(b"one thing").unwrap();
    drop(store);
    let other = blob_path(&folder, &hash_bytes(b"another").cid);
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, b"not another").unwrap();
    fs::write(blob_path(&folder, &stored.cid).with_file_name("README"), b"?").unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.stats().unwrap().blobs, 1);
    assert_eq!(fs::read_dir(folder.path().join("damaged")).unwrap().count(), 2);
}

const CHILD: &str = "PINREEL_CRASH_CHILD";

fn content() -> Vec<u8> {
    bytes(4, 2 * MIB + 99)
}

/// The child's part: an upload and its removal, of which a point ends the process. Does nothing when the tests run it as one of them.
#[test]
fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (point, folder) = task.split_once(' ').unwrap();
    let (point, point_is_of_erasing) = (point.to_owned(), point.starts_with("erase"));
    let hook = move |reached: &'static str| {
        if reached == point {
            // As kill -9 does it: no destructors, no unwinding.
            std::process::abort();
        }
    };
    let options = Options::default().fault_point(hook).fresh_for(Duration::ZERO);
    let store = Store::open_with(folder, options).unwrap();
    let mut upload = store.create_partial("u", content().len() as u64).unwrap();
    upload.append(&content()).unwrap();
    let stored = upload.finish().unwrap();
    if point_is_of_erasing {
        store.erase(&stored.cid, 1).unwrap();
    }
    store.put_bytes(&bytes(5, MIB + 1)).unwrap();
    store.collect(1, 0).unwrap();
}

fn crash_at(point: &str, folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--test-threads", "1"]);
    let ended = child.env(CHILD, format!("{point} {}", folder.display())).output().unwrap();
    assert!(!ended.status.success(), "the child went past {point}");
}

#[test]
fn an_upload_survives_a_kill_at_every_point() {
    for point in ["partial.leaf", "partial.complete", "partial.synced", "blob.renamed", "blob.indexed"] {
        let folder = tempfile::tempdir().unwrap();
        crash_at(point, folder.path());
        let store = Store::open(folder.path()).unwrap();
        let mut upload = store.open_partial("u").unwrap().expect("it was acknowledged");
        let rest = content().split_off(upload.offset() as usize);
        assert!(point == "partial.leaf" || rest.is_empty(), "{point}");
        upload.append(&rest).unwrap();
        let stored = upload.finish().unwrap();
        assert_eq!(stored, hash_bytes(&content()), "{point}");
        assert!(read_all(&store, &stored.cid) == content(), "{point}");
        assert_eq!(store.stats().unwrap().blobs, 1, "{point}");
    }
}

#[test]
fn a_write_that_is_killed_leaves_nothing() {
    let file = hash_bytes(&bytes(5, MIB + 1));
    for point in ["blob.written", "blob.synced"] {
        let folder = tempfile::tempdir().unwrap();
        crash_at(point, folder.path());
        let store = Store::open(folder.path()).unwrap();
        assert!(store.open_file(&file.cid).unwrap().is_none(), "{point}");
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }
}

#[test]
fn a_removal_that_is_killed_is_ended_by_the_next_start() {
    for point in ["collect.unindexed", "collect.removed", "erase.noted"] {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (hash_bytes(&content()).cid, blob_path(&folder, &hash_bytes(&content()).cid));
        crash_at(point, folder.path());
        let store = Store::open(folder.path()).unwrap();
        if point == "erase.noted" {
            assert!(store.is_erased(&file).unwrap());
            assert!(!store.holds(&file).unwrap(), "a start ends what was begun");
        }
        assert_eq!((store.stats().unwrap().blobs, path.exists()), (0, false), "{point}");
        drop(store);
        assert_eq!(Store::open(folder.path()).unwrap().stats().unwrap().blobs, 0, "{point}: it doesn't come back");
    }
}
