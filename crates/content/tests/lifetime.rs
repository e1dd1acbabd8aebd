//! Pins, withdrawal, collection and erasure: what is wanted stays, what isn't goes in time, what was erased stays out.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::{MIB, blob_path, bytes, collecting_store as store, read_all};
use pinreel_content::{
    Cid, Error, Pin, Store, Visibility,
    car::{self, CarError},
    hash_bytes, raw_cid, sha256,
};

const GRACE: u64 = 1000;

fn pin(cid: Cid, owner: &str) -> Pin {
    Pin { cid, owner: owner.to_owned(), reason: "a test".to_owned(), since_ms: 5, until_ms: None }
}

/// A folder of two files, of one leaf and of three.
fn publication(store: &Store, seed: u64) -> Cid {
    let small = store.put_bytes(&bytes(seed, 1000)).unwrap();
    let large = store.put_bytes(&bytes(seed + 1, 2 * MIB + 5)).unwrap();
    store.put_directory([("small", small.into()), ("large", large.into())]).unwrap().cid
}

#[test]
fn pins_have_owners_and_survive_a_restart() {
    let (folder, store) = store();
    let root = publication(&store, 1);
    assert!(store.pin(&pin(root, "claim:a")).unwrap());
    assert!(store.pin(&pin(root, "operator")).unwrap());
    let again = Pin { since_ms: 99, reason: "changed".to_owned(), ..pin(root, "claim:a") };
    assert!(!store.pin(&again).unwrap(), "the same owner again");
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let changed = Pin { reason: "changed".to_owned(), ..pin(root, "claim:a") };
    assert_eq!(store.pins().unwrap(), [changed, pin(root, "operator")]);
    assert!(store.unpin(&root, "operator").unwrap());
    assert!(!store.unpin(&root, "operator").unwrap());
    for owner in ["", "with space", "ü", &"o".repeat(201)] {
        assert!(matches!(store.pin(&pin(root, owner)), Err(Error::PinOwner(_))), "{owner:?}");
    }
    let absent = hash_bytes(b"never stored").cid;
    assert!(matches!(store.pin(&pin(absent, "x")), Err(Error::BlockMissing(cid)) if cid == absent));
}

#[test]
fn what_no_pin_leads_to_goes_after_its_grace_period() {
    let (folder, store) = store();
    let (kept, gone) = (publication(&store, 1), publication(&store, 3));
    store.pin(&pin(kept, "claim:a")).unwrap();
    store.pin(&pin(gone, "claim:b")).unwrap();
    assert_eq!(store.collect(1, GRACE).unwrap().waiting, 0);
    store.unpin(&gone, "claim:b").unwrap();
    let before = store.stats().unwrap();
    let first = store.collect(10, GRACE).unwrap();
    assert_eq!((first.reached, first.waiting, first.removed_blobs), (3, 3, 0));
    assert_eq!(store.collect(10 + GRACE - 1, GRACE).unwrap().removed_blobs, 0, "not yet");
    let second = store.collect(10 + GRACE, GRACE).unwrap();
    assert_eq!((second.removed_blobs, second.removed_nodes), (2, 1), "{second:?}");
    assert_eq!(second.removed_bytes, 1000 + 2 * MIB as u64 + 5);
    let after = store.stats().unwrap();
    assert_eq!((after.blobs, before.blobs), (2, 4));
    assert_eq!(after.blob_bytes, before.blob_bytes - second.removed_bytes);
    assert!(store.block(&gone).unwrap().is_none());
    assert!(!blob_path(&folder, &hash_bytes(&bytes(4, 2 * MIB + 5)).cid).exists());
    let large = store.resolve(&kept, &["large"]).unwrap().unwrap().cid;
    assert!(read_all(&store, &large) == bytes(2, 2 * MIB + 5));
}

#[test]
fn a_pin_within_the_grace_period_keeps_it() {
    let (_folder, store) = store();
    let root = publication(&store, 1);
    store.collect(10, GRACE).unwrap();
    store.pin(&pin(root, "claim:a")).unwrap();
    assert_eq!(store.collect(10 + GRACE, GRACE).unwrap().removed_blobs, 0);
    store.unpin(&root, "claim:a").unwrap();
    assert_eq!(store.collect(20 + GRACE, GRACE).unwrap().removed_blobs, 0, "its time begins anew");
    assert_eq!(store.collect(20 + 2 * GRACE, GRACE).unwrap().removed_blobs, 2);
}

#[test]
fn a_temporary_pin_ends_by_itself() {
    let (_folder, store) = store();
    let root = publication(&store, 1);
    store.pin(&Pin { until_ms: Some(50), ..pin(root, "job:1") }).unwrap();
    assert_eq!(store.collect(49, 0).unwrap().removed_blobs, 0);
    assert_eq!(store.collect(50, 0).unwrap().removed_blobs, 2);
    assert!(store.pins().unwrap().is_empty());
}

#[test]
fn what_was_shown_is_hidden_with_its_last_pin() {
    let (_folder, store) = store();
    let root = publication(&store, 1);
    store.publish(&root).unwrap();
    store.pin(&Pin { until_ms: Some(50), ..pin(root, "operator") }).unwrap();
    store.pin(&Pin { until_ms: Some(60), ..pin(root, "import") }).unwrap();
    store.collect(50, 0).unwrap();
    assert!(store.is_public(&root).unwrap(), "another keeps it");
    assert_eq!(store.collect(60, 0).unwrap().removed_blobs, 2);
    assert!(!store.is_public(&root).unwrap() && store.public_roots().unwrap().is_empty());
}

#[test]
fn what_two_share_stays_as_long_as_one_is_wanted() {
    let (_folder, store) = store();
    let long = bytes(9, 1024 * MIB / 512 + MIB);
    let shared = store.put_bytes(&long).unwrap();
    let roots = ["a", "b"].map(|name| store.put_directory([(name, shared.into())]).unwrap().cid);
    for root in roots {
        store.pin(&pin(root, "x")).unwrap();
    }
    store.unpin(&roots[0], "x").unwrap();
    let collected = store.collect(1, 0).unwrap();
    assert_eq!((collected.removed_blobs, collected.removed_nodes), (0, 1));
    assert!(read_all(&store, &shared.cid) == long);
    store.unpin(&roots[1], "x").unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 1);
    let stats = store.stats().unwrap();
    assert_eq!((stats.blobs, stats.blob_bytes, stats.nodes, stats.leaves), (0, 0, 0, 0));
}

#[test]
fn a_leaf_that_is_wanted_by_itself_outlives_its_file() {
    let (_folder, store) = store();
    let content = bytes(7, 2 * MIB + 9);
    let file = store.put_bytes(&content).unwrap();
    let leaf = raw_cid(sha256(&content[MIB..2 * MIB]));
    let folder = store.put_directory([("part", pinreel_content::Link { cid: leaf, tsize: MIB as u64 })]).unwrap();
    store.pin(&pin(folder.cid, "x")).unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 1);
    assert!(store.open_file(&file.cid).unwrap().is_none());
    assert!(store.block(&leaf).unwrap().unwrap() == content[MIB..2 * MIB]);
    assert!(store.block(&raw_cid(sha256(&content[..MIB]))).unwrap().is_none());
}

#[test]
fn files_that_begin_alike_keep_what_they_share() {
    let (_folder, store) = store();
    let long = bytes(9, 2 * MIB + 1);
    let (whole, start) = (store.put_bytes(&long).unwrap(), store.put_bytes(&long[..MIB + 1]).unwrap());
    store.pin(&pin(whole.cid, "x")).unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 1);
    assert!(store.open_file(&start.cid).unwrap().is_none());
    assert!(read_all(&store, &whole.cid) == long);
}

#[test]
fn what_is_published_stays_without_a_pin_until_it_is_withdrawn() {
    let (_folder, store) = store();
    let (one, two) = (publication(&store, 1), publication(&store, 3));
    let both = store.resolve(&one, &["large"]).unwrap().unwrap().cid;
    let linking = store.put_directory([("it", hash_bytes(&bytes(2, 2 * MIB + 5)).into())]).unwrap().cid;
    for root in [one, two, linking] {
        store.publish(&root).unwrap();
    }
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 0);
    assert!(store.withdraw(&one).unwrap());
    assert!(!store.withdraw(&one).unwrap());
    let small = hash_bytes(&bytes(1, 1000)).cid;
    assert!(!store.is_public(&one).unwrap() && !store.is_public(&small).unwrap());
    assert!(store.is_public(&both).unwrap(), "another published folder has it");
    assert!(store.is_public(&raw_cid(sha256(&bytes(2, 2 * MIB + 5)[..MIB]))).unwrap());
    assert!(store.is_public(&two).unwrap());
    let collected = store.collect(1, 0).unwrap();
    assert_eq!((collected.removed_blobs, collected.removed_nodes), (1, 1));
}

#[test]
fn a_reader_in_the_middle_of_a_file_reads_to_its_end() {
    let (_folder, store) = store();
    let content = bytes(3, 3 * MIB);
    let file = store.put_bytes(&content).unwrap();
    let reader = store.open_file(&file.cid).unwrap().unwrap();
    let (mut first, mut rest) = (vec![0; MIB], vec![0; 2 * MIB]);
    reader.read_exact_at(&mut first, 0).unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 1);
    reader.read_exact_at(&mut rest, MIB as u64).unwrap();
    assert!([first, rest].concat() == content);
}

#[test]
fn what_was_just_written_waits_for_its_pin() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let root = publication(&store, 1);
    let kept = store.collect(1, 0).unwrap();
    let folder_bytes = store.block(&root).unwrap().unwrap().len() as u64;
    assert_eq!((kept.removed_blobs, kept.waiting), (0, 0));
    assert_eq!(
        (kept.fresh_blobs, kept.fresh_nodes, kept.fresh_bytes),
        (2, 1, 1000 + 2 * MIB as u64 + 5 + folder_bytes)
    );
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.put_bytes(&bytes(1, 1000)).unwrap().size_bytes, 1000);
    let collected = store.collect(1, 0).unwrap();
    assert_eq!((collected.removed_blobs, collected.removed_nodes), (1, 1), "what was written again stays");
    assert_eq!((collected.fresh_blobs, collected.fresh_bytes), (1, 1000));
    assert!(store.block(&root).unwrap().is_none());
}

/// Writers of the same bytes, pins and collections at once: whoever got a pin has all the bytes.
#[test]
fn writers_and_collections_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let store = store.clone();
                scope.spawn(move || {
                    for round in 0..40u64 {
                        let owner = format!("writer:{writer}");
                        let root = publication(&store, 10 + round % 3 * 2);
                        store.pin(&pin(root, &owner)).unwrap();
                        let large = store.resolve(&root, &["large"]).unwrap().unwrap().cid;
                        assert!(read_all(&store, &large) == bytes(11 + round % 3 * 2, 2 * MIB + 5));
                        store.unpin(&root, &owner).unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.collect(1, 0).unwrap();
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    store.collect(1, 0).unwrap();
    assert_eq!(store.stats().unwrap().blobs, 0);
}

#[test]
fn erased_content_stays_out() {
    let (folder, store) = store();
    let content = bytes(5, 2 * MIB + 1);
    let file = store.put_bytes(&content).unwrap();
    let others = store.put_directory([("linked", file.into())]).unwrap().cid;
    store.publish(&others).unwrap();
    store.pin(&pin(others, "claim:other")).unwrap();
    store.pin(&pin(file.cid, "claim:own")).unwrap();
    let erased = store.erase(&file.cid, 7).unwrap();
    assert_eq!(erased.removed_blobs, 1);
    assert!(store.is_erased(&file.cid).unwrap() && !store.is_public(&file.cid).unwrap());
    assert!(store.open_file(&file.cid).unwrap().is_none());
    assert!(!blob_path(&folder, &file.cid).exists());
    assert!(store.block(&others).unwrap().is_some(), "the folder that named it stays");
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    assert!(matches!(store.put_bytes(&content), Err(Error::Erased(cid)) if cid == file.cid));
    let mut upload = store.create_partial("u", content.len() as u64).unwrap();
    upload.append(&content).unwrap();
    assert!(matches!(upload.finish(), Err(Error::Erased(_))));
    assert!(matches!(store.pin(&pin(file.cid, "x")), Err(Error::Erased(_))));
    assert!(matches!(store.publish(&file.cid), Err(Error::Erased(_))));
    let block = raw_cid(sha256(b"a block"));
    store.put_block(&block, b"a block").unwrap();
    store.erase(&block, 8).unwrap();
    assert!(matches!(store.put_block(&block, b"a block"), Err(Error::Erased(_))));
    let car = [car::header(&[block]), car::frame(&block, b"a block")].concat();
    let refused = store.import_car(&car[..], Visibility::Public);
    let offset = car::header(&[block]).len() as u64;
    assert!(matches!(refused, Err(Error::Car(CarError::Erased { offset: at, cid })) if (at, *cid) == (offset, block)));
    assert_eq!(store.stats().unwrap().erased, 2);
}

#[test]
fn what_was_erased_is_not_missing() {
    let (folder, store) = store();
    let files: Vec<_> = (0..40_u64).map(|seed| store.put_bytes(&bytes(seed, 100)).unwrap()).collect();
    let names: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    let entries = names.iter().map(String::as_str).zip(files.iter().map(|file| (*file).into()));
    let root = store.put_directory(entries).unwrap().cid;
    store.pin(&pin(root, "operator")).unwrap();
    for file in &files[..39] {
        store.erase(&file.cid, 7).unwrap();
    }
    assert_eq!(store.missing().unwrap(), []);
    std::fs::remove_file(blob_path(&folder, &files[39].cid)).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.missing().unwrap(), [files[39].cid], "what is told isn't crowded out");
}

#[test]
fn a_clock_that_was_ahead_holds_nothing_back() {
    const AHEAD: u64 = 1_000_000;
    let (_folder, store) = store();
    publication(&store, 1);
    assert_eq!(store.collect(AHEAD, GRACE).unwrap().waiting, 3);
    assert_eq!(store.collect(10, GRACE).unwrap().waiting, 3, "its time begins again");
    assert_eq!(store.collect(10 + GRACE, GRACE).unwrap().removed_blobs, 2);
    publication(&store, 3);
    store.collect(AHEAD, GRACE).unwrap();
    assert_eq!(store.collect(10, 0).unwrap().removed_blobs, 2, "at once, if that is wished");
}

#[test]
fn what_could_not_be_removed_goes_with_the_next_try() {
    let (folder, store) = store();
    let cid = store.put_bytes(&bytes(1, 2 * MIB)).unwrap().cid;
    let path = blob_path(&folder, &cid);
    // A folder in its place can't be removed as a file.
    let away = folder.path().join("away");
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(store.erase(&cid, 1), Err(Error::Io { .. })), "it says so");
    assert!(!store.holds(&cid).unwrap());
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    store.erase(&cid, 2).unwrap();
    assert!(!path.exists());
}
