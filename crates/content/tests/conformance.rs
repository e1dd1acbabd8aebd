//! CIDs that Kubo gave, from two files: a small one of our own, and the project's shared conformance data.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use pinreel_content::{FileHasher, Link, Store, Stored, hash_bytes, sha256};
use serde::Deserialize;

use common::MIB;

#[derive(Deserialize)]
struct Vectors {
    files: Vec<FileVector>,
    directories: Vec<DirectoryVector>,
}

#[derive(Deserialize)]
struct FileVector {
    bytes: u64,
    cid: String,
}

#[derive(Deserialize)]
struct DirectoryVector {
    name: String,
    #[serde(default)]
    entries: Vec<EntryVector>,
    series: Option<SeriesVector>,
    cid: String,
}

#[derive(Deserialize)]
struct EntryVector {
    path: String,
    bytes: u64,
}

/// `seg-%05d.m4s`, `count` of them, each of its index mod 7 bytes.
#[derive(Deserialize)]
struct SeriesVector {
    count: u64,
}

/// Hashes one stream and gives what a file of each size would be that ends there; sizes come in rising order.
fn hash_prefixes(sizes: &[u64], mut next_piece: impl FnMut(&mut [u8])) -> Vec<Stored> {
    let (mut hasher, mut piece) = (FileHasher::new(), vec![0; 251 * 4096]);
    let mut used = piece.len();
    let mut prefixes = Vec::new();
    for size in sizes {
        while hasher.size_bytes() < *size {
            if used == piece.len() {
                next_piece(&mut piece);
                used = 0;
            }
            let end = piece.len().min(used + (size - hasher.size_bytes()) as usize);
            hasher.update(&piece[used..end]);
            used = end;
        }
        prefixes.push(hasher.clone().finish());
    }
    prefixes
}

/// Byte i of every file is i mod 251, so all are prefixes of one stream.
fn check_files(vectors: &[FileVector]) {
    let sizes: Vec<u64> = vectors.iter().map(|vector| vector.bytes).collect();
    assert!(sizes.is_sorted());
    let pattern: Vec<u8> = (0..251).collect();
    let found = hash_prefixes(&sizes, |piece| piece.chunks_mut(251).for_each(|chunk| chunk.copy_from_slice(&pattern)));
    for (vector, stored) in vectors.iter().zip(found) {
        assert_eq!(stored.cid.to_string(), vector.cid, "{} bytes", vector.bytes);
        assert_eq!(stored.size_bytes, vector.bytes);
    }
}

/// Stores a vector's entries, folder by folder.
fn put_tree(store: &Store, entries: &[(String, u64)]) -> pinreel_content::Result<Link> {
    let mut here: Vec<(String, Link)> = Vec::new();
    let mut folders: Vec<(String, Vec<(String, u64)>)> = Vec::new();
    for (path, bytes) in entries {
        match path.split_once('/') {
            None => {
                let content: Vec<u8> = (0..*bytes).map(|i| (i % 251) as u8).collect();
                here.push((path.clone(), hash_bytes(&content).into()));
            }
            Some((folder, rest)) => match folders.iter_mut().find(|(name, _)| name == folder) {
                Some((_, inner)) => inner.push((rest.to_owned(), *bytes)),
                None => folders.push((folder.to_owned(), vec![(rest.to_owned(), *bytes)])),
            },
        }
    }
    for (name, inner) in folders {
        here.push((name, put_tree(store, &inner)?));
    }
    store.put_directory(here.iter().map(|(name, link)| (name.as_str(), *link)))
}

fn check_directories(vectors: &[DirectoryVector]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for vector in vectors {
        let mut entries: Vec<_> = vector.entries.iter().map(|entry| (entry.path.clone(), entry.bytes)).collect();
        if let Some(series) = &vector.series {
            entries.extend((0..series.count).map(|index| (format!("seg-{index:05}.m4s"), index % 7)));
        }
        let link = put_tree(&store, &entries).unwrap();
        assert_eq!(link.cid.to_string(), vector.cid, "{}", vector.name);
        let tops: BTreeSet<&str> = entries.iter().filter_map(|(path, _)| path.split('/').next()).collect();
        let listed = store.list(&link.cid).unwrap().unwrap();
        assert_eq!(listed.iter().map(|entry| entry.name.as_str()).collect::<BTreeSet<_>>(), tops, "{}", vector.name);
    }
}

#[test]
fn own_vectors() {
    let vectors: Vectors = serde_json::from_str(include_str!("../vectors/unixfs-v1-2025.json")).unwrap();
    check_files(&vectors.files);
    check_directories(&vectors.directories);
}

#[test]
fn shared_vectors() {
    let Some(path) = common::shared_conformance("cids.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vectors = serde_json::from_str(&text).unwrap();
    check_files(&vectors.files);
    check_directories(&vectors.directories);
}

/// The fixtures of IPIP-499: a ChaCha20 key stream, its key the hash of a seed.
#[test]
fn ipip_499_fixtures() {
    let leaf = 1 << 20;
    let vectors = [
        ("chunk-v1-seed", leaf, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        ("chunk-v1-seed", leaf + 1, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
        ("v1-2025-seed", 1024 * leaf, "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"),
        ("v1-2025-seed", 1024 * leaf + 1, "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"),
        ("v1-2025-seed", 1025 * leaf, "bafybeihmzokxxjqwxjcryerhp5ezpcog2wcawfryb2xm64xiakgm4a5jue"),
    ];
    for group in vectors.chunk_by(|a, b| a.0 == b.0) {
        let sizes: Vec<u64> = group.iter().map(|vector| vector.1).collect();
        let mut stream = key_stream(group[0].0);
        let found = hash_prefixes(&sizes, |piece| {
            piece.fill(0);
            stream.apply_keystream(piece);
        });
        for ((seed, size, cid), stored) in group.iter().zip(found) {
            assert_eq!(stored.cid.to_string(), *cid, "{seed}, {size} bytes");
        }
    }
}

/// IPIP-499's folder of exactly 256 KiB stays one block; with a name one byte longer it is sharded.
#[test]
fn ipip_499_directory_threshold() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let content = hash_bytes(b"x").into();
    for (last_name_bytes, cid) in [
        (21, "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4"),
        (22, "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu"),
    ] {
        let names = key_stream_names(4766, 11, last_name_bytes);
        let link = store.put_directory(names.iter().map(|name| (name.as_str(), content))).unwrap();
        assert_eq!(link.cid.to_string(), cid, "{last_name_bytes}");
    }
}

fn key_stream_names(count: usize, name_bytes: usize, last_name_bytes: usize) -> Vec<String> {
    let alphabet = b"abcdefghijklmnopqrstuvwxyz01234567890-_";
    let mut stream = vec![0; MIB];
    key_stream("hamt-unixfs-v1-2025").apply_keystream(&mut stream);
    let mut letters = stream.into_iter().map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]));
    let lengths = std::iter::repeat_n(name_bytes, count - 1).chain([last_name_bytes]);
    lengths.map(|length| letters.by_ref().take(length).collect()).collect()
}

fn key_stream(seed: &str) -> ChaCha20 {
    ChaCha20::new(&sha256(seed.as_bytes()).into(), &[0; 12].into())
}
