//! Uploads that come in pieces, stop anywhere, and go on.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    fs::{self, File},
    path::PathBuf,
};

use common::{MIB, blob_path, bytes, read_all, store};
use pinreel_content::{Error, Store, hash_bytes};
use tempfile::TempDir;

fn part(folder: &TempDir, id: &str) -> PathBuf {
    folder.path().join("partial").join(format!("{id}.part"))
}

fn sidecar(folder: &TempDir, id: &str) -> PathBuf {
    folder.path().join("partial").join(format!("{id}.leaves"))
}

#[test]
fn an_upload_in_odd_pieces_has_the_files_cid() {
    let (folder, store) = store();
    for (number, size) in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7].into_iter().enumerate() {
        let (id, content) = (format!("upload-{number}"), bytes(1, size));
        let mut upload = store.create_partial(&id, size as u64).unwrap();
        for piece in content.chunks(333_333) {
            upload.append(piece).unwrap();
        }
        upload.sync().unwrap();
        assert!(upload.is_complete());
        let stored = upload.finish().unwrap();
        assert_eq!(stored, hash_bytes(&content));
        assert!(read_all(&store, &stored.cid) == content);
        assert!(!part(&folder, &id).exists());
        assert!(!store.is_public(&stored.cid).unwrap());
    }
}

#[test]
fn finishing_again_gives_the_same_answer_until_it_is_removed() {
    let (_folder, store) = store();
    let content = bytes(2, MIB + 5);
    let mut upload = store.create_partial("u", content.len() as u64).unwrap();
    upload.append(&content).unwrap();
    let stored = upload.finish().unwrap();
    for _again in 0..2 {
        let upload = store.open_partial("u").unwrap().unwrap();
        assert_eq!((upload.offset(), upload.size_bytes()), (stored.size_bytes, stored.size_bytes));
        assert_eq!(upload.finish().unwrap(), stored);
    }
    assert!(matches!(store.create_partial("u", 1), Err(Error::PartialExists(_))));
    assert_eq!(store.partials().unwrap().len(), 1);
    assert!(store.remove_partial("u").unwrap());
    assert!(!store.remove_partial("u").unwrap());
    assert!(store.open_partial("u").unwrap().is_none());
    assert!(read_all(&store, &stored.cid) == content, "the file itself stays");
}

#[test]
fn an_upload_goes_on_after_the_store_was_reopened() {
    let (folder, store) = store();
    let content = bytes(3, 3 * MIB + 50);
    let half = MIB + 4321;
    let mut upload = store.create_partial("u", content.len() as u64).unwrap();
    upload.append(&content[..half]).unwrap();
    drop(upload);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let mut upload = store.open_partial("u").unwrap().unwrap();
    assert_eq!(upload.offset(), half as u64);
    upload.append(&content[half..]).unwrap();
    assert_eq!(upload.finish().unwrap(), hash_bytes(&content));
}

/// What a crash or a power cut may leave of the two files, and the offset at which the upload must go on.
#[test]
fn torn_files_are_read_again_as_far_as_needed() {
    type Damage = fn(&TempDir);
    let half = 2 * MIB + 4321;
    let cases: [(&str, Damage, usize); 7] = [
        ("untouched", |_| {}, half),
        ("part cut within a leaf", |f| set_len(part(f, "u"), MIB + 10), MIB + 10),
        ("part cut at a leaf", |f| set_len(part(f, "u"), MIB), MIB),
        ("part empty", |f| set_len(part(f, "u"), 0), 0),
        ("sidecar torn in its last entry", |f| set_len(sidecar(f, "u"), 16 + 36 + 7), half),
        ("sidecar without entries", |f| set_len(sidecar(f, "u"), 16), half),
        ("sidecar with a garbled entry", |f| flip(sidecar(f, "u"), 16 + 3), half),
    ];
    for (case, damage, offset) in cases {
        let (folder, store) = store();
        let content = bytes(4, 3 * MIB);
        let mut upload = store.create_partial("u", content.len() as u64).unwrap();
        upload.append(&content[..half]).unwrap();
        drop(upload);
        damage(&folder);
        let mut upload = store.open_partial("u").unwrap().unwrap();
        assert_eq!(upload.offset(), offset as u64, "{case}");
        upload.append(&content[offset..]).unwrap();
        assert_eq!(upload.finish().unwrap(), hash_bytes(&content), "{case}");
    }
}

fn set_len(path: PathBuf, length: usize) {
    File::options().write(true).open(path).unwrap().set_len(length as u64).unwrap();
}

fn flip(path: PathBuf, offset: usize) {
    let mut bytes = fs::read(&path).unwrap();
    bytes[offset] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sidecar_without_header_is_no_upload_and_can_be_removed() {
    let (folder, store) = store();
    drop(store.create_partial("u", 10).unwrap());
    set_len(sidecar(&folder, "u"), 5);
    assert!(store.open_partial("u").unwrap().is_none());
    assert_eq!(store.partials().unwrap()[0].id, "u");
    assert!(store.remove_partial("u").unwrap());
}

#[test]
fn a_creation_that_was_cut_off_can_be_made_again() {
    let (folder, store) = store();
    drop(store.create_partial("u", 10).unwrap());
    fs::remove_file(part(&folder, "u")).unwrap();
    assert!(store.open_partial("u").unwrap().is_none());
    let mut upload = store.create_partial("u", 3).unwrap();
    upload.append(b"abc").unwrap();
    assert_eq!(upload.finish().unwrap(), hash_bytes(b"abc"));
}

#[test]
fn limits_and_misuse_have_names() {
    let (_folder, store) = store();
    for id in ["", "a/b", "..", "a.b", "ü", &"x".repeat(65)] {
        assert!(matches!(store.create_partial(id, 1), Err(Error::PartialId(_))), "{id:?}");
    }
    assert!(store.open_partial("unknown").unwrap().is_none());
    let mut upload = store.create_partial("u", 5).unwrap();
    assert!(matches!(store.open_partial("u"), Err(Error::PartialBusy(_))));
    assert!(matches!(store.remove_partial("u"), Err(Error::PartialBusy(_))));
    upload.append(b"abc").unwrap();
    assert!(matches!(upload.append(b"def"), Err(Error::PartialTooLong { size_bytes: 5, .. })));
    assert_eq!(upload.offset(), 3, "nothing of it was taken");
    assert!(matches!(upload.finish(), Err(Error::PartialIncomplete { offset_bytes: 3, size_bytes: 5, .. })));
    assert_eq!(store.open_partial("u").unwrap().unwrap().offset(), 3, "it may still go on");
}

#[test]
fn an_upload_of_a_known_file_is_not_stored_twice() {
    let (folder, store) = store();
    let content = bytes(5, MIB + 1);
    let stored = store.put_bytes(&content).unwrap();
    let mut upload = store.create_partial("u", content.len() as u64).unwrap();
    upload.append(&content).unwrap();
    assert_eq!(upload.finish().unwrap(), stored);
    assert_eq!(store.stats().unwrap().blobs, 1);
    assert!(blob_path(&folder, &stored.cid).exists() && !part(&folder, "u").exists());
}

#[test]
fn going_on_reads_at_most_one_leaf() {
    let (folder, store) = store();
    let content = bytes(6, MIB);
    let mut upload = store.create_partial("u", 64 * MIB as u64).unwrap();
    for _ in 0..32 {
        upload.append(&content).unwrap();
    }
    upload.append(&content[..100]).unwrap();
    drop(upload);
    // Whoever read the first leaves again would now see other bytes, and give another CID.
    let file = File::options().write(true).open(part(&folder, "u")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0; 32 * MIB], 0).unwrap();
    let mut upload = store.open_partial("u").unwrap().unwrap();
    upload.append(&content[100..]).unwrap();
    for _ in 33..64 {
        upload.append(&content).unwrap();
    }
    assert_eq!(upload.finish().unwrap(), hash_bytes(&content.repeat(64)));
}
