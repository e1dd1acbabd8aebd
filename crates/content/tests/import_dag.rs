//! Importing a CAR's DAGs: all that its roots lead to, in any order, and nothing else.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{MIB, bytes, store};
use pinreel_content::{
    CarImport, CarRoom, Cid, DAG_CBOR, DAG_JSON, Error, Malformed, Options, Pin, Store, car, car::CarError, dag_pb_cid,
    raw_cid, sha256,
};

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
    store.import_dags(car, &pin(), CarRoom::default())
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
    assert_eq!((imported.blocks, &imported.roots[..], &imported.absent[..]), (3, &[root][..], &[absent][..]));
    assert_eq!(store.pins().unwrap(), [Pin { cid: root, ..pin() }]);
    assert_eq!(store.missing().unwrap(), [blocks[3].0]);
    // But it is told, for a file that was cut between two blocks looks just so.
    assert_eq!((imported.missing, imported.first_missing), (1, Some(blocks[3].0)));
    let whole = import(&store, &car_of(&[root], &blocks)).unwrap();
    assert_eq!((whole.missing, whole.first_missing), (0, None));
    // What was here before isn't missing.
    let again = import(&store, &car_of(&[root], &blocks[..3])).unwrap();
    assert_eq!((again.missing, again.first_missing), (0, None));
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

/// A folder with one entry, whose name is these bytes.
fn folder_of(name: &[u8], child: Cid) -> (Cid, Vec<u8>) {
    let cid = child.to_bytes();
    let link = [&[0x0a, cid.len() as u8][..], &cid, &[0x12, name.len() as u8], name, &[0x18, 1]].concat();
    let block = [&[0x12, link.len() as u8][..], &link, &[0x0a, 2, 8, 1]].concat();
    (dag_pb_cid(sha256(&block)), block)
}

#[test]
fn what_cannot_be_decoded_is_refused_by_its_own_offset_and_cid() {
    let child = (raw_cid(sha256(b"child")), b"child".to_vec());
    let other = |codec, block: &[u8]| (Cid::new_v1(codec, *raw_cid(sha256(block)).hash()), block.to_vec());
    let cases = [
        (other(DAG_CBOR, &[0xff]), Malformed::DagCbor),
        (other(DAG_JSON, b"{"), Malformed::DagJson),
        (folder_of(&[0xff, 0xfe], child.0), Malformed::NameNotUtf8),
    ];
    for (bad, reason) in cases {
        let (_folder, store) = store();
        // A good root comes before it: nothing of that is shown either.
        let good = (raw_cid(sha256(b"good")), b"good".to_vec());
        let blocks = [good.clone(), bad.clone(), child.clone()];
        let offset = car_of(&[good.0, bad.0], &blocks[..1]).len() as u64;
        match import(&store, &car_of(&[good.0, bad.0], &blocks)) {
            Err(Error::Car(CarError::Malformed { offset: at, cid, reason: why })) => {
                assert_eq!((at, *cid, why), (offset, bad.0, reason));
            }
            other => panic!("{other:?}"),
        }
        assert!(store.pins().unwrap().is_empty() && !store.is_public(&good.0).unwrap());
        // The next time it is here already, and still at that place of the file.
        let again = import(&store, &car_of(&[bad.0], &blocks[1..])).unwrap_err();
        assert!(again.to_string().contains(&bad.0.to_string()), "{again}");
    }
}

#[test]
fn what_was_erased_is_refused_by_offset_and_cid_and_the_good_blocks_before_stay() {
    let (root, blocks) = blocks();
    let (_folder, store) = store();
    store.put_block(&blocks[2].0, &blocks[2].1).unwrap();
    store.erase(&blocks[2].0, 1).unwrap();
    let offset = car_of(&[root], &blocks[..2]).len() as u64;
    match import(&store, &car_of(&[root], &blocks)) {
        Err(Error::Car(CarError::Erased { offset: at, cid })) => assert_eq!((at, *cid), (offset, blocks[2].0)),
        other => panic!("{other:?}"),
    }
    let (_folder, store) = common::store();
    let whole = car_of(&[root], &blocks);
    assert!(import(&store, &whole[..whole.len() - 1]).is_err());
    let held: Vec<bool> = blocks.iter().map(|(cid, _)| store.holds(cid).unwrap()).collect();
    assert_eq!(held, [true, true, true, false]);
}

#[test]
fn an_import_that_cannot_fit_is_refused_before_anything_is_stored() {
    let (root, blocks) = blocks();
    let (_folder, store) = store();
    let car = car_of(&[root], &blocks);
    for room in [
        CarRoom { spare_bytes: 0, announced_bytes: Some(u64::MAX / 4) },
        CarRoom { spare_bytes: u64::MAX / 4, announced_bytes: None },
    ] {
        let refused = store.import_dags(&car[..], &pin(), room);
        assert!(matches!(refused, Err(Error::NoRoom { .. })), "{refused:?}");
    }
    assert_eq!(store.stats().unwrap().nodes, 0);
}
