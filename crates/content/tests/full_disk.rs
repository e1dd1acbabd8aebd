//! A disk that fills up while something is written: an error that says so, nothing half-done, and all well once there is
//! room again. Needs a small file system of its own, which root may mount; elsewhere it is skipped, loudly.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path, process::Command};

use common::{MIB, bytes, read_all};
use pinreel_content::{Error, Pin, Store, car, raw_cid, sha256};
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
                eprintln!("SKIPPED: no small disk can be mounted here, which takes root: {other:?}");
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
    let error = store.import_dags(&car[..], &pin).unwrap_err();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    fs::remove_file(ballast).unwrap();
    drop(store);
    let store = Store::open(disk.path()).unwrap();
    assert_eq!(read_all(&store, &kept.cid), b"kept");
    assert!(roots.iter().all(|root| !store.is_public(root).unwrap()));
    assert!(store.pins().unwrap().is_empty());
    let imported = store.import_dags(&car[..], &pin).unwrap();
    assert_eq!((imported.blocks, store.pins().unwrap().len()), (20, 20));
}
