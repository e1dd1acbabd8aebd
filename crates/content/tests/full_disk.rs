//! A disk that fills up while something is written: an error that says so, nothing half-done, and all well once there is
//! room again. Needs a small file system of its own, which root may mount; elsewhere it is skipped, loudly.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path, process::Command, time::Duration};

use common::{MIB, bytes, read_all, skipped};
use pinreel_content::{CarRoom, Error, Options, Pin, Store, car, raw_cid, sha256};
use tempfile::TempDir;

/// A file system of `mib` MiB, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(folder)),
            other => {
                skipped(&format!("no small disk can be mounted here, which takes root: {other:?}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room but for `left` bytes.
    fn fill(&self, left: u64) -> std::path::PathBuf {
        let space = rustix::fs::statvfs(self.path()).unwrap();
        let free = space.f_bavail * space.f_frsize;
        let path = self.path().join("ballast");
        fs::write(&path, vec![1; free.saturating_sub(left) as usize]).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_file_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let store = Store::open(disk.path()).unwrap();
    let kept = store.put_bytes(&bytes(1, 2 * MIB)).unwrap();
    let error = store.put_bytes(&bytes(2, 20 * MIB)).unwrap_err();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    assert_eq!(fs::read_dir(disk.path().join("tmp")).unwrap().count(), 0);
    let mut upload = store.create_partial("u", 20 * MIB as u64).unwrap();
    assert!(matches!(upload.append(&bytes(3, 20 * MIB)), Err(Error::DiskFull(_))));
    let arrived = upload.offset();
    assert!(arrived > 0 && arrived < 20 * MIB as u64, "{arrived}");
    drop(upload);
    assert!(store.remove_partial("u").unwrap());
    assert!(read_all(&store, &store.put_bytes(&bytes(4, MIB)).unwrap().cid) == bytes(4, MIB));
    assert!(read_all(&store, &kept.cid) == bytes(1, 2 * MIB));
}

#[test]
fn an_import_that_does_not_fit_is_seen_by_nobody_and_can_be_tried_again() {
    let Some(disk) = SmallDisk::mount(128) else { return };
    let store = Store::open(disk.path()).unwrap();
    let kept = store.put_bytes(b"kept").unwrap();
    let blocks: Vec<_> = (0..20).map(|seed| bytes(seed, MIB)).map(|block| (raw_cid(sha256(&block)), block)).collect();
    let roots: Vec<_> = blocks.iter().map(|(cid, _)| *cid).collect();
    let car: Vec<u8> =
        car::header(&roots).into_iter().chain(blocks.iter().flat_map(|(cid, block)| car::frame(cid, block))).collect();
    let pin =
        Pin { cid: roots[0], owner: "import".to_owned(), reason: "a.car".to_owned(), since_ms: 1, until_ms: None };
    let ballast = disk.fill(3 * MIB as u64);
    let error = store.import_dags(&car[..], &pin, CarRoom::default()).unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }), "{error:?}");
    assert!(store.free_bytes().unwrap() > MIB as u64, "it was refused before the disk was full");
    fs::remove_file(ballast).unwrap();
    assert_eq!(read_all(&store, &kept.cid), b"kept");
    assert!(roots.iter().all(|root| !store.is_public(root).unwrap()));
    assert!(store.pins().unwrap().is_empty());
    let imported = store.import_dags(&car[..], &pin, CarRoom::default()).unwrap();
    assert_eq!((imported.blocks, store.pins().unwrap().len()), (20, 20));
}

fn free_bytes(disk: &SmallDisk) -> u64 {
    let space = rustix::fs::statvfs(disk.path()).unwrap();
    space.f_bavail * space.f_frsize
}

/// A disk without a byte left is what a collection is for; looking needs no room at all.
#[test]
fn a_full_disk_is_looked_at_and_collected() {
    let Some(disk) = SmallDisk::mount(64) else { return };
    let store = Store::open(disk.path()).unwrap();
    let kept = store.put_bytes(&bytes(1, 2 * MIB)).unwrap().cid;
    store.pin(&Pin { cid: kept, owner: "x".into(), reason: String::new(), since_ms: 1, until_ms: None }).unwrap();
    let unwanted = store.put_bytes(&bytes(2, 8 * MIB)).unwrap().cid;
    for seed in 0..2000 {
        let block = bytes(10 + seed, 3000);
        store.put_block(&raw_cid(sha256(&block)), &block).unwrap();
    }
    drop(store);
    let options = || Options::default().fresh_for(Duration::ZERO);
    let reserve = disk.path().join("index.reserve");
    let whole = fs::metadata(&reserve).unwrap().len();
    assert!(whole >= MIB as u64, "{whole}");

    // Once with the store open while the disk fills up, once opened on a full disk.
    let mut store = Store::open_with(disk.path(), options()).unwrap();
    let ballast = disk.fill(0);
    assert!(free_bytes(&disk) < 8192);
    for _ in 0..2 {
        assert_eq!(store.stats().unwrap().blobs, 2);
        assert_eq!(store.scrub(&unwanted, |_| {}).unwrap().damaged, 0);
        assert_eq!(store.scrub_nodes().unwrap().dropped, 0);
        let mut car = Vec::new();
        std::io::Read::read_to_end(&mut store.car(&kept), &mut car).unwrap();
        assert!(car.len() > 2 * MIB);
        let refused = store.put_block(&raw_cid(sha256(b"more")), b"more").unwrap_err();
        assert!(matches!(refused, Error::NoRoom { .. }), "{refused:?}");
        // What only notes that it waits needs room, too.
        let waiting = store.collect(1, 1000).unwrap().waiting;
        assert!(waiting > 2000, "{waiting}");
        drop(store);
        store = Store::open_with(disk.path(), options()).unwrap();
    }
    assert!(fs::metadata(&reserve).unwrap().len() < whole, "it took from the reserve");
    let collected = store.collect(1001, 1000).unwrap();
    assert_eq!((collected.removed_blobs, collected.removed_nodes), (1, 2000), "{collected:?}");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), whole, "the reserve is whole again");
    assert!(read_all(&store, &kept) == bytes(1, 2 * MIB));
    fs::remove_file(ballast).unwrap();
    store.put_block(&raw_cid(sha256(b"more")), b"more").unwrap();
}
