//! Damage: what of a file is wrong, lost or back again, and what goes on beside it.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs::File, os::unix::fs::symlink, time::Duration};

use bytes::Bytes;
use common::{MIB, blob_path, bytes, collecting_store as store, read_all};
use pinreel_content::{Cid, Error, Pin, Store, Visibility, car, hash_bytes, raw_cid, sha256};
use rustix::fs::{CWD, Mode, mkfifoat};

#[test]
fn a_file_with_a_damaged_leaf_that_is_wanted_stays_and_nothing_else() {
    let (folder, store) = store();
    let content = bytes(7, 2 * MIB + 9);
    let (file, other) = (store.put_bytes(&content).unwrap(), store.put_bytes(&bytes(8, 1000)).unwrap());
    let leaf = raw_cid(sha256(&content[MIB..2 * MIB]));
    let wanting = store.put_directory([("part", pinreel_content::Link { cid: leaf, tsize: MIB as u64 })]).unwrap();
    let pin = Pin { cid: wanting.cid, owner: "x".to_owned(), reason: "a test".to_owned(), since_ms: 5, until_ms: None };
    store.pin(&pin).unwrap();
    let mut damaged = content.clone();
    damaged[MIB + 5] ^= 1;
    std::fs::write(blob_path(&folder, &file.cid), damaged).unwrap();
    let collected = store.collect(1, 0).unwrap();
    assert_eq!((collected.removed_blobs, collected.damaged_blobs), (1, 1));
    assert!(store.open_file(&other.cid).unwrap().is_none());
    assert!(store.holds(&leaf).unwrap(), "its place is known, so that it can be repaired");
    std::fs::write(blob_path(&folder, &file.cid), &content).unwrap();
    let collected = store.collect(2, 0).unwrap();
    assert_eq!((collected.removed_blobs, collected.damaged_blobs), (1, 0));
    assert!(store.block(&leaf).unwrap().unwrap() == content[MIB..2 * MIB]);
}

#[test]
fn a_file_that_was_cut_short_is_noted_by_the_first_who_opens_it() {
    let (folder, store) = store();
    let content = bytes(16, 3 * MIB + 10);
    let file = store.put_bytes(&content).unwrap();
    let path = blob_path(&folder, &file.cid);
    File::options().write(true).open(&path).unwrap().set_len(2 * MIB as u64 - 7).unwrap();
    let reader = store.open_file(&file.cid).unwrap().unwrap();
    let mut start = vec![0; MIB];
    assert_eq!(reader.read_at(&mut start, 0).unwrap(), MIB);
    assert!(start == content[..MIB], "what is before the cut is as good as ever");
    assert!(matches!(reader.read_at(&mut start, MIB as u64), Err(Error::Damaged(_))));
    let numbers =
        |store: &Store| store.damage().unwrap().iter().map(|leaf| leaf.offset / MIB as u64).collect::<Vec<_>>();
    assert_eq!(numbers(&store), [1, 2, 3]);

    for (number, part) in content.chunks(MIB).enumerate() {
        assert_eq!(store.mend(&raw_cid(sha256(part)), part).unwrap(), number > 0);
    }
    assert_eq!(read_all(&store, &file.cid), content);
}

#[test]
fn an_open_file_that_strays_is_let_go() {
    let (folder, store) = store();
    let content = bytes(17, 2 * MIB + 10);
    let file = store.put_bytes(&content).unwrap();
    let (path, aside) = (blob_path(&folder, &file.cid), folder.path().join("aside"));
    assert_eq!(read_all(&store, &file.cid), content);
    let epoch = store.epoch();
    store.look_after_open_files(Vec::new()).unwrap();
    assert_eq!(store.epoch(), epoch, "all is as it was");

    std::fs::copy(&path, &aside).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(MIB as u64 + 3).unwrap();
    store.look_after_open_files(Vec::new()).unwrap();
    assert_eq!(store.damage().unwrap().len(), 2, "cut short");
    assert!(!store.is_whole(&file.cid).unwrap());
    let epoch = store.epoch();
    store.look_after_open_files(Vec::new()).unwrap();
    assert_eq!(store.epoch(), epoch, "noted once");

    store.open_file(&file.cid).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    store.look_after_open_files(Vec::new()).unwrap();
    assert_eq!(read_all(&store, &file.cid), content, "the right one in its place");

    let mut other = content.clone();
    other[MIB] ^= 1;
    for replace in [true, false] {
        read_all(&store, &file.cid);
        if replace {
            std::fs::write(&aside, &other).unwrap();
            std::fs::rename(&aside, &path).unwrap();
        } else {
            std::thread::sleep(Duration::from_millis(20));
            std::fs::write(&path, &other).unwrap();
        }
        store.look_after_open_files(Vec::new()).unwrap();
        let damage = store.damage().unwrap();
        assert_eq!(damage.iter().map(|leaf| leaf.offset).collect::<Vec<_>>(), [MIB as u64], "replaced: {replace}");
        store.put_bytes(&content).unwrap();
        assert!(store.damage().unwrap().is_empty());
    }

    assert_eq!(read_all(&store, &file.cid), content);
    std::fs::rename(&path, &aside).unwrap();
    store.look_after_open_files(Vec::new()).unwrap();
    assert_eq!(store.damage().unwrap().len(), 3, "moved aside");
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(store.scrub(&file.cid, |_| {}).unwrap().damaged, 0);

    let held = store.open_file(&file.cid).unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    store.look_after_open_files(vec![held]).unwrap();
    assert_eq!(store.damage().unwrap().len(), 3, "taken away");
    assert!(matches!(store.open_file(&file.cid), Err(Error::Damaged(_))));
    store.put_bytes(&content).unwrap();
    assert!(store.is_whole(&file.cid).unwrap());
    assert_eq!(read_all(&store, &file.cid), content);
}

/// Bytes that have just been hashed are right; those that have lain there may not be.
#[test]
fn storing_a_file_again_mends_what_nobody_has_noticed() {
    let (folder, store) = store();
    let content = bytes(19, MIB + 10);
    let file = store.put_bytes(&content).unwrap();
    std::fs::write(blob_path(&folder, &file.cid), bytes(20, MIB + 10)).unwrap();
    let mut export = store.car(&file.cid);
    while export.next_piece().is_ok_and(|piece| piece.is_some()) {}
    assert_eq!(store.damage().unwrap().len(), 1, "who checks and finds it wrong notes it");
    store.put_bytes(&content).unwrap();
    assert_eq!(read_all(&store, &file.cid), content);
}

#[test]
fn what_is_no_file_among_the_stored_ones_stops_nothing() {
    let (folder, store) = store();
    let content = bytes(21, MIB + 10);
    let (file, other) = (store.put_bytes(&content).unwrap(), store.put_bytes(b"other").unwrap());
    let (path, shard) = (blob_path(&folder, &file.cid), blob_path(&folder, &other.cid).parent().unwrap().to_owned());
    drop(store);
    std::fs::create_dir(shard.join("folder")).unwrap();
    std::fs::create_dir(folder.path().join("tmp/folder")).unwrap();
    symlink("/nonexistent", shard.join("dangling")).unwrap();
    symlink("loop", shard.join("loop")).unwrap();
    mkfifoat(CWD, shard.join("pipe"), Mode::RWXU).unwrap();
    std::fs::rename(&path, folder.path().join("aside")).unwrap();
    symlink("../../aside", &path).unwrap();

    let store = Store::open(folder.path()).unwrap();
    assert!(store.open_file(&file.cid).unwrap().is_none(), "a link is no stored file");
    assert_eq!(read_all(&store, &other.cid), b"other");
    store.put_bytes(&content).unwrap();
    assert_eq!(read_all(&store, &file.cid), content);

    std::fs::remove_file(&path).unwrap();
    mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    store.look_after_open_files(Vec::new()).unwrap();
    assert!(matches!(store.open_file(&file.cid), Err(Error::Damaged(_))));
    assert_eq!(store.scrub(&file.cid, |_| {}).unwrap().damaged, 2);
    drop(store);
    Store::rebuild(folder.path(), &|_| {}).unwrap();
    assert_eq!(read_all(&Store::open(folder.path()).unwrap(), &other.cid), b"other");
}

#[test]
fn a_block_outside_of_files_that_the_disk_changed_is_not_given_out() {
    let (folder, store) = store();
    let large: Vec<u8> = bytes(18, 100_000);
    let (small, large) = (Bytes::from_static(b"a small block, kept in the index"), Bytes::from(large));
    let cids = [&small, &large].map(|block| raw_cid(sha256(block)));
    let car = [car::header(&cids), car::frame(&cids[0], &small), car::frame(&cids[1], &large)].concat();
    store.import_car(&car[..], Visibility::Private).unwrap();
    for cid in &cids {
        assert!(store.block(cid).unwrap().is_some());
        assert!(store.is_whole(cid).unwrap());
    }
    drop(store);
    let path = folder.path().join("index.redb");
    let mut index = std::fs::read(&path).unwrap();
    for block in [&small, &large] {
        let places: Vec<usize> =
            index.windows(32).enumerate().filter(|(_, window)| *window == &block[..32]).map(|(at, _)| at).collect();
        assert!(!places.is_empty());
        places.iter().for_each(|at| index[at + 7] ^= 1);
    }
    std::fs::write(&path, index).unwrap();
    let store = Store::open(folder.path()).unwrap();
    for cid in &cids {
        assert!(matches!(store.block(cid), Err(Error::Damaged(damaged)) if damaged == *cid));
        assert!(matches!(store.open_file(cid), Err(Error::Damaged(damaged)) if damaged == *cid));
    }
    assert_eq!(store.scrub_nodes().unwrap().dropped, 2);
    assert!(store.block(&cids[0]).unwrap().is_none());
}

#[test]
fn damage_is_found_kept_back_and_mended() {
    let (folder, store) = store();
    let content = bytes(6, 3 * MIB + 10);
    let file = store.put_bytes(&content).unwrap();
    let healthy = store.put_bytes(b"healthy").unwrap();
    let path = blob_path(&folder, &file.cid);
    let mut broken = content.clone();
    broken[MIB + 3] ^= 1;
    std::fs::write(&path, &broken).unwrap();

    let mut paused = 0;
    let found = store.scrub(&file.cid, |bytes| paused += bytes).unwrap();
    assert_eq!((found.bytes, paused, found.damaged), (content.len() as u64, content.len() as u64, 1));
    assert_eq!(store.scrub(&healthy.cid, |_| {}).unwrap().damaged, 0);
    let damage = store.damage().unwrap();
    let leaf = raw_cid(sha256(&content[MIB..2 * MIB]));
    assert_eq!(damage.len(), 1);
    assert_eq!((damage[0].file, damage[0].leaf, damage[0].offset), (file.cid, leaf, MIB as u64));

    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let reader = store.open_file(&file.cid).unwrap().unwrap();
    assert!(reader.as_file().is_none(), "nobody reads past us");
    let mut buffer = vec![0; 100];
    assert!(matches!(reader.read_at(&mut buffer, MIB as u64 - 50), Err(Error::Damaged(_))));
    assert!(matches!(store.block(&leaf), Err(Error::Damaged(cid)) if cid == leaf));
    assert_eq!(reader.read_at(&mut buffer, 0).unwrap(), 100, "the rest is as good as before");
    assert_eq!(reader.read_at(&mut buffer, 2 * MIB as u64).unwrap(), 100);

    assert!(matches!(store.mend(&leaf, &broken[MIB..2 * MIB]), Err(Error::HashMismatch(_))));
    assert!(store.mend(&leaf, &content[MIB..2 * MIB]).unwrap());
    assert!(!store.mend(&leaf, &content[MIB..2 * MIB]).unwrap());
    assert!(store.damage().unwrap().is_empty());
    assert!(read_all(&store, &file.cid) == content);
    assert_eq!(store.scrub(&file.cid, |_| {}).unwrap().damaged, 0);
}

#[test]
fn a_file_that_somebody_took_away_is_damage_until_it_is_back() {
    let (folder, store) = store();
    let content = bytes(6, 2 * MIB + 10);
    let file = store.put_bytes(&content).unwrap().cid;
    let (path, leaf) = (blob_path(&folder, &file), raw_cid(sha256(&content[MIB..2 * MIB])));
    let take_away = || {
        std::fs::remove_file(&path).unwrap();
        // Whatever removes or damages something ends what is kept open.
        store.erase(&hash_bytes(b"another").cid, 1).unwrap();
    };
    take_away();
    assert!(matches!(store.block(&leaf), Err(Error::Damaged(cid)) if cid == leaf));
    assert!(matches!(store.open_file(&file), Err(Error::Damaged(cid)) if cid == file));
    assert_eq!((store.stats().unwrap().damaged, store.damage().unwrap().len()), (3, 3), "to be repaired");
    for damage in store.damage().unwrap() {
        let (from, to) = (damage.offset as usize, (damage.offset + damage.size_bytes) as usize);
        assert!(store.mend(&damage.leaf, &content[from..to]).unwrap());
    }
    assert!(read_all(&store, &file) == content);

    take_away();
    assert!(store.open_file(&file).is_err());
    assert_eq!(store.put_bytes(&content).unwrap().cid, file);
    assert_eq!(store.stats().unwrap().damaged, 0, "bytes that were stored again are right");
    assert!(read_all(&store, &file) == content);

    std::fs::write(&path, vec![0; content.len()]).unwrap();
    assert_eq!(store.scrub(&file, |_| {}).unwrap().damaged, 3);
    store.put_bytes(&content).unwrap();
    assert!(read_all(&store, &file) == content, "also where a file of the same size was damaged");

    take_away();
    assert!(store.open_file(&file).is_err());
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert!(store.open_file(&file).unwrap().is_none(), "a start drops what it has no file for");
    assert_eq!(store.stats().unwrap().damaged, 0);
}

#[test]
fn files_come_in_order_for_a_scrub_that_goes_on_later() {
    let (_folder, store) = store();
    let stored: Vec<Cid> = (0..5).map(|seed| store.put_bytes(&bytes(seed, 100)).unwrap().cid).collect();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.files_after(after.as_ref(), 2).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen.len(), 5);
    assert!(stored.iter().all(|cid| seen.contains(cid)));
}
