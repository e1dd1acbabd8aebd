//! Sharded directories: like any other to their readers, whatever their size, and no trap when strangers made them.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::store;
use pinreel_content::{
    Cid, Error, Kind, Link, Malformed, Store, dag_pb_cid, dagpb, hash_bytes, hash_directory, place_of_name, sha256,
};
use proptest::{collection::btree_set, prelude::*};

/// Names long enough that 256 KiB hold only a thousand of them.
fn long_names(count: usize) -> BTreeMap<String, Link> {
    let name = |number| format!("{number:06}-{}", "x".repeat(200));
    (0..count).map(|number| (name(number), hash_bytes(&number.to_le_bytes()).into())).collect()
}

fn put(store: &Store, entries: &BTreeMap<String, Link>) -> Cid {
    let link = store.put_directory(entries.iter().map(|(name, link)| (name.as_str(), *link))).unwrap();
    let hashed = hash_directory(entries.iter().rev().map(|(name, link)| (name.as_str(), *link))).unwrap();
    assert_eq!(link, hashed, "order doesn't matter, and hashing alone gives the same");
    link.cid
}

#[test]
fn every_entry_is_listed_once_and_found_by_its_name() {
    let (_folder, store) = store();
    for count in [900, 1200, 20_000] {
        let entries = long_names(count);
        let root = put(&store, &entries);
        assert_eq!(store.stat(&root).unwrap().unwrap().kind, Kind::Directory);
        let listed = store.entries(&root).unwrap().unwrap().map(|entry| entry.unwrap());
        let listed: Vec<_> = listed.map(|entry| (entry.name, Link { cid: entry.cid, tsize: entry.tsize })).collect();
        assert_eq!(listed.len(), count);
        assert_eq!(BTreeMap::from_iter(listed), entries);
        for (name, link) in entries.iter().step_by(97) {
            let step = store.step(&root, name).unwrap().unwrap();
            assert_eq!((step.cid, step.tsize), (link.cid, link.tsize));
            assert_eq!(step.shards.is_empty(), count < 1000, "{count}");
            assert!(step.shards.iter().all(|shard| store.holds(shard).unwrap()));
        }
        assert_eq!(store.step(&root, "no such name").unwrap(), None);
        assert_eq!(store.step(&root, "").unwrap(), None);
    }
}

#[test]
fn publishing_reaches_every_shard() {
    let (_folder, store) = store();
    let root = put(&store, &long_names(3000));
    let published = store.publish(&root).unwrap();
    assert!(published.newly_public > 200, "{published:?}");
    let step = store.step(&root, long_names(1).keys().next().unwrap()).unwrap().unwrap();
    assert!(!step.shards.is_empty() && step.shards.iter().all(|shard| store.is_public(shard).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn any_names_come_back(names in btree_set("[^/\0]{1,40}", 0..200), padding in 0usize..2) {
        let (_folder, store) = store();
        let names = names.into_iter().filter(|name| name != "." && name != "..");
        let link = Link::from(hash_bytes(b"x"));
        let entries: BTreeMap<String, Link> =
            names.map(|name| (format!("{name}{}", "p".repeat(padding * 3500)), link)).collect();
        let root = put(&store, &entries);
        let listed = store.list(&root).unwrap().unwrap();
        prop_assert_eq!(listed.len(), entries.len());
        for entry in listed {
            prop_assert!(entries.contains_key(&entry.name));
            prop_assert_eq!(store.step(&root, &entry.name).unwrap().map(|step| step.cid), Some(link.cid));
        }
    }
}

/// Stores a shard with these links, as a stranger may make one.
fn shard(store: &Store, links: &[(&str, Cid)]) -> Cid {
    let mut block = Vec::new();
    for (name, cid) in links {
        dagpb::push_link(&mut block, cid, name, 1);
    }
    dagpb::push_data(&mut block, &[0x08, 5, 0x12, 0, 0x28, 0x22, 0x30, 0x80, 2]);
    let cid = dag_pb_cid(sha256(&block));
    store.put_block(&cid, &block).unwrap();
    cid
}

fn wrong_shard(store: &Store, root: &Cid) -> bool {
    let listed = store.list(root);
    matches!(listed, Err(Error::Malformed { reason: Malformed::Shard, .. }))
}

#[test]
fn shards_that_contradict_themselves_are_malformed() {
    let (_folder, store) = store();
    let file = store.put_bytes(b"file").unwrap().cid;
    // "hello" hashes to cbd8…: it belongs into slot CB.
    let right = shard(&store, &[("CBhello", file)]);
    assert_eq!(store.list(&right).unwrap().unwrap()[0].name, "hello");
    assert_eq!(store.step(&right, "hello").unwrap().unwrap().cid, file);
    for links in [[("00hello", file)], [("cbhello", file)], [("C", file)], [("CB", file)], [("00", right)]] {
        let root = shard(&store, &links);
        assert!(wrong_shard(&store, &root), "{links:?}");
        assert_eq!(store.step(&root, "not there").ok().flatten(), None);
    }
}

#[test]
fn a_shard_that_comes_twice_ends_the_listing() {
    let (_folder, store) = store();
    let names: Vec<String> = (0..256).map(|slot| format!("{slot:02X}")).collect();
    let mut below = shard(&store, &[]);
    for _ in 0..7 {
        let links: Vec<_> = names.iter().map(|name| (name.as_str(), below)).collect();
        below = shard(&store, &links);
    }
    assert!(wrong_shard(&store, &below), "2^56 shards, of which nine exist");
}

#[test]
fn a_missing_shard_ends_the_listing_by_name() {
    let (_folder, store) = store();
    let gone = dag_pb_cid(sha256(b"gone"));
    let file = store.put_bytes(b"file").unwrap().cid;
    let root = shard(&store, &[("00", gone), ("CBhello", file)]);
    let mut entries = store.entries(&root).unwrap().unwrap();
    assert!(matches!(entries.next(), Some(Err(Error::BlockMissing(cid))) if cid == gone));
    assert!(entries.next().is_none());
    assert_eq!(store.step(&root, "hello").unwrap().unwrap().cid, file, "what doesn't need it is found");
    assert!(store.entries(&gone).unwrap().is_none());
}

/// The way to a name ends at the first link of its slot, so a second one would be shown and never found.
#[test]
fn a_slot_that_comes_twice_or_out_of_order_is_malformed() {
    let (_folder, store) = store();
    let slot = |name: &str| place_of_name(name) >> 56;
    let names: Vec<String> = (0..2000).map(|number| format!("n{number}")).collect();
    let twin = names.iter().skip(1).find(|name| slot(name) == slot(&names[0])).unwrap();
    let other = names.iter().find(|name| slot(name) > slot(&names[0])).unwrap();
    let shard = |names: &[&String]| {
        let mut block = Vec::new();
        for name in names {
            dagpb::push_link(&mut block, &hash_bytes(b"x").cid, &format!("{:02X}{name}", slot(name)), 1);
        }
        dagpb::push_data(&mut block, &[8, 5, 0x12, 0, 0x28, 0x22, 0x30, 0x80, 2]);
        let cid = dag_pb_cid(sha256(&block));
        store.put_block(&cid, &block).unwrap();
        store.list(&cid)
    };
    assert_eq!(shard(&[&names[0], other]).unwrap().unwrap().len(), 2);
    for wrong in [[&names[0], twin], [other, &names[0]], [&names[0], &names[0]]] {
        assert!(matches!(shard(&wrong), Err(Error::Malformed { reason: Malformed::Shard, .. })), "{wrong:?}");
    }
}
