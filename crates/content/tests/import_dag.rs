//! Importing a CAR's DAGs: all that its roots lead to, in any order, and nothing else.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{MIB, bytes, store};
use pinreel_content::{CarImport, Cid, Error, Options, Pin, Store, car, car::CarError, raw_cid, sha256};

const GRACE: u64 = 1000;

fn pin() -> Pin {
    Pin { cid: raw_cid([0; 32]), owner: "import".to_owned(), reason: "a.car".to_owned(), since_ms: 1, until_ms: None }
}

/// The blocks of a folder with a file of two leaves, the root first.
fn blocks() -> (Cid, Vec<(Cid, Vec<u8>)>) {
    let (_folder, store) = store();
    let file = store.put_bytes(&bytes(1, MIB + 5)).unwrap();
    let root = store.put_directory([("file", file.into())]).unwrap().cid;
    let mut reader = store.car(&root);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
    let mut reader = car::BlockReader::new(&bytes[..]).unwrap();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        blocks.push((block.cid, block.bytes.to_vec()));
    }
    assert_eq!(blocks.len(), 4);
    (root, blocks)
}

fn car_of(roots: &[Cid], blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let frames = blocks.iter().flat_map(|(cid, block)| car::frame(cid, block));
    car::header(roots).into_iter().chain(frames).collect()
}

fn import(store: &Store, car: &[u8]) -> pinreel_content::Result<CarImport> {
    store.import_dags(car, &pin())
}

#[test]
fn roots_are_published_and_pinned_whatever_the_order() {
    let (root, mut blocks) = blocks();
    for _ in 0..2 {
        let (_folder, store) = store();
        let imported = import(&store, &car_of(&[root], &blocks)).unwrap();
        assert_eq!((imported.blocks, imported.new_blocks, &imported.roots[..]), (4, 4, &[root][..]));
        assert_eq!(import(&store, &car_of(&[root], &blocks)).unwrap().new_blocks, 0);
        assert_eq!(store.pins().unwrap(), [Pin { cid: root, ..pin() }]);
        assert!(blocks.iter().all(|(cid, _)| store.is_public(cid).unwrap()));
        blocks.reverse();
    }
}

#[test]
fn blocks_that_nobody_asked_for_are_refused_by_offset_and_cid() {
    let (root, mut blocks) = blocks();
    let stray = (raw_cid(sha256(b"stray")), b"stray".to_vec());
    blocks.insert(2, stray.clone());
    let offset = car_of(&[root], &blocks[..2]).len() as u64;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_with(folder.path(), Options::default().fresh_for(Duration::ZERO)).unwrap();
    match import(&store, &car_of(&[root], &blocks)) {
        Err(Error::Car(CarError::Unasked { offset: found, cid })) => assert_eq!((found, *cid), (offset, stray.0)),
        other => panic!("{other:?}"),
    }
    // What was good stays until a collection, unseen.
    assert!(store.holds(&root).unwrap() && !store.is_public(&root).unwrap());
    assert!(store.pins().unwrap().is_empty());
    store.collect(1, GRACE).unwrap();
    assert_eq!(store.collect(1 + GRACE, GRACE).unwrap().removed_nodes, 5);
    assert!(matches!(
        import(&store, &car_of(&[], &blocks[..1])),
        Err(Error::Car(CarError::Unasked { cid, .. })) if *cid == root
    ));
}

#[test]
fn a_root_that_is_not_there_keeps_nothing_and_a_hole_is_no_fault() {
    let (root, blocks) = blocks();
    let (_folder, store) = store();
    let absent = raw_cid(sha256(b"absent"));
    // Without its second leaf, the file can still be had in part.
    let imported = import(&store, &car_of(&[absent, root], &blocks[..3])).unwrap();
    assert_eq!(imported.blocks, 3);
    assert_eq!(store.pins().unwrap(), [Pin { cid: root, ..pin() }]);
    assert_eq!(store.missing().unwrap(), [blocks[3].0]);
}

#[test]
fn cut_wrong_and_oversized_files_change_nothing_that_is_seen() {
    let (root, blocks) = blocks();
    let whole = car_of(&[root], &blocks);
    let third = car_of(&[root], &blocks[..2]).len();
    let mut flipped = whole.clone();
    flipped[third + 100] ^= 1;
    let mut large = car_of(&[root], &blocks[..2]);
    large.extend_from_slice(&car::frame(&blocks[2].0, &vec![0; 3 * MIB]));
    let (_folder, store) = store();
    for bad in [&whole[..whole.len() - 1], &flipped, &large] {
        let error = import(&store, bad).unwrap_err();
        assert!(matches!(error, Error::Car(_)), "{error:?}");
        assert!(error.to_string().contains(&third.to_string()) || error.to_string().contains("middle"), "{error}");
        assert!(store.pins().unwrap().is_empty() && !store.is_public(&root).unwrap());
    }
    assert_eq!(import(&store, &whole).unwrap().blocks, 4);
}
