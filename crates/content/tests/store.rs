//! The store as its users see it: what goes in comes out, is private until published, and stays one copy.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{MIB, blob_path, bytes, read_all, store};
use pinreel_content::{Cid, Error, Kind, Link, Store, dag_pb_cid, hash_bytes, raw_cid, sha256};

/// Sizes around the edges of leaves, and one that needs two leaves and a bit.
const SIZES: [usize; 6] = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB + 77];

#[test]
fn files_come_out_as_they_went_in() {
    let (folder, store) = store();
    for size in SIZES {
        let content = bytes(1, size);
        let stored = store.put_bytes(&content).unwrap();
        assert_eq!(stored, hash_bytes(&content));
        assert!(read_all(&store, &stored.cid) == content, "{size} bytes differ");
        let node = store.stat(&stored.cid).unwrap().unwrap();
        assert_eq!(node.kind, Kind::File { size_bytes: size as u64 });
        assert_eq!(fs::read(blob_path(&folder, &stored.cid)).unwrap().len(), size);
    }
    let stats = store.stats().unwrap();
    assert_eq!((stats.blobs, stats.blob_bytes), (6, SIZES.iter().sum::<usize>() as u64));
    assert!(stats.free_bytes > 0);
}

#[test]
fn pieces_of_any_size_give_the_same_cid() {
    let (_folder, store) = store();
    let content = bytes(2, 3 * MIB + 5);
    let mut writer = store.writer().unwrap();
    content.chunks(77_777).for_each(|piece| writer.write(piece).unwrap());
    assert_eq!(writer.finish().unwrap(), store.put_reader(&content[..]).unwrap());
}

#[test]
fn the_same_bytes_twice_are_kept_once() {
    let (folder, store) = store();
    let content = bytes(3, MIB + 9);
    let first = store.put_bytes(&content).unwrap();
    let before = store.stats().unwrap();
    assert_eq!(store.put_bytes(&content).unwrap(), first);
    let after = store.stats().unwrap();
    assert_eq!((before.blobs, before.blob_bytes, before.nodes), (after.blobs, after.blob_bytes, after.nodes));
    let shard = blob_path(&folder, &first.cid).parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(shard).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let (folder, store) = store();
    let mut writer = store.writer().unwrap();
    writer.write(b"half a file").unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(store.stats().unwrap().blobs, 0);
}

#[test]
fn leaves_and_nodes_of_a_file_are_blocks_of_their_own() {
    let (_folder, store) = store();
    let content = bytes(4, 2 * MIB + 100);
    let stored = store.put_bytes(&content).unwrap();
    for leaf in content.chunks(MIB) {
        let cid = raw_cid(sha256(leaf));
        assert!(store.block(&cid).unwrap().unwrap() == leaf);
        assert!(read_all(&store, &cid) == leaf);
        assert!(!store.is_public(&cid).unwrap());
    }
    let root = store.block(&stored.cid).unwrap().unwrap();
    assert_eq!(dag_pb_cid(sha256(&root)), stored.cid);
    let v0 = Cid::new_v0(*stored.cid.hash()).unwrap();
    assert!(read_all(&store, &v0) == content, "the index knows multihashes, not CIDs");
    assert_eq!(store.block(&raw_cid(sha256(b"not held"))).unwrap(), None);
}

#[test]
fn reads_may_begin_and_end_anywhere() {
    let (_folder, store) = store();
    let content = bytes(5, 2 * MIB + 100);
    let file = store.open_file(&store.put_bytes(&content).unwrap().cid).unwrap().unwrap();
    for (offset, length) in [(0, 1), (MIB - 1, 2), (MIB, MIB), (2 * MIB + 90, 10), (5, 2 * MIB)] {
        let mut piece = vec![0; length];
        assert_eq!(file.read_at(&mut piece, offset as u64).unwrap(), length);
        assert!(piece == content[offset..offset + length]);
    }
    let mut piece = [0; 50];
    assert_eq!(file.read_at(&mut piece, 2 * MIB as u64 + 90).unwrap(), 10, "cut at the end");
    assert_eq!(file.read_at(&mut piece, 3 * MIB as u64).unwrap(), 0, "past the end");
    assert!(matches!(file.read_exact_at(&mut piece, 2 * MIB as u64 + 90), Err(Error::Damaged(_))));
}

/// A folder as a publication has it: playlist, a rendition's folder, small and larger segments.
fn playback_root(store: &Store) -> (Link, Vec<u8>) {
    let segment = bytes(6, MIB + 1000);
    let rendition = store
        .put_directory([
            ("seg-00000.m4s", store.put_bytes(&segment).unwrap().into()),
            ("init.mp4", store.put_bytes(b"init").unwrap().into()),
        ])
        .unwrap();
    let playlist = store.put_bytes(b"#EXTM3U").unwrap();
    (store.put_directory([("v720", rendition), ("master.m3u8", playlist.into())]).unwrap(), segment)
}

#[test]
fn paths_lead_through_directories() {
    let (_folder, store) = store();
    let (root, segment) = playback_root(&store);
    let found = store.resolve(&root.cid, &["v720", "seg-00000.m4s"]).unwrap().unwrap();
    assert_eq!(found.kind, Kind::File { size_bytes: segment.len() as u64 });
    assert_eq!(store.resolve(&root.cid, &["v720"]).unwrap().unwrap().kind, Kind::Directory);
    assert_eq!(store.resolve::<&str>(&root.cid, &[]).unwrap().unwrap().cid, root.cid);
    assert_eq!(store.resolve(&root.cid, &["v1080"]).unwrap(), None);
    assert_eq!(store.resolve(&root.cid, &["master.m3u8", "deeper"]).unwrap(), None);
    assert_eq!(store.resolve(&root.cid, &[""; 1000]).unwrap(), None);
    let entries = store.list(&root.cid).unwrap().unwrap();
    assert_eq!(entries.iter().map(|entry| &entry.name[..]).collect::<Vec<_>>(), ["master.m3u8", "v720"]);
    assert!(matches!(store.list(&found.cid), Err(Error::NotADirectory(_))));
    assert!(matches!(store.open_file(&root.cid), Err(Error::NotAFile(_))));
}

#[test]
fn directories_refuse_names_that_lead_astray() {
    let (_folder, store) = store();
    let link = store.put_bytes(b"x").unwrap().into();
    for name in ["", ".", "..", "a/b", "a\0b", &"n".repeat(5000)] {
        assert!(matches!(store.put_directory([(name, link)]), Err(Error::NameInvalid(_))), "{name:?}");
    }
    assert!(matches!(store.put_directory([("a", link), ("a", link)]), Err(Error::NameTwice(_))));
}

#[test]
fn content_is_private_until_its_root_is_published() {
    let (_folder, store) = store();
    let (root, segment) = playback_root(&store);
    let other = store.put_bytes(&bytes(7, MIB + 1)).unwrap();
    let leaf = raw_cid(sha256(&segment[..MIB]));
    let inside = store.resolve(&root.cid, &["v720", "seg-00000.m4s"]).unwrap().unwrap().cid;
    for cid in [root.cid, inside, leaf] {
        assert!(!store.is_public(&cid).unwrap());
    }
    let published = store.publish(&root.cid).unwrap();
    // Two directories, playlist, init, and the segment's root; its leaves follow from that.
    assert_eq!((published.newly_public, published.missing.len()), (5, 0));
    for cid in [root.cid, inside, leaf] {
        assert!(store.is_public(&cid).unwrap());
    }
    assert!(!store.is_public(&other.cid).unwrap());
    assert_eq!(store.publish(&root.cid).unwrap().newly_public, 0, "again changes nothing");
    let unknown = raw_cid(sha256(b"unknown"));
    assert!(matches!(store.publish(&unknown), Err(Error::BlockMissing(cid)) if cid == unknown));
}

#[test]
fn publishing_names_the_holes() {
    let (_folder, store) = store();
    let absent = hash_bytes(b"never stored");
    let root = store.put_directory([("hole", absent.into())]).unwrap();
    assert_eq!(store.publish(&root.cid).unwrap().missing, [absent.cid]);
}

#[test]
fn a_block_of_a_published_file_is_not_copied() {
    let (_folder, store) = store();
    let content = bytes(10, MIB + 1);
    store.publish(&store.put_bytes(&content).unwrap().cid).unwrap();
    let nodes = store.stats().unwrap().nodes;
    assert!(!store.put_block(&raw_cid(sha256(&content[..MIB])), &content[..MIB]).unwrap());
    assert_eq!(store.stats().unwrap().nodes, nodes);
}

#[test]
fn everything_is_there_after_reopening() {
    let (folder, store) = store();
    let (root, segment) = playback_root(&store);
    store.publish(&root.cid).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let found = store.resolve(&root.cid, &["v720", "seg-00000.m4s"]).unwrap().unwrap();
    assert!(read_all(&store, &found.cid) == segment);
    assert!(store.is_public(&found.cid).unwrap());
}

#[test]
fn one_store_a_folder() {
    let (folder, store) = store();
    let second = Store::open(folder.path());
    assert!(matches!(second, Err(Error::FolderInUse(path)) if path == folder.path()));
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn many_threads_may_store_the_same_file() {
    let (_folder, store) = store();
    let content = bytes(11, MIB + 1);
    let cids: Vec<Cid> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| store.put_bytes(&content).unwrap().cid)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(cids.iter().all(|cid| *cid == cids[0]));
    assert_eq!(store.stats().unwrap().blobs, 1);
}
