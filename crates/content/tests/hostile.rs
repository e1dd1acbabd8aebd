//! CAR files and DAGs that strangers made: what is wrong is refused by name, and nothing costs more than it may.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bytes, read_all, shared_conformance, store};
use pinreel_content::{
    Cid, DAG_CBOR, Error, Kind, Malformed, Store, Visibility,
    car::{self, CarError},
    dag_pb_cid, dagpb, limits, raw_cid, sha256,
};

fn car_of(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut car = car::header(&[blocks[0].0]);
    blocks.iter().for_each(|(cid, block)| car.extend_from_slice(&car::frame(cid, block)));
    car
}

fn import(store: &Store, car: &[u8]) -> Result<u64, CarError> {
    match store.import_car(car, Visibility::Private) {
        Ok(import) => Ok(import.blocks),
        Err(Error::Car(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

fn raw(block: &[u8]) -> (Cid, Vec<u8>) {
    (raw_cid(sha256(block)), block.to_vec())
}

/// A CID with this codec, hash function and digest.
fn cid_of(codec: u64, function: u64, digest: &[u8]) -> Cid {
    Cid::new_v1(codec, multihash::Multihash::wrap(function, digest).unwrap())
}

#[test]
fn what_is_wrong_in_a_car_file_has_a_name_and_a_place() {
    let (_folder, store) = store();
    let (one, two) = (raw(b"one"), raw(b"two"));
    let good = car_of(&[one.clone(), two.clone()]);
    assert_eq!(import(&store, &good).unwrap(), 2);
    let second = (good.len() - car::frame(&two.0, &two.1).len()) as u64;

    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let error = import(&store, &flipped).unwrap_err();
    assert!(matches!(&error, CarError::HashMismatch { offset, cid } if *offset == second && **cid == two.0));
    assert!(error.to_string().contains(&format!("{} in the CAR file, at byte {second}", two.0)));

    let error = import(&store, &good[..good.len() - 1]).unwrap_err();
    assert!(matches!(&error, CarError::Truncated { offset, cid: Some(cid) } if *offset == second && **cid == two.0));
    assert!(error.to_string().contains(&format!("{}, which begins at byte {second}", two.0)), "{error}");
    // The CID itself is cut off.
    let error = import(&store, &good[..second as usize + 9]).unwrap_err();
    assert!(matches!(error, CarError::Truncated { offset, cid: None } if offset == second), "{error:?}");
    let error = import(&store, &[&good[..], &[0x80]].concat()).unwrap_err();
    assert!(matches!(error, CarError::Truncated { offset, cid: None } if offset == good.len() as u64), "{error:?}");
    for start in [&b""[..], b"\x3a", b"\x80"] {
        let length = start.len() as u64;
        assert!(matches!(import(&store, start), Err(CarError::HeaderTruncated { offset }) if offset == length));
    }
    assert!(matches!(import(&store, b"<!doctype html>"), Err(CarError::Header | CarError::Truncated { .. })));
    let pragma = [0x0a, 0xa1, 0x67, b'v', b'e', b'r', b's', b'i', b'o', b'n', 2];
    assert!(matches!(import(&store, &pragma), Err(CarError::Version(2))));

    let header = car::header(&[one.0]);
    for end in [2, 9, header.len() - 1] {
        let error = import(&store, &good[..end]).unwrap_err();
        assert!(matches!(error, CarError::HeaderTruncated { offset } if offset == end as u64), "{error:?}");
    }
    assert!(matches!(import(&store, &[b"\x20", &[b'x'; 9][..]].concat()), Err(CarError::Header)), "some other file");
    let mut cbor = b"\xa2\x65roots\x82".to_vec();
    cbor.extend_from_slice(&header[header.len() - 9 - 41..header.len() - 9]);
    let root = cbor.len() as u64 + 2;
    // An identity CID of 100 bytes, then the version.
    cbor.extend_from_slice(&[&[0xd8, 0x2a, 0x58, 105, 0, 1, 0x55, 0, 100][..], &[7; 100], b"\x67version\x01"].concat());
    let error = import(&store, &[&[cbor.len() as u8 | 0x80, (cbor.len() >> 7) as u8], &cbor[..]].concat()).unwrap_err();
    assert!(matches!(error, CarError::HeaderRoot { offset } if offset == root), "{error:?} {root}");
    assert!(error.to_string().contains("more than 64 bytes"), "{error}");
    let many = car::header(&vec![one.0; 2000]);
    let error = import(&store, &many).unwrap_err();
    let most = limits::CAR_HEADER_BYTES as u64;
    assert!(matches!(error, CarError::HeaderTooLarge { offset: 3, size_bytes } if size_bytes > most), "{error:?}");

    for size in [limits::BLOCK_BYTES + 1, limits::BLOCK_BYTES + 500] {
        let large = raw(&vec![0; size]);
        let error = import(&store, &[&good[..], &car::frame(&large.0, &large.1)].concat()).unwrap_err();
        assert!(
            matches!(&error, CarError::BlockTooLarge { offset, size_bytes, cid: Some(cid) }
                if (*offset, *size_bytes, **cid) == (good.len() as u64, size as u64, large.0)),
            "{error:?}"
        );
    }
    let mut endless = good.clone();
    endless.extend_from_slice(&[0xff; 9]);
    endless.push(1);
    assert!(matches!(import(&store, &endless), Err(CarError::BlockTooLarge { cid: None, .. })));
    let mut no_cid = good.clone();
    no_cid.extend_from_slice(&[3, 9, 9, 9]);
    assert!(matches!(import(&store, &no_cid), Err(CarError::Cid { offset }) if offset == good.len() as u64));

    let sha1 = (cid_of(0x55, 0x11, &[0; 20]), b"x".to_vec());
    assert!(matches!(import(&store, &car_of(&[sha1])), Err(CarError::HashUnsupported { .. })));
}

#[test]
fn identity_blocks_need_no_storing_but_must_be_true() {
    let (_folder, store) = store();
    let identity = cid_of(0x55, 0, b"inline");
    assert_eq!(import(&store, &car_of(&[(identity, b"inline".to_vec())])).unwrap(), 1);
    assert!(matches!(import(&store, &car_of(&[(identity, b"other".to_vec())])), Err(CarError::HashMismatch { .. })));
    assert_eq!(store.stats().unwrap().nodes, 0);
    assert_eq!(read_all(&store, &identity), b"inline");
    assert!(store.is_public(&identity).unwrap() && store.holds(&identity).unwrap());
    assert_eq!(store.stat(&identity).unwrap().unwrap().kind, Kind::File { size_bytes: 6 });
}

#[test]
fn a_block_must_have_its_hash() {
    let (_folder, store) = store();
    let (cid, block) = raw(b"right");
    assert!(matches!(store.put_block(&cid, b"wrong"), Err(Error::HashMismatch(_))));
    assert!(store.put_block(&cid, &block).unwrap());
    assert!(!store.put_block(&cid, &block).unwrap(), "it is known already");
    let large = vec![0; limits::BLOCK_BYTES + 1];
    assert!(matches!(store.put_block(&raw(&large).0, &large), Err(Error::BlockTooLarge { .. })));
    assert!(matches!(store.put_block(&cid_of(0x55, 0x11, &[0; 20]), b"x"), Err(Error::HashUnsupported(_))));
}

/// A UnixFS file node over children, with sizes as the caller claims them.
fn file_node(children: &[Cid], claims: &[u64], total: u64) -> (Cid, Vec<u8>) {
    let varint = |mut value: u64| {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    };
    let mut block = Vec::new();
    children.iter().for_each(|child| dagpb::push_link(&mut block, child, "", 0));
    let mut data = [&[8, 2, 0x18][..], &varint(total)].concat();
    claims.iter().for_each(|claim| data.extend([&[0x20][..], &varint(*claim)].concat()));
    dagpb::push_data(&mut block, &data);
    (dag_pb_cid(sha256(&block)), block)
}

fn put(store: &Store, (cid, block): &(Cid, Vec<u8>)) -> Cid {
    store.put_block(cid, block).unwrap();
    *cid
}

fn read(store: &Store, cid: &Cid) -> Result<usize, Error> {
    store.open_file(cid)?.unwrap().read_at(&mut [0; 4096], 0)
}

#[test]
fn sizes_must_add_up() {
    let (_folder, store) = store();
    let leaf = put(&store, &raw(b"four"));
    let wrong_sum = put(&store, &file_node(&[leaf], &[4], 5));
    assert!(matches!(read(&store, &wrong_sum), Err(Error::Malformed { reason: Malformed::Sizes, .. })));
    let no_claim = put(&store, &file_node(&[leaf], &[], 4));
    assert!(matches!(read(&store, &no_claim), Err(Error::Malformed { reason: Malformed::Sizes, .. })));
    let overflow = put(&store, &file_node(&[leaf, leaf], &[u64::MAX, 2], 1));
    assert!(matches!(read(&store, &overflow), Err(Error::Malformed { reason: Malformed::Sizes, .. })));
    let wrong_leaf = put(&store, &file_node(&[leaf], &[9], 9));
    assert!(matches!(read(&store, &wrong_leaf), Err(Error::Malformed { reason: Malformed::ChildSize, .. })));
    let huge = put(&store, &file_node(&[leaf, leaf], &[u64::MAX - 4, 4], u64::MAX));
    let file = store.open_file(&huge).unwrap().unwrap();
    assert_eq!(file.read_at(&mut [0; 4], u64::MAX - 4).unwrap(), 4, "only the last leaf is asked for");
    assert_eq!(file.read_at(&mut [0; 4], u64::MAX).unwrap(), 0);
}

#[test]
fn a_range_is_served_although_other_blocks_are_missing() {
    let (_folder, store) = store();
    let (held, absent) = (put(&store, &raw(b"held")), raw(b"gone").0);
    let root = put(&store, &file_node(&[held, absent, held], &[4, 4, 4], 12));
    let file = store.open_file(&root).unwrap().unwrap();
    let mut piece = [0; 4];
    assert_eq!(file.read_at(&mut piece, 8).unwrap(), 4);
    assert_eq!(&piece, b"held");
    assert!(matches!(file.read_at(&mut [0; 2], 4), Err(Error::BlockMissing(cid)) if cid == absent));
    assert!(matches!(store.car(&root).last_error(), Some(Error::BlockMissing(cid)) if cid == absent));
}

/// Reads a CAR stream to its error.
trait LastError {
    fn last_error(self) -> Option<Error>;
}

impl LastError for pinreel_content::CarReader {
    fn last_error(mut self) -> Option<Error> {
        loop {
            match self.next_piece() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
        }
    }
}

#[test]
fn depth_and_width_are_limited() {
    let (_folder, store) = store();
    let mut top = put(&store, &raw(b"x"));
    for level in 0..limits::DEPTH + 2 {
        top = put(&store, &file_node(&[top], &[1], 1));
        let answer = read(&store, &top);
        assert_eq!(answer.is_ok(), level < limits::DEPTH, "{level}: {answer:?}");
    }
    // Ten levels of a hundred times the same child: 10^20 bytes would be claimed, were it not over 64 bits.
    let mut bomb = put(&store, &raw(b"x"));
    let mut size = 1u64;
    for _ in 0..9 {
        bomb = put(&store, &file_node(&[bomb; 100], &[size; 100], size * 100));
        size *= 100;
    }
    let file = store.open_file(&bomb).unwrap().unwrap();
    assert_eq!(file.size_bytes(), size);
    let mut piece = vec![0; 200_000];
    let read = file.read_at(&mut piece, size / 2).unwrap();
    assert!(read > 0 && read < limits::BLOCKS_PER_READ, "a read ends early at its budget: {read}");
    assert!(piece[..read].iter().all(|byte| *byte == b'x'));
    // Each block once: the walks see nine nodes and a leaf.
    assert_eq!(store.publish(&bomb).unwrap().newly_public, 10);
    assert!(store.car(&bomb).last_error().is_none());
}

#[test]
fn children_without_bytes_are_not_visited() {
    let (_folder, store) = store();
    let absent = raw(b"gone").0;
    let leaf = put(&store, &raw(b"x"));
    let mut children = vec![absent; 5000];
    children.push(leaf);
    let mut claims = vec![0; 5000];
    claims.push(1);
    let root = put(&store, &file_node(&children, &claims, 1));
    assert_eq!(read_all(&store, &root), b"x");
}

#[test]
fn blocks_that_are_not_what_their_codec_says() {
    let (_folder, store) = store();
    let not_dag_pb = put(&store, &(dag_pb_cid(sha256(b"\xff\xff")), b"\xff\xff".to_vec()));
    assert!(matches!(store.open_file(&not_dag_pb), Err(Error::Malformed { .. })));
    assert!(matches!(store.list(&not_dag_pb), Err(Error::Malformed { .. })));
    assert!(matches!(store.publish(&not_dag_pb), Err(Error::Malformed { .. })));
    let cbor = put(&store, &(cid_of(DAG_CBOR, 0x12, &sha256(b"\xa0")), b"\xa0".to_vec()));
    assert_eq!(store.stat(&cbor).unwrap().unwrap().kind, Kind::Other { codec: DAG_CBOR });
    assert!(matches!(store.open_file(&cbor), Err(Error::NotAFile(_))));
    let deep = [0x81; 4000];
    let deep = put(&store, &(cid_of(DAG_CBOR, 0x12, &sha256(&deep)), deep.to_vec()));
    assert!(matches!(store.publish(&deep), Err(Error::Malformed { reason: Malformed::TooDeep, .. })));
}

#[test]
fn links_of_records_are_followed() {
    let (_folder, store) = store();
    let leaf = put(&store, &raw(b"linked"));
    let link = [&[0xd8, 0x2a, 0x58, 37, 0][..], &leaf.to_bytes()].concat();
    let block = [&[0xa2, 0x61, b'a', 0x18, 200, 0x61, b'b', 0x82, 0x20][..], &link].concat();
    let record = put(&store, &(cid_of(DAG_CBOR, 0x12, &sha256(&block)), block));
    assert_eq!(store.publish(&record).unwrap().newly_public, 2);
    assert!(store.is_public(&leaf).unwrap());
}

#[test]
fn a_damaged_block_does_not_leave_in_a_car_file() {
    let (folder, store) = store();
    let stored = store.put_bytes(&bytes(1, 1000)).unwrap();
    let path = common::blob_path(&folder, &stored.cid);
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[7] ^= 1;
    std::fs::write(path, damaged).unwrap();
    assert!(matches!(store.car(&stored.cid).last_error(), Some(Error::Damaged(cid)) if cid == stored.cid));
}

#[test]
fn the_conformance_fixtures_can_be_imported() {
    let Some(folder) = shared_conformance("fixtures") else { return };
    let (_folder, store) = store();
    let (mut files, mut blocks) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let import = store.import_car(std::fs::File::open(&path).unwrap(), Visibility::Public);
        let import = import.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for root in &import.roots {
            // Sharded folders and holes are in there on purpose; no root is unreadable.
            assert!(store.stat(root).unwrap().is_some() && store.is_public(root).unwrap(), "{}", path.display());
        }
        files += 1;
        blocks += import.blocks;
    }
    assert!(files >= 20 && blocks >= 200, "{files} files, {blocks} blocks");
}
