//! A damaged index: an error that names the way out, and a new index from the files and what is left of the old one.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, os::unix::fs::FileExt, path::Path};

use common::{MIB, blob_path, bytes, read_all, store};
use pinreel_content::{Cid, Error, Pin, Rebuilt, Store, raw_cid, sha256};
use tempfile::TempDir;

struct Content {
    folder: TempDir,
    root: Cid,
    large: Cid,
    small: Cid,
    block: Cid,
    erased: Cid,
}

fn pin(cid: Cid) -> Pin {
    Pin { cid, owner: "operator".to_owned(), reason: "kept".to_owned(), since_ms: 7, until_ms: None }
}

fn large() -> Vec<u8> {
    bytes(1, 3 * MIB + 5)
}

/// A published folder of two files, a block by itself that is pinned, and something erased.
fn content() -> Content {
    let (folder, store) = store();
    let (large, small) = (store.put_bytes(&large()).unwrap(), store.put_bytes(b"small").unwrap());
    let root = store.put_directory([("large", large.into()), ("small", small.into())]).unwrap().cid;
    store.publish(&root).unwrap();
    store.pin(&pin(root)).unwrap();
    let block = raw_cid(sha256(b"a block"));
    store.put_block(&block, b"a block").unwrap();
    store.pin(&pin(block)).unwrap();
    let erased = store.put_bytes(b"erased").unwrap().cid;
    store.erase(&erased, 3).unwrap();
    Content { folder, root, large: large.cid, small: small.cid, block, erased }
}

fn rebuild(folder: &TempDir) -> Rebuilt {
    Store::rebuild(folder.path(), &|_| {}).unwrap()
}

fn index(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("index.redb")
}

fn assert_files(content: &Content, store: &Store) {
    assert!(read_all(store, &content.large) == large());
    assert_eq!(read_all(store, &content.small), b"small");
    assert_eq!(store.stats().unwrap().blobs, 2);
}

#[test]
fn a_healthy_index_is_made_again_as_it_was() {
    let content = content();
    let before = Store::open(content.folder.path()).unwrap().stats().unwrap();
    let rebuilt = rebuild(&content.folder);
    assert!(rebuilt.whole && rebuilt.old_index.is_none(), "{rebuilt:?}");
    assert_eq!((rebuilt.files, rebuilt.blocks, rebuilt.pins, rebuilt.damaged), (2, 2, 2, 0));
    assert_eq!(rebuilt.file_bytes, large().len() as u64 + 5);
    let store = Store::open(content.folder.path()).unwrap();
    assert_files(&content, &store);
    let after = store.stats().unwrap();
    assert_eq!((after.nodes, after.leaves, after.pins), (before.nodes, before.leaves, before.pins));
    assert!(store.is_public(&content.large).unwrap() && !store.is_public(&content.block).unwrap());
    assert_eq!(store.pins().unwrap().len(), 2);
    assert!(matches!(store.put_bytes(b"erased"), Err(Error::Erased(cid)) if cid == content.erased));
    // What it made is collected as before: nothing outlives its root.
    store.unpin(&content.block, "operator").unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_nodes, 1);
}

#[test]
fn a_garbage_index_is_told_and_made_anew() {
    for garbage in [bytes(9, 100), bytes(9, MIB), vec![0; 4096]] {
        let content = content();
        fs::write(index(&content.folder), &garbage).unwrap();
        let error = Store::open(content.folder.path()).err().expect("garbage is no index");
        assert!(matches!(error, Error::IndexDamaged(_)), "{error:?}");
        assert!(error.to_string().contains("pinreel store rebuild"), "{error}");
        let rebuilt = rebuild(&content.folder);
        assert!(!rebuilt.whole, "{rebuilt:?}");
        assert_eq!((rebuilt.files, rebuilt.blocks, rebuilt.pins), (2, 0, 0));
        assert!(fs::read(rebuilt.old_index.unwrap()).unwrap() == garbage, "the old index is kept");
        let store = Store::open(content.folder.path()).unwrap();
        assert_files(&content, &store);
        assert!(!store.holds(&content.root).unwrap() && !store.is_public(&content.large).unwrap());
    }
}

#[test]
fn a_lost_index_is_told_and_made_anew() {
    let with_its_note = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::remove_file(path.with_file_name("index.made")).unwrap();
    };
    let losses: [fn(&Path); 3] =
        [|path| fs::write(path, "").unwrap(), |path| fs::remove_file(path).unwrap(), with_its_note];
    for lose in losses {
        let content = content();
        lose(&index(&content.folder));
        let error = Store::open(content.folder.path()).err().expect("an index that is gone is damage");
        assert!(matches!(error, Error::IndexDamaged(_)), "{error:?}");
        let rebuilt = rebuild(&content.folder);
        assert!(!rebuilt.whole && rebuilt.files == 2, "{rebuilt:?}");
        let store = Store::open(content.folder.path()).unwrap();
        assert_files(&content, &store);
        assert!(matches!(store.put_bytes(b"erased"), Err(Error::Erased(cid)) if cid == content.erased));
        assert!(matches!(store.collect(1, 0), Err(Error::PinsLost)), "nobody knows what is pinned");
        store.pins_are_complete().unwrap();
        assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 2);
    }
}

/// Overwrites a stretch of the index and says what came of it.
fn tear(folder: &TempDir, at: u64, length: usize) -> Option<Rebuilt> {
    let file = fs::File::options().write(true).open(index(folder)).unwrap();
    file.write_all_at(&bytes(at, length), at).unwrap();
    drop(file);
    let usable = Store::open(folder.path()).and_then(|store| store.scrub_nodes());
    match usable {
        Ok(_) => None,
        Err(error) => {
            assert!(matches!(error, Error::IndexDamaged(_)), "at {at}: {error:?}");
            Some(rebuild(folder))
        }
    }
}

/// Wherever a page of the index is torn, either nobody notices or the error says what to do, and a rebuild brings back
/// every file.
#[test]
fn an_index_torn_anywhere_is_mended_by_a_rebuild() {
    let pages = fs::metadata(index(&content().folder)).unwrap().len() / 4096;
    let (mut told, mut pins) = (0, 0);
    for page in 0..pages.min(48) {
        let content = content();
        let Some(rebuilt) = tear(&content.folder, page * 4096, 4096) else { continue };
        told += 1;
        pins += rebuilt.pins;
        assert_eq!(rebuilt.files, 2, "page {page}");
        assert_files(&content, &Store::open(content.folder.path()).unwrap());
    }
    assert!(told > 0, "no page was missed");
    assert!(pins > 0, "something was salvaged from at least one torn index");
}

#[test]
fn an_index_that_was_cut_short_is_mended_by_a_rebuild() {
    for keep in [1, 512, 4096, 5000, 3 * 4096] {
        let content = content();
        fs::File::options().write(true).open(index(&content.folder)).unwrap().set_len(keep).unwrap();
        let error = Store::open(content.folder.path()).err().expect("a cut index is none");
        assert!(matches!(error, Error::IndexDamaged(_)), "{keep}: {error:?}");
        assert_eq!(rebuild(&content.folder).files, 2);
        assert_files(&content, &Store::open(content.folder.path()).unwrap());
    }
}

#[test]
fn a_damaged_file_is_kept_for_its_good_leaves() {
    let content = content();
    let path = blob_path(&content.folder, &content.large);
    fs::File::options().write(true).open(&path).unwrap().write_all_at(b"?", MIB as u64 + 7).unwrap();
    let single = blob_path(&content.folder, &content.small);
    fs::write(&single, b"smell").unwrap();
    let rebuilt = rebuild(&content.folder);
    assert_eq!((rebuilt.files, rebuilt.damaged), (1, 1));
    assert_eq!(rebuilt.set_aside, [content.small.to_string()]);
    let store = Store::open(content.folder.path()).unwrap();
    let leaf = raw_cid(sha256(&large()[MIB..2 * MIB]));
    assert_eq!(store.damage().unwrap()[0].leaf, leaf);
    assert!(matches!(store.block(&leaf), Err(Error::Damaged(_))));
    assert_eq!(store.missing().unwrap(), [content.small]);
    assert!(store.mend(&leaf, &large()[MIB..2 * MIB]).unwrap());
    assert!(read_all(&store, &content.large) == large());
}

#[test]
fn a_rebuild_needs_the_store_for_itself_and_forgets_a_cut_off_one() {
    let content = content();
    let open = Store::open(content.folder.path()).unwrap();
    let refused = Store::rebuild(content.folder.path(), &|_| {});
    assert!(matches!(refused, Err(Error::FolderInUse(_))), "{refused:?}");
    drop(open);
    let new: &Path = &content.folder.path().join("index.new.redb");
    fs::write(new, b"half").unwrap();
    assert_files(&content, &Store::open(content.folder.path()).unwrap());
    assert!(rebuild(&content.folder).whole);
    assert!(!new.exists());
    assert_files(&content, &Store::open(content.folder.path()).unwrap());
}

#[test]
fn what_was_erased_stays_out_though_nothing_of_the_index_is_left() {
    let content = content();
    fs::write(index(&content.folder), b"garbage").unwrap();
    assert!(!rebuild(&content.folder).whole);
    let store = Store::open(content.folder.path()).unwrap();
    assert!(store.is_erased(&content.erased).unwrap());
    assert!(matches!(store.put_bytes(b"erased"), Err(Error::Erased(_))));
}

/// A line that a crash has cut short is none, and spoils no other.
#[test]
fn erasures_from_before_there_was_a_list_are_written_down() {
    let content = content();
    let list = content.folder.path().join("erased");
    fs::remove_file(&list).unwrap();
    drop(Store::open(content.folder.path()).unwrap());
    let written = fs::read_to_string(&list).unwrap();
    fs::write(&list, format!("bafkrei{written}")).unwrap();
    fs::write(index(&content.folder), b"garbage").unwrap();
    rebuild(&content.folder);
    assert!(Store::open(content.folder.path()).unwrap().is_erased(&content.erased).unwrap());
}

#[test]
fn nothing_is_collected_while_pins_may_be_lost() {
    let content = content();
    assert!(rebuild(&content.folder).whole);
    Store::open(content.folder.path()).unwrap().collect(1, u64::MAX).unwrap();
    fs::write(index(&content.folder), b"garbage").unwrap();
    rebuild(&content.folder);
    let store = Store::open(content.folder.path()).unwrap();
    assert!(matches!(store.collect(1, 0), Err(Error::PinsLost)));
    assert_files(&content, &store);
    store.pin(&pin(content.large)).unwrap();
    store.pins_are_complete().unwrap();
    assert_eq!(store.collect(1, 0).unwrap().removed_blobs, 1);
    assert!(read_all(&store, &content.large) == large());
}

#[test]
fn a_rebuild_removes_what_was_erased() {
    let content = content();
    let path = blob_path(&content.folder, &content.erased);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"erased").unwrap();
    rebuild(&content.folder);
    assert!(!path.exists());
}

#[test]
fn a_file_that_went_missing_while_the_store_is_open_is_damage_and_can_be_mended() {
    let content = content();
    let store = Store::open(content.folder.path()).unwrap();
    let path = blob_path(&content.folder, &content.large);
    let cut = fs::File::options().write(true).open(&path).unwrap();
    cut.set_len(MIB as u64 + 1).unwrap();
    assert_eq!(store.scrub(&content.large, |_| {}).unwrap().damaged, 3);
    fs::remove_file(&path).unwrap();
    assert_eq!(store.scrub(&content.large, |_| {}).unwrap().damaged, 4);
    for leaf in large().chunks(MIB) {
        assert!(store.mend(&raw_cid(sha256(leaf)), leaf).unwrap());
    }
    drop(store);
    assert_files(&content, &Store::open(content.folder.path()).unwrap());
}

const FOREIGN: u64 = 1200;

/// A store of many foreign blocks of all sizes, pinned and public, which only the index holds.
fn foreign() -> (TempDir, Vec<Cid>) {
    let (folder, store) = store();
    let mut blocks = Vec::new();
    for seed in 0..FOREIGN {
        let size = match seed {
            0..3 => [70_000, MIB, 2 * MIB][seed as usize],
            _ => [8, 100, 3000, 5000][seed as usize % 4],
        };
        let block = bytes(seed, size);
        let cid = raw_cid(sha256(&block));
        store.put_block(&cid, &block).unwrap();
        if seed % 4 == 0 {
            store.pin(&pin(cid)).unwrap();
            store.publish(&cid).unwrap();
        }
        blocks.push(cid);
    }
    (folder, blocks)
}

/// Wherever a stretch of the index is overwritten, whatever block doesn't lie there comes back, and nothing else.
#[test]
fn blocks_and_pins_on_both_sides_of_damage_come_back() {
    let mut in_pages = 0;
    for spots in [&[50][..], &[5, 90], &[20, 40, 60, 80], &[10, 30, 50, 70, 90, 95]] {
        let (folder, blocks) = foreign();
        // Percentages of the pages that hold anything.
        let old = fs::read(index(&folder)).unwrap();
        let used: Vec<_> = (1..old.len() / 4096).filter(|page| matches!(old[page * 4096], 1 | 2)).collect();
        let file = fs::File::options().write(true).open(index(&folder)).unwrap();
        for spot in spots {
            let page = used[used.len() * spot / 100];
            file.write_all_at(&bytes(page as u64, 65_536), page as u64 * 4096).unwrap();
        }
        let rebuilt = rebuild(&folder);
        assert!(!rebuilt.whole && rebuilt.old_index.is_some(), "{spots:?}: {rebuilt:?}");
        in_pages += rebuilt.in_pages.blocks + rebuilt.in_pages.pins;
        let store = Store::open(folder.path()).unwrap();
        let held = blocks.iter().filter(|cid| store.holds(cid).unwrap()).count();
        // A spot of 64 KiB meets at most 16 pages of about two small blocks each, or one large block.
        assert!(held + 40 * spots.len() >= blocks.len(), "{spots:?}: {held} of {} blocks", blocks.len());
        assert_eq!(store.stats().unwrap().nodes, held as u64);
        assert_eq!(rebuilt.blocks, held as u64, "none is counted twice");
        assert!(store.scrub_nodes().unwrap().dropped == 0);
        let pins = store.pins().unwrap();
        assert_eq!(pins.len() as u64, rebuilt.pins);
        assert!(pins.iter().all(|pin| blocks.contains(&pin.cid) && pin.owner == "operator" && pin.since_ms == 7));
        assert!(pins.len() >= 150, "{spots:?}: {} of 300 pins", pins.len());
        for root in store.public_roots().unwrap() {
            assert!(blocks.contains(&root) && (!store.holds(&root).unwrap() || store.is_public(&root).unwrap()));
        }
    }
    assert!(in_pages > 0, "the trees alone gave all");
}

/// Without its header the index is nothing but pages.
#[test]
fn an_index_without_a_header_gives_all_blocks() {
    let (folder, blocks) = foreign();
    let file = fs::File::options().write(true).open(index(&folder)).unwrap();
    file.write_all_at(&[0; 4096], 0).unwrap();
    let rebuilt = rebuild(&folder);
    assert!(!rebuilt.whole, "{rebuilt:?}");
    assert_eq!((rebuilt.in_pages.blocks, rebuilt.blocks), (FOREIGN, FOREIGN), "{rebuilt:?}");
    assert_eq!((rebuilt.in_pages.pins, rebuilt.in_pages.public_roots), (300, 300), "{rebuilt:?}");
    let store = Store::open(folder.path()).unwrap();
    assert!(blocks.iter().enumerate().all(|(seed, cid)| store.is_public(cid).unwrap() == (seed % 4 == 0)));
}

/// What a block holds is its bytes, whatever they look like.
#[test]
fn a_block_that_looks_like_a_page_of_pins_makes_no_pin() {
    let (folder, store) = store();
    let victim = raw_cid(sha256(b"private"));
    store.put_block(&victim, b"private").unwrap();
    let key = [&sha256(b"private")[..], b"operator"].concat();
    let cid = victim.to_bytes();
    // The row as redb writes it: the lengths of the CID and of the reason, both, and the times.
    let row = [&[cid.len() as u8, 0][..], &cid, &[0; 16]].concat();
    let (key_end, value_end) = (12 + key.len() as u32, (12 + key.len() + row.len()) as u32);
    let page = [&[1, 0, 1, 0][..], &key_end.to_le_bytes(), &value_end.to_le_bytes(), &key, &row].concat();
    let mut block = vec![0; MIB];
    // It begins at byte 41 of its page when it is alone there, and else behind the other, or before it.
    for (at, begin) in (1..200).zip([41, 77, 85].into_iter().cycle()) {
        let at = at * 4096 - begin;
        block[at..at + page.len()].copy_from_slice(&page);
    }
    store.put_block(&raw_cid(sha256(&block)), &block).unwrap();
    drop(store);
    fs::File::options().write(true).open(index(&folder)).unwrap().write_all_at(&[0; 4096], 0).unwrap();
    let rebuilt = rebuild(&folder);
    assert_eq!((rebuilt.in_pages.blocks, rebuilt.pins), (2, 0), "{rebuilt:?}");
}
