//! Blocks that link to each other, put into a store as a stranger's CAR file would, and walked in every way that a
//! visitor can ask for.

use std::cell::RefCell;

use cid::Cid;
use multihash::Multihash;
use pinreel_content::car::{self, BlockReader, EntityBytes};
use pinreel_content::{
    CarOptions, CarReader, DAG_PB, End, Gate, RAW, Scope, Store, Visibility, Walk, dagpb, raw_cid, sha256,
};
use tempfile::TempDir;

/// A store is used so often, then a fresh one: blocks of one input must not help another for long.
const USES: usize = 500;
/// The most that is read of one file, listed of one folder, or taken of one CAR file.
const MOST_BYTES: u64 = 16 * 1024;
const MOST_ENTRIES: usize = 2_000;
const MOST_PIECES: usize = 200;

/// Blocks, each of which may link to those before it.
#[derive(Default)]
pub struct Blocks(pub Vec<(Cid, Vec<u8>)>);

impl Blocks {
    pub fn push(&mut self, codec: u64, block: Vec<u8>) -> Cid {
        let cid = Cid::new_v1(codec, *raw_cid(sha256(&block)).hash());
        self.0.push((cid, block));
        cid
    }

    /// A dag-pb node.
    pub fn push_node(&mut self, links: &[(Cid, String, u64)], data: &[u8]) -> Cid {
        let mut block = Vec::new();
        for (cid, name, tsize) in links {
            dagpb::push_link(&mut block, cid, name, *tsize);
        }
        dagpb::push_data(&mut block, data);
        self.push(DAG_PB, block)
    }
}

/// A block that nobody has.
pub fn absent() -> Cid {
    raw_cid(sha256(b"nobody has this"))
}

/// A block that its own CID carries.
pub fn inline(bytes: &[u8]) -> Cid {
    let bytes = &bytes[..bytes.len().min(64)];
    Cid::new_v1(RAW, Multihash::wrap(0, bytes).expect("64 bytes at most"))
}

pub fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

thread_local! {
    static STORE: RefCell<Option<(TempDir, Store, usize)>> = const { RefCell::new(None) };
}

/// A store that holds these blocks.
pub fn store_of(blocks: &Blocks) -> Store {
    STORE.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|(_, _, uses)| *uses == USES) {
            *kept = None;
            let folder = tempfile::tempdir().expect("there is room for a store");
            let store = Store::open(folder.path()).expect("an empty folder becomes a store");
            *kept = Some((folder, store, 0));
        }
        let (_, store, uses) = kept.as_mut().expect("it was just made");
        *uses += 1;
        let roots: Vec<Cid> = blocks.0.iter().map(|(cid, _)| *cid).collect();
        let mut file = car::header(&roots);
        blocks.0.iter().for_each(|(cid, block)| file.extend(car::frame(cid, block)));
        let import = store.import_car(&file[..], Visibility::Public).expect("every hash is right");
        assert_eq!(import.blocks as usize, blocks.0.len());
        store.clone()
    })
}

/// Reads a file in pieces of this size; `None` if that can't be done.
pub fn read(store: &Store, cid: &Cid, piece_bytes: usize) -> Option<Vec<u8>> {
    let file = store.open_file(cid).ok().flatten()?;
    let (mut out, mut piece) = (Vec::new(), vec![0; piece_bytes]);
    while (out.len() as u64) < file.size_bytes().min(MOST_BYTES) {
        match file.read_at(&mut piece, out.len() as u64) {
            Ok(0) => panic!("{cid} ends at {} of {} bytes", out.len(), file.size_bytes()),
            Ok(length) => out.extend_from_slice(&piece[..length]),
            Err(_) => return None,
        }
    }
    out.truncate(MOST_BYTES as usize);
    for offset in [file.size_bytes(), file.size_bytes().saturating_add(1), u64::MAX] {
        assert_eq!(file.read_at(&mut piece, offset).ok(), Some(0), "there is nothing behind the end");
    }
    // The end of a file too large to be read whole.
    let _ = file.read_at(&mut piece, file.size_bytes().saturating_sub(10));
    Some(out)
}

/// Walks from a root in every way; `name` is looked for.
pub fn walk(store: &Store, root: &Cid, name: &str) {
    let _ = store.stat(root);
    let whole = read(store, root, 4096);
    assert_eq!(whole, read(store, root, 97), "how a file is cut doesn't change it");
    list(store, root);
    let walk = store.walk_path(root, &[name, name], &Gate::default());
    if let Ok(walk) = walk {
        assert!(walk.reached.len() <= 3);
        if let End::Found(cid) = walk.end {
            assert_eq!(walk.reached.last(), Some(&cid));
            assert!(store.holds(&cid).unwrap_or(false), "{cid}");
        }
    }
    let part: Option<EntityBytes> = "1:-2".parse().ok();
    for scope in [Scope::All, Scope::Block, Scope::Entity(None), Scope::Entity(part)] {
        let way = Walk { blocks: Vec::new(), reached: vec![*root], end: End::Found(*root) };
        export(store.car_of(&way, CarOptions { scope, ..CarOptions::default() }));
    }
}

/// Publishes a root, whatever is wrong with it. That writes to the disk, so only one input of four does it.
pub fn publish_some(store: &Store, root: &Cid, bytes: &[u8]) {
    if bytes.len().is_multiple_of(4) {
        let _ = store.publish(root);
    }
}

/// Whatever is listed is found by its name.
fn list(store: &Store, root: &Cid) {
    let Ok(Some(entries)) = store.entries(root) else { return };
    let entries: Result<Vec<_>, _> = entries.take(MOST_ENTRIES).collect();
    let Ok(entries) = entries else { return };
    for entry in &entries {
        let step = store.step(root, &entry.name);
        let step = step.unwrap_or_else(|error| panic!("{:?} is listed, but looking for it fails: {error}", entry.name));
        let step = step.unwrap_or_else(|| panic!("{:?} is listed, but isn't there", entry.name));
        let first = entries.iter().find(|other| other.name == entry.name).map(|first| first.cid);
        assert_eq!(Some(step.cid), first, "{:?}", entry.name);
    }
}

/// A CAR file that we give is one that we take, as far as it goes.
fn export(mut reader: CarReader) {
    let mut file = Vec::new();
    for _ in 0..MOST_PIECES {
        match reader.next_piece() {
            Ok(Some(piece)) => file.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => return,
        }
    }
    let mut blocks = BlockReader::new(&file[..]).expect("our header is one");
    while blocks.next_block().expect("our blocks have their hashes").is_some() {}
}
