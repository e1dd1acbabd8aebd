//! The same question to us and to other people's crates: what differs is a mistake of one of the two.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{MIB, bytes, read_all, store};
use ipld_dagpb::{PbLink, PbNode};
use pinreel_content::{Cid, Link, Visibility, car, dag_pb_cid, dagpb, hash_bytes, raw_cid, sha256};
use proptest::{collection::vec, option, prelude::*};
use rust_unixfs::{
    dir::builder::{BufferingTreeBuilder, TreeOptions},
    file::adder::{BalancedCollector, Chunker, FileAdder},
};

/// All blocks of a file in a layout of the oracle's, its root last.
fn oracle_blocks(
    content: &[u8],
    leaf_bytes: usize,
    links: usize,
    raw_leaves: bool,
    version: u64,
) -> Vec<(Cid, Vec<u8>)> {
    let mut adder = FileAdder::builder()
        .with_chunker(Chunker::Size(leaf_bytes))
        .with_collector(BalancedCollector::with_branching_factor(links))
        .with_cid_version(version.try_into().unwrap())
        .with_raw_leaves(raw_leaves)
        .build();
    let (mut blocks, mut rest) = (Vec::new(), content);
    while !rest.is_empty() {
        let (new, used) = adder.push(rest);
        blocks.extend(new);
        rest = &rest[used..];
    }
    blocks.extend(adder.finish());
    blocks
}

#[test]
fn files_have_the_oracles_blocks() {
    let (_folder, store) = store();
    for size in [1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 3] {
        let content = bytes(size as u64, size);
        let stored = store.put_bytes(&content).unwrap();
        let blocks = oracle_blocks(&content, MIB, 1024, true, 1);
        assert_eq!(blocks.last().unwrap().0, stored.cid, "{size} bytes");
        for (cid, block) in &blocks {
            assert!(store.block(cid).unwrap().unwrap() == *block);
        }
        assert_eq!(stored.tsize, blocks.iter().map(|(_, block)| block.len() as u64).sum::<u64>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn files_of_foreign_layouts_read_like_any_other(
        content in vec(any::<u8>(), 1..5000),
        (leaf_bytes, links) in (1usize..400, 2usize..8),
        (raw_leaves, version) in prop_oneof![Just((true, 1)), Just((false, 1)), Just((false, 0))],
        (from, length) in (0usize..5000, 0usize..5000),
    ) {
        let (_folder, store) = store();
        let blocks = oracle_blocks(&content, leaf_bytes, links, raw_leaves, version);
        let root = blocks.last().unwrap().0;
        let frames = blocks.iter().flat_map(|(cid, block)| car::frame(cid, block));
        let file: Vec<u8> = car::header(&[root]).into_iter().chain(frames).collect();
        store.import_car(&file[..], Visibility::Private).unwrap();
        prop_assert!(read_all(&store, &root) == content);
        let mut piece = vec![0; length];
        let read = store.open_file(&root).unwrap().unwrap().read_at(&mut piece, from as u64).unwrap();
        let from = from.min(content.len());
        prop_assert_eq!(&piece[..read], &content[from..content.len().min(from + length)]);
    }

    #[test]
    fn directories_have_the_oracles_cid(names in vec("[a-zA-Z0-9ü日. -]{1,20}", 0..30)) {
        let names: std::collections::BTreeSet<String> =
            names.into_iter().filter(|name| name != "." && name != "..").collect();
        let (_folder, store) = store();
        let mut options = TreeOptions::default();
        options.wrap_with_directory();
        options.cid_version(1u64.try_into().unwrap());
        let mut oracle = BufferingTreeBuilder::new(options);
        let mut entries = Vec::new();
        for name in &names {
            let link = Link::from(hash_bytes(name.as_bytes()));
            oracle.put_link(name, link.cid, link.tsize).unwrap();
            entries.push((name.as_str(), link));
        }
        let expected = oracle.build().last().unwrap().unwrap().cid;
        prop_assert_eq!(store.put_directory(entries.into_iter().rev()).unwrap().cid, expected);
    }

    #[test]
    fn nodes_decode_as_the_oracle_encodes_them(node in node()) {
        let block = node.clone().into_bytes();
        let decoded = dagpb::decode(&block).unwrap();
        let mut links = node.links;
        links.sort_by(|a, b| a.name.as_deref().unwrap_or("").as_bytes().cmp(b.name.as_deref().unwrap_or("").as_bytes()));
        prop_assert_eq!(decoded.data, node.data.as_deref());
        prop_assert_eq!(decoded.links.len(), links.len());
        for (ours, theirs) in decoded.links.iter().zip(&links) {
            prop_assert_eq!((ours.cid, ours.name, ours.tsize), (theirs.cid, theirs.name.as_deref(), theirs.size));
        }
    }

    #[test]
    fn nodes_encode_as_the_oracle_decodes_them(links in vec((any::<[u8; 32]>(), "[a-zü]{0,9}", any::<u64>()), 0..9), data: Vec<u8>) {
        let mut block = Vec::new();
        for (digest, name, tsize) in &links {
            dagpb::push_link(&mut block, &dag_pb_cid(*digest), name, *tsize);
        }
        dagpb::push_data(&mut block, &data);
        let node = PbNode::from_bytes(block.into()).unwrap();
        prop_assert_eq!(node.data.as_deref(), Some(&data[..]));
        for ((digest, name, tsize), link) in links.iter().zip(&node.links) {
            prop_assert_eq!((dag_pb_cid(*digest), Some(name), Some(*tsize)), (link.cid, link.name.as_ref(), link.size));
        }
    }

    /// Damaged blocks never panic, and what is taken is taken by the oracle too, with the same links.
    #[test]
    fn damaged_nodes_are_not_taken_for_more_than_the_oracle_takes(node in node(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut block = node.into_bytes();
        if !block.is_empty() {
            let at = at.index(block.len());
            block[at] = byte;
            if cut {
                block.truncate(at);
            }
        }
        if let Ok(ours) = dagpb::decode(&block) {
            let theirs = PbNode::from_bytes(Bytes::copy_from_slice(&block)).unwrap();
            prop_assert_eq!(ours.data, theirs.data.as_deref());
            let cids: Vec<Cid> = ours.links.iter().map(|link| link.cid).collect();
            prop_assert_eq!(cids, theirs.links.iter().map(|link| link.cid).collect::<Vec<_>>());
        }
    }
}

fn node() -> impl Strategy<Value = PbNode> {
    let link = (any::<[u8; 32]>(), any::<bool>(), option::of("[a-zü]{0,9}"), option::of(any::<u64>()));
    let link = link.prop_map(|(digest, raw, name, size)| PbLink {
        cid: if raw { raw_cid(digest) } else { dag_pb_cid(digest) },
        name,
        size,
    });
    (vec(link, 0..9), option::of(vec(any::<u8>(), 0..60)))
        .prop_map(|(links, data)| PbNode { links, data: data.map(Bytes::from) })
}

#[tokio::test]
async fn the_oracle_reads_our_car_files() {
    let (_folder, store) = store();
    let file = store.put_bytes(&bytes(1, 2 * MIB + 9)).unwrap();
    let root = store.put_directory([("a", file.into()), ("the same again", file.into())]).unwrap().cid;
    let mut car = Vec::new();
    std::io::Read::read_to_end(&mut store.car(&root), &mut car).unwrap();
    let mut reader = iroh_car::CarReader::new(&car[..]).await.unwrap();
    assert_eq!(reader.header().roots(), [root]);
    let mut cids = Vec::new();
    while let Some((cid, block)) = reader.next_block().await.unwrap() {
        assert!(store.block(&cid).unwrap().unwrap() == block);
        cids.push(cid);
    }
    let leaves = bytes(1, 2 * MIB + 9).chunks(MIB).map(|leaf| raw_cid(sha256(leaf))).collect::<Vec<_>>();
    assert_eq!(cids, [&[root, file.cid][..], &leaves].concat(), "depth first, each block once");
}

#[tokio::test]
async fn we_read_the_oracles_car_files() {
    let content = bytes(2, 3000);
    let blocks = oracle_blocks(&content, 256, 3, false, 0);
    let root = blocks.last().unwrap().0;
    let mut writer = iroh_car::CarWriter::new(iroh_car::CarHeader::new_v1(vec![root]), Vec::new());
    for (cid, block) in &blocks {
        writer.write(*cid, block).await.unwrap();
    }
    let car = writer.finish().await.unwrap();
    let (_folder, store) = store();
    let import = store.import_car(&car[..], Visibility::Private).unwrap();
    assert_eq!(
        (import.roots, import.blocks, import.new_blocks),
        (vec![root], blocks.len() as u64, blocks.len() as u64)
    );
    assert!(read_all(&store, &root) == content);
    assert!(!store.is_public(&root).unwrap());
    let again = store.import_car(&car[..], Visibility::Public).unwrap();
    assert_eq!(again.new_blocks, 0);
    assert!(blocks.iter().all(|(cid, _)| store.is_public(cid).unwrap()));
}
