//! Hashing what is on the disk, with several threads: the same CIDs as from a stream, in order, and errors by name.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use common::{MIB, bytes};
use pinreel_content::{Error, FolderWalk, Link, Progress, hash_bytes, hash_directory, hash_file, hash_path};

const WALK: FolderWalk = FolderWalk { threads: 3, hidden: false };

fn walk(path: &Path, walk: FolderWalk) -> pinreel_content::Result<Vec<(PathBuf, Link)>> {
    let mut seen = Vec::new();
    let link = hash_path(path, walk, &|_| {}, |path, link| seen.push((path.to_owned(), link)))?;
    assert_eq!(seen.last(), Some(&(path.to_owned(), link)), "the root comes last");
    Ok(seen)
}

#[test]
fn any_number_of_threads_gives_the_stream_s_cid() {
    let folder = tempfile::tempdir().unwrap();
    // Around the edges of leaves, of what a thread takes at once, and of a tree's first level.
    for size in [0, 1, MIB - 1, MIB, MIB + 1, 8 * MIB, 8 * MIB + 1, 17 * MIB - 5, 1025 * MIB / 8] {
        let (path, content) = (folder.path().join(size.to_string()), bytes(size as u64, size));
        fs::write(&path, &content).unwrap();
        for threads in [0, 1, 2, 7] {
            let hashed = AtomicU64::new(0);
            let on_progress = |progress| match progress {
                Progress::Hashed(bytes) => drop(hashed.fetch_add(bytes, Ordering::Relaxed)),
                Progress::Found(_) => {}
            };
            assert_eq!(hash_file(&path, threads, &on_progress).unwrap(), hash_bytes(&content), "{size}, {threads}");
            assert_eq!(hashed.load(Ordering::Relaxed), size as u64);
        }
    }
}

#[test]
fn a_folder_is_walked_in_order_and_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("b/empty")).unwrap();
    let files = [("a", 3 * MIB), ("b/long", 9 * MIB + 1), ("b/short", 5), ("c", 0)];
    for (name, size) in files {
        fs::write(root.join(name), bytes(7, size)).unwrap();
    }
    symlink("a", root.join("d")).unwrap();
    let seen = walk(&root, WALK).unwrap();
    let names: Vec<&str> = seen.iter().map(|(path, _)| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["a", "b/empty", "b/long", "b/short", "b", "c", "d", ""]);
    let file = |size| Link::from(hash_bytes(&bytes(7, size)));
    let empty = hash_directory([]).unwrap();
    assert_eq!(seen[1].1, empty);
    let b = hash_directory([("empty", empty), ("long", file(9 * MIB + 1)), ("short", file(5))]).unwrap();
    assert_eq!(seen[4].1, b);
    let link = seen[6].1;
    let whole = hash_directory([("a", file(3 * MIB)), ("b", b), ("c", file(0)), ("d", link)]).unwrap();
    assert_eq!(seen[7].1, whole);
}

#[test]
fn hidden_entries_are_taken_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shown"), b"1").unwrap();
    fs::write(folder.path().join(".hidden"), b"2").unwrap();
    assert_eq!(walk(folder.path(), WALK).unwrap().len(), 2);
    assert_eq!(walk(folder.path(), FolderWalk { hidden: true, ..WALK }).unwrap().len(), 3);
    let hidden = folder.path().join(".hidden");
    assert_eq!(walk(&hidden, WALK).unwrap().len(), 1, "what is named is taken");
}

#[test]
fn what_cannot_be_hashed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    assert!(matches!(walk(&absent, WALK), Err(Error::Io { path, .. }) if path == absent));
    let socket = folder.path().join("socket");
    let _listening = UnixListener::bind(&socket).unwrap();
    assert!(matches!(walk(folder.path(), WALK), Err(Error::SpecialFile(path)) if path == socket));
    fs::remove_file(&socket).unwrap();
    let strange = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(&strange, b"").unwrap();
    let error = walk(folder.path(), WALK).unwrap_err();
    assert!(matches!(&error, Error::NameNotUtf8(path) if *path == strange), "{error:?}");
    assert!(error.to_string().contains("/\\xff has a name that is not UTF-8"), "{error}");
}

#[test]
fn a_file_that_changes_meanwhile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes(1, 40 * MIB)).unwrap();
    let shorten = |_| fs::File::options().write(true).open(&path).unwrap().set_len(20 * MIB as u64).unwrap();
    assert!(matches!(hash_file(&path, 2, &shorten), Err(Error::Changed(changed)) if changed == path));
    let write = |_| fs::write(&path, bytes(2, 20 * MIB)).unwrap();
    assert!(matches!(hash_file(&path, 2, &write), Err(Error::Changed(_))));
}

/// More files than steps or pieces may wait, and an error among them: nothing hangs.
#[test]
fn many_files_and_an_error_in_their_midst() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3000 {
        fs::write(folder.path().join(format!("{number:04}")), number.to_string()).unwrap();
    }
    let seen = walk(folder.path(), WALK).unwrap();
    assert_eq!(seen.len(), 3001);
    assert!(seen[..3000].is_sorted_by_key(|(path, _)| path.clone()));
    assert_eq!(seen[1234].1, hash_bytes(b"1234").into());
    fs::remove_file(folder.path().join("1500")).unwrap();
    let _listening = UnixListener::bind(folder.path().join("1500")).unwrap();
    assert!(matches!(walk(folder.path(), WALK), Err(Error::SpecialFile(_))));
}

/// Files of the kernel's own say that they are empty, and aren't.
#[test]
fn a_file_that_does_not_say_how_long_it_is_is_no_empty_file() {
    let error = hash_file(Path::new("/proc/version"), 1, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("as a stream"), "{error}");
}
