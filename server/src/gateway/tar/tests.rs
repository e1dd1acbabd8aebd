//! Archives by what is in them, read back by another program's code.

use std::collections::BTreeMap;
use std::io::Read;

use pinreel_content::{Cid, Error, Gate, Link, Store, dag_pb_cid, dagpb, sha256};
use tempfile::TempDir;

use super::archive::Archive;
use crate::gateway::pieces::Pieces;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn archive(store: &Store, root: &Cid) -> Result<Vec<u8>, Error> {
    let mut source = Archive::new(store, &Gate::default(), root);
    let mut bytes = Vec::new();
    while let Some(piece) = source.next_piece()? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// What an archive has until it breaks off, and with what it does.
fn broken(store: &Store, gate: &Gate, root: &Cid) -> (Vec<u8>, Option<Error>) {
    let mut source = Archive::new(store, gate, root);
    let mut bytes = Vec::new();
    loop {
        match source.next_piece() {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(error)),
        }
    }
}

/// Path → kind and content.
fn unpack(bytes: &[u8]) -> BTreeMap<String, (char, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let (kind, content) = match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                ('f', content)
            }
            tar::EntryType::Directory => ('d', Vec::new()),
            tar::EntryType::Symlink => ('l', entry.link_name_bytes().unwrap().into_owned()),
            other => panic!("{other:?}"),
        };
        assert!(found.insert(path, (kind, content)).is_none(), "an entry comes once");
    }
    found
}

/// A dag-pb node that no import would make.
fn node(store: &Store, links: &[(&str, Cid)], data: &[u8]) -> Link {
    let mut block = Vec::new();
    links.iter().for_each(|(name, cid)| dagpb::push_link(&mut block, cid, name, 1));
    dagpb::push_data(&mut block, data);
    let cid = dag_pb_cid(sha256(&block));
    store.put_block(&cid, &block).unwrap();
    Link { cid, tsize: block.len() as u64 }
}

const FOLDER: &[u8] = &[0x08, 0x01];

fn symlink(store: &Store, target: &str) -> Link {
    node(store, &[], &[&[0x08, 0x04, 0x12, target.len() as u8], target.as_bytes()].concat())
}

#[test]
fn a_folder_comes_back_whole() {
    let (_folder, store) = store();
    let big: Vec<u8> = (0..3_000_001u32).map(|i| (i % 251) as u8).collect();
    let big_file = store.put_bytes(&big).unwrap();
    let (empty, hello) = (store.put_bytes(b"").unwrap(), store.put_bytes(b"hello\n").unwrap());
    let link = symlink(&store, "hello.txt");
    let long = "n".repeat(300);
    let inner = store.put_directory([("empty", empty.into()), ("ą.txt", hello.into()), (&long, hello.into())]).unwrap();
    let entries = [("big", big_file.into()), ("hello.txt", hello.into()), ("inner", inner), ("link", link)];
    let root = store.put_directory(entries).unwrap().cid;
    let bytes = archive(&store, &root).unwrap();
    assert!(bytes.len().is_multiple_of(512));
    let found = unpack(&bytes);
    let expected = BTreeMap::from([
        (format!("{root}/"), ('d', vec![])),
        (format!("{root}/big"), ('f', big)),
        (format!("{root}/hello.txt"), ('f', b"hello\n".to_vec())),
        (format!("{root}/inner/"), ('d', vec![])),
        (format!("{root}/inner/empty"), ('f', vec![])),
        (format!("{root}/inner/ą.txt"), ('f', b"hello\n".to_vec())),
        (format!("{root}/inner/{long}"), ('f', b"hello\n".to_vec())),
        (format!("{root}/link"), ('l', b"hello.txt".to_vec())),
    ]);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected);
}

#[test]
fn a_file_is_named_by_its_cid() {
    let (_folder, store) = store();
    let file = store.put_bytes(b"alone").unwrap().cid;
    assert_eq!(
        unpack(&archive(&store, &file).unwrap()),
        BTreeMap::from([(file.to_string(), ('f', b"alone".to_vec()))])
    );
}

/// Each with the beginning of what goes wrong.
#[test]
fn hostile_folders_break_off() {
    let (_folder, store) = store();
    let file = store.put_bytes(b"x").unwrap().cid;
    let away = symlink(&store, "/etc").cid;
    let inner = node(&store, &[("passwd", file)], FOLDER).cid;
    let lying = node(&store, &[("", file)], &[0x08, 0x02, 0x18, 9, 0x20, 9]).cid;
    let data = Cid::new_v1(0x71, *file.hash());
    let cases = [
        ("no name", node(&store, &[("", file)], FOLDER)),
        ("through a link of its own", node(&store, &[("a", away), ("a", inner)], FOLDER)),
        ("through a link where case doesn't count", node(&store, &[("a", away), ("A", inner)], FOLDER)),
        (
            "through a link where accents are written otherwise",
            node(&store, &[("\u{e9}", away), ("E\u{301}", inner)], FOLDER),
        ),
        ("through a link, by dots", node(&store, &[("a", away), ("b/../a/passwd", file)], FOLDER)),
        ("a size that isn't true", node(&store, &[("a", lying)], FOLDER)),
        ("something that is no file", node(&store, &[("a", data)], FOLDER)),
        ("what isn't held", node(&store, &[("a", dag_pb_cid(sha256(b"?")))], FOLDER)),
    ];
    for (what, root) in cases {
        let (bytes, error) = broken(&store, &Gate::default(), &root.cid);
        assert!(error.is_some(), "{what}");
        let mut read = tar::Archive::new(&bytes[..]);
        assert!(read.entries().unwrap().any(|entry| entry.is_err()), "a program that unpacks it sees so: {what}");
    }
    let fine = node(&store, &[("a", node(&store, &[("../b", file), ("/etc/c", file)], FOLDER).cid)], FOLDER).cid;
    let found = unpack(&archive(&store, &fine).unwrap());
    let names: Vec<String> = ["", "a/", "a/etc/c", "b"].iter().map(|name| format!("{fine}/{name}")).collect();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), names);
}

/// Such an archive will never be whole, however often it is asked for: it says why, where it stops being one.
#[test]
fn names_that_lead_out_end_the_archive_with_a_sentence() {
    let (_folder, store) = store();
    let file = store.put_bytes(b"x").unwrap().cid;
    let below = node(&store, &[("../../foo", file)], FOLDER).cid;
    for (links, before) in [(&[("../foo", file)], 1), (&[("a", below)], 2), (&[("..", file)], 1)] {
        let root = node(&store, links, FOLDER).cid;
        let bytes = archive(&store, &root).unwrap();
        let last = std::str::from_utf8(&bytes[bytes.len() - 512..]).unwrap();
        assert!(last.trim_end_matches('\0').ends_with("are not allowed, use CAR instead"), "{last}");
        let mut read = tar::Archive::new(&bytes[..]);
        let entries: Vec<bool> = read.entries().unwrap().map(|entry| entry.is_ok()).collect();
        assert_eq!(entries.iter().filter(|is_ok| **is_ok).count(), before);
        assert_eq!(entries.last(), Some(&false), "a reader sees that it isn't whole");
    }
}

/// A hundred folders in each other, each naming the next one many times, would be endless.
#[test]
fn a_folder_that_unfolds_for_ever_ends() {
    let (_folder, store) = store();
    let mut inner = store.put_bytes(b"").unwrap().cid;
    for _ in 0..100 {
        inner = node(&store, &[("a", inner), ("b", inner)], FOLDER).cid;
    }
    assert!(matches!(archive(&store, &inner), Err(Error::DagTooLarge(root)) if root == inner));
}

#[test]
fn what_isn_t_admitted_breaks_off() {
    let (_folder, store) = store();
    let secret = store.put_bytes(b"secret").unwrap();
    let root = store.put_directory([("a", secret.into())]).unwrap().cid;
    let gate = Gate::new(move |cid| Ok(*cid != secret.cid));
    let (_, error) = broken(&store, &gate, &root);
    assert!(matches!(error, Some(Error::BlockMissing(cid)) if cid == secret.cid), "{error:?}");
}
