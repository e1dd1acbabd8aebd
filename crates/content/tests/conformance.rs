//! CIDs that Kubo gave, from two files: a small one of our own, and the project's shared conformance data.

use std::{path::PathBuf, thread};

use pinreel_content::{Error, FileHasher, Link, Store, Stored, hash_bytes};
use serde::Deserialize;

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

/// Hashes `size` bytes of which byte i is i mod 251, without holding them.
fn hash_counting(size: u64) -> Stored {
    let pattern: Vec<u8> = (0..251 * 1024u64).map(|i| (i % 251) as u8).collect();
    let mut hasher = FileHasher::new();
    while hasher.size_bytes() < size {
        let piece = (size - hasher.size_bytes()).min(pattern.len() as u64);
        hasher.update(&pattern[..piece as usize]);
    }
    hasher.finish()
}

fn check_files(vectors: &[FileVector]) {
    thread::scope(|scope| {
        for vector in vectors {
            scope.spawn(move || {
                let stored = hash_counting(vector.bytes);
                assert_eq!(stored.cid.to_string(), vector.cid, "{} bytes", vector.bytes);
                assert_eq!(stored.size_bytes, vector.bytes);
            });
        }
    });
}

/// Stores a vector's entries, folder by folder.
fn put_tree(store: &Store, entries: &[(String, u64)]) -> Result<Link, Error> {
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

/// Every folder is right or, if it would need sharding, refused by name; returns how many were right.
fn check_directories(vectors: &[DirectoryVector]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut right = 0;
    for vector in vectors {
        let mut entries: Vec<_> = vector.entries.iter().map(|entry| (entry.path.clone(), entry.bytes)).collect();
        if let Some(series) = &vector.series {
            entries.extend((0..series.count).map(|index| (format!("seg-{index:05}.m4s"), index % 7)));
        }
        match put_tree(&store, &entries) {
            Ok(link) => {
                assert_eq!(link.cid.to_string(), vector.cid, "{}", vector.name);
                right += 1;
            }
            Err(Error::DirectoryTooLarge { entries }) => assert!(entries > 4500, "{} was refused", vector.name),
            Err(error) => panic!("{}: {error}", vector.name),
        }
    }
    right
}

#[test]
fn own_vectors() {
    let vectors: Vectors = serde_json::from_str(include_str!("../vectors/unixfs-v1-2025.json")).unwrap();
    check_files(&vectors.files);
    assert_eq!(check_directories(&vectors.directories), vectors.directories.len());
}

#[test]
fn shared_vectors() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cids.json");
    let shared = std::env::var_os("PINREEL_CONFORMANCE").map_or(path, |folder| PathBuf::from(folder).join("cids.json"));
    let Ok(text) = std::fs::read_to_string(&shared) else {
        eprintln!("SKIPPED: shared_vectors: there is no shared/conformance/cids.json beside the repository");
        return;
    };
    let vectors: Vectors = serde_json::from_str(&text).unwrap();
    check_files(&vectors.files);
    assert!(check_directories(&vectors.directories) >= 5);
}
