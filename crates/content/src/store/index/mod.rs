//! The index: which block is where, keyed by SHA-256 digest, in one redb file.
//!
//! | table | key | value |
//! |---|---|---|
//! | `nodes` | digest | a byte that says who put it, and the block |
//! | `blobs` | number | root's digest, size |
//! | `roots` | root's digest | number of the blob |
//! | `leaves` | leaf's digest + number of the blob | the leaf's number in it |
//! | `public` | digest | nothing: being there is the flag |
//! | `public_roots` | root's digest | its CID: what `public` follows from |
//! | `pins` | root's digest + owner | its CID, why, since and until when |
//! | `unreached` | digest | since when no pin leads to it |
//! | `erased` | digest | when: these bytes aren't taken again |
//! | `removing` | root's digest | size: a blob that has left the index, its file not yet the disk |
//! | `damaged` | blob's digest + leaf's number | nothing: these bytes aren't given out |
//!
//! The leaves of a blob are (blob, offset, length), computed: 40 bytes of index a MiB. A file of one leaf needs no
//! row in `leaves`: its root is its leaf. A leaf is public when its digest is, or when the root of any blob is that
//! holds it.

mod damage;
mod overlay;
mod pages;
mod reserve;
mod rows;
mod salvage;
mod snapshot;
mod tables;

use std::{
    fs::File,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, backends::FileBackend};

use crate::{
    Error, Result,
    address::{Digest, dag_pb_cid, raw_cid},
    import::LEAF_BYTES,
};

pub(super) use self::{
    damage::{damaged, guarded},
    salvage::{Salvage, Salvaged},
    snapshot::Snapshot,
    tables::Tables,
};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const NODES: TableDefinition<&Digest, &[u8]> = TableDefinition::new("nodes");
const BLOBS: TableDefinition<u32, (&Digest, u64)> = TableDefinition::new("blobs");
const ROOTS: TableDefinition<&Digest, u32> = TableDefinition::new("roots");
const LEAVES: TableDefinition<&[u8; 36], u32> = TableDefinition::new("leaves");
const PUBLIC: TableDefinition<&Digest, ()> = TableDefinition::new("public");
const PUBLIC_ROOTS: TableDefinition<&Digest, &[u8]> = TableDefinition::new("public_roots");
const PINS: TableDefinition<&[u8], PinRow> = TableDefinition::new("pins");
const UNREACHED: TableDefinition<&Digest, u64> = TableDefinition::new("unreached");
const ERASED: TableDefinition<&Digest, u64> = TableDefinition::new("erased");
const REMOVING: TableDefinition<&Digest, u64> = TableDefinition::new("removing");
const DAMAGED: TableDefinition<&[u8; 36], ()> = TableDefinition::new("damaged");

/// CID, reason, since, until (0: for good); times in milliseconds since 1970.
type PinRow = (&'static [u8], &'static str, u64, u64);

/// 1 had no pins; opening it adds their tables.
const FORMAT: u64 = 2;
const OLDEST_FORMAT: u64 = 1;
/// The index reads through the system's page cache as well; its own cache stays small.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// A node that only its blob needs: removed with it.
const OF_A_BLOB: u8 = 0;
/// A node that somebody put by itself.
const ON_ITS_OWN: u8 = 1;

/// A whole file in `blobs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) root: Digest,
    pub(super) size_bytes: u64,
}

impl Blob {
    /// The CID that the file is named by.
    pub(super) fn cid(&self) -> cid::Cid {
        if self.is_leaf() { raw_cid(self.root) } else { dag_pb_cid(self.root) }
    }

    /// Whether the whole file is a single leaf.
    pub(super) fn is_leaf(&self) -> bool {
        self.size_bytes <= LEAF_BYTES
    }
}

/// Where a block's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Node(bytes::Bytes),
    /// A part of a blob.
    Blob {
        blob: Blob,
        offset: u64,
        length: usize,
    },
}

impl Place {
    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            Self::Node(block) => block.len() as u64,
            Self::Blob { length, .. } => *length as u64,
        }
    }
}

/// What a blob has in the index besides itself.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) leaves: Vec<Digest>,
    /// The nodes of its tree, each with the first leaf under it, as far as they are known.
    pub(super) nodes: Vec<(Digest, Option<Digest>)>,
}

/// The open index.
pub(super) struct Index {
    /// `None` only while it is dropped.
    db: Option<Database>,
    reserve: Arc<reserve::Reserve>,
    /// The newest state, kept open: most calls read, and opening a dozen tables costs more than what they look up.
    newest: RwLock<Newest>,
}

#[derive(Default)]
struct Newest {
    /// How many transactions were committed.
    commits: u64,
    snapshot: Option<Arc<Snapshot>>,
}

impl Drop for Index {
    fn drop(&mut self) {
        self.newest.get_mut().unwrap_or_else(PoisonError::into_inner).snapshot = None;
        damage::close(&mut self.db);
    }
}

impl Index {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        Self::open_file(&dir.join(super::INDEX), dir)
    }

    /// Opens an index by its file.
    ///
    /// # Errors
    /// [`Error::IndexDamaged`]; redb panics on some damage, which is the same.
    pub(super) fn open_file(path: &Path, dir: &Path) -> Result<Self> {
        guarded(|| Self::open_trusting(path, dir)).unwrap_or_else(|| Err(damaged("it makes no sense")))
    }

    fn open_trusting(path: &Path, dir: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let file = FileBackend::new(file.map_err(Error::io("open", path))?);
        let reserve = Arc::new(reserve::Reserve::of(dir)?);
        let backend = file.map(|file| reserve::Backed::new(file, reserve.clone()));
        let db =
            backend.and_then(|backend| Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend));
        let db = Some(db.map_err(|error| damage::open_error(error, dir))?);
        let index = Self { db, reserve, newest: RwLock::default() };
        if !index.is_ready(dir)? {
            index.write_freeing(|tables| {
                let found = tables.meta.get("format")?.map(|found| found.value());
                match found {
                    Some(FORMAT) => Ok(()),
                    Some(OLDEST_FORMAT) | None => tables.meta.insert("format", FORMAT).map(drop).map_err(Error::from),
                    Some(found) => Err(Error::FormatUnknown { dir: dir.to_owned(), found, known: FORMAT }),
                }
            })?;
        }
        index.fill_reserve();
        Ok(index)
    }

    /// Whether all tables are there, so that nothing needs to be written.
    fn is_ready(&self, dir: &Path) -> Result<bool> {
        match Snapshot::open(self.db().begin_read()?).and_then(|snapshot| snapshot.format()) {
            Ok(Some(FORMAT)) => Ok(true),
            Ok(Some(OLDEST_FORMAT) | None) | Err(Error::Index(redb::Error::TableDoesNotExist(_))) => Ok(false),
            Ok(Some(found)) => Err(Error::FormatUnknown { dir: dir.to_owned(), found, known: FORMAT }),
            Err(error) => Err(error),
        }
    }

    fn db(&self) -> &Database {
        self.db.as_ref().expect("nobody has an index that is dropped")
    }

    /// Runs one transaction; it is on the disk when this returns, and an error undoes all of it.
    ///
    /// # Errors
    /// [`Error::NoRoom`] when the disk is nearly full.
    pub(super) fn write<T>(&self, run: impl FnOnce(&mut Tables) -> Result<T>) -> Result<T> {
        self.write_sized(0, run)
    }

    /// As [`Index::write`], for one that brings so many bytes of blocks.
    pub(super) fn write_sized<T>(&self, bytes: u64, run: impl FnOnce(&mut Tables) -> Result<T>) -> Result<T> {
        self.reserve.admit(self.room_of(bytes))?;
        self.write_freeing(run)
    }

    /// As [`Index::write`], for one that removes more than it adds: on a full disk it takes from the index's reserve.
    pub(super) fn write_freeing<T>(&self, run: impl FnOnce(&mut Tables) -> Result<T>) -> Result<T> {
        let transaction = self.db().begin_write()?;
        let result = run(&mut Tables::open(&transaction)?)?;
        let committed = transaction.commit();
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        newest.commits += 1;
        newest.snapshot = None;
        drop(newest);
        committed?;
        Ok(result)
    }

    /// How much of the disk so many bytes of blocks take at most: a page is a power of two.
    pub(super) fn room_of(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(2)
    }

    /// Makes the reserve for a full disk whole again, if there is room.
    pub(super) fn fill_reserve(&self) {
        if let Err(error) = self.reserve.fill() {
            tracing::warn!(%error, "the index can't keep room for itself");
        }
    }

    /// The index as the last transaction left it.
    pub(super) fn read(&self) -> Result<Arc<Snapshot>> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        let commits = newest.commits;
        if let Some(snapshot) = &newest.snapshot {
            return Ok(snapshot.clone());
        }
        drop(newest);
        let snapshot = Arc::new(Snapshot::open(self.db().begin_read()?)?);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        // Only if nobody has committed since we asked: what is kept must never be older than what was promised.
        if newest.commits == commits {
            newest.snapshot = Some(snapshot.clone());
        }
        Ok(snapshot)
    }
}

fn blob_of((root, size_bytes): (&Digest, u64)) -> Blob {
    Blob { root: *root, size_bytes }
}

pub(super) fn leaf_key(digest: &Digest, number: u32) -> [u8; 36] {
    let mut key = [0; 36];
    key[..32].copy_from_slice(digest);
    key[32..].copy_from_slice(&number.to_be_bytes());
    key
}

fn number_of(key: &[u8; 36]) -> u32 {
    let [.., a, b, c, d] = *key;
    u32::from_be_bytes([a, b, c, d])
}

fn tagged(owner: u8, block: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(block.len() + 1);
    value.push(owner);
    value.extend_from_slice(block);
    value
}
