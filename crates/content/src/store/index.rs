//! The index: which block is where, keyed by SHA-256 digest, in one redb file.
//!
//! | table | key | value |
//! |---|---|---|
//! | `nodes` | digest | a byte that says who put it, and the block |
//! | `blobs` | number | root's digest, size |
//! | `roots` | root's digest | number of the blob |
//! | `leaves` | leaf's digest + number of the blob | the leaf's number in it |
//! | `public` | digest | nothing: being there is the flag |
//!
//! The leaves of a blob are (blob, offset, length), computed: 40 bytes of index a MiB. A file of one leaf needs no
//! row in `leaves`: its root is its leaf. A leaf is public when its digest is, or when the root of any blob is that
//! holds it.

use std::path::Path;

use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use crate::{
    Error, Result,
    address::{Digest, dag_pb_cid, raw_cid},
    import::{LEAF_BYTES, Tree},
};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const NODES: TableDefinition<&Digest, &[u8]> = TableDefinition::new("nodes");
const BLOBS: TableDefinition<u32, (&Digest, u64)> = TableDefinition::new("blobs");
const ROOTS: TableDefinition<&Digest, u32> = TableDefinition::new("roots");
const LEAVES: TableDefinition<&[u8; 36], u32> = TableDefinition::new("leaves");
const PUBLIC: TableDefinition<&Digest, ()> = TableDefinition::new("public");

const FORMAT: u64 = 1;
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
    db: Database,
}

impl Index {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("index.redb");
        let db = Database::builder().set_cache_size(CACHE_BYTES).create(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Error::FolderInUse(dir.to_owned())
            }
            other => Error::Index(other.into()),
        })?;
        let index = Self { db };
        index.write(|tables| {
            let found = tables.meta.get("format")?.map(|found| found.value());
            match found {
                Some(FORMAT) => Ok(()),
                Some(found) => Err(Error::FormatUnknown { dir: dir.to_owned(), found, known: FORMAT }),
                None => tables.meta.insert("format", FORMAT).map(drop).map_err(Error::from),
            }
        })?;
        Ok(index)
    }

    /// Runs one transaction; it is on the disk when this returns, and an error undoes all of it.
    pub(super) fn write<T>(&self, run: impl FnOnce(&mut Tables) -> Result<T>) -> Result<T> {
        let transaction = self.db.begin_write()?;
        let result = run(&mut Tables::open(&transaction)?)?;
        transaction.commit()?;
        Ok(result)
    }

    pub(super) fn read(&self) -> Result<Snapshot> {
        Snapshot::open(&self.db.begin_read()?)
    }
}

/// The tables within a write transaction.
pub(super) struct Tables<'t> {
    meta: redb::Table<'t, &'static str, u64>,
    nodes: redb::Table<'t, &'static Digest, &'static [u8]>,
    blobs: redb::Table<'t, u32, (&'static Digest, u64)>,
    roots: redb::Table<'t, &'static Digest, u32>,
    leaves: redb::Table<'t, &'static [u8; 36], u32>,
    public: redb::Table<'t, &'static Digest, ()>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            nodes: transaction.open_table(NODES)?,
            blobs: transaction.open_table(BLOBS)?,
            roots: transaction.open_table(ROOTS)?,
            leaves: transaction.open_table(LEAVES)?,
            public: transaction.open_table(PUBLIC)?,
        })
    }

    /// Indexes a blob whose file is in place. A blob that is known already changes nothing.
    pub(super) fn insert_blob(&mut self, tree: &Tree, root: Digest) -> Result<()> {
        if self.roots.get(&root)?.is_some() {
            return Ok(());
        }
        let number = self.count("next_blob", 1)? as u32;
        self.count("blob_bytes", tree.size_bytes as i64)?;
        self.blobs.insert(number, (&root, tree.size_bytes))?;
        self.roots.insert(&root, number)?;
        for (digest, block) in &tree.nodes {
            if self.nodes.get(digest)?.is_none() {
                self.nodes.insert(digest, tagged(OF_A_BLOB, block).as_slice())?;
            }
        }
        if !tree.nodes.is_empty() {
            for (leaf, digest) in (0u32..).zip(&tree.leaves) {
                let key = leaf_key(digest, number);
                if self.leaves.get(&key)?.is_none() {
                    self.leaves.insert(&key, leaf)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a blob out of the index, with the leaves and nodes that were only there for it.
    pub(super) fn remove_blob(&mut self, root: &Digest, parts: &Parts) -> Result<()> {
        let Some(number) = self.roots.remove(root)?.map(|number| number.value()) else { return Ok(()) };
        let size_bytes = self.blobs.remove(number)?.map_or(0, |blob| blob.value().1);
        self.count("blob_bytes", -(size_bytes as i64))?;
        for digest in &parts.leaves {
            self.leaves.remove(&leaf_key(digest, number))?;
        }
        for (digest, first_leaf) in &parts.nodes {
            // Two files that begin alike share nodes: what another blob's leaf needs stays.
            let shared = match first_leaf {
                Some(leaf) => self.leaf_rows(leaf)?.next().is_some(),
                None => false,
            };
            let own = self.nodes.get(digest)?.is_some_and(|node| node.value().first() == Some(&OF_A_BLOB));
            if own && !shared && self.public.get(digest)?.is_none() {
                self.nodes.remove(digest)?;
            }
        }
        Ok(())
    }

    /// Stores a block by itself.
    pub(super) fn insert_node(&mut self, digest: &Digest, block: &[u8]) -> Result<bool> {
        let known = self.nodes.get(digest)?.map(|node| node.value().first() == Some(&ON_ITS_OWN));
        if known == Some(true) {
            return Ok(false);
        }
        self.nodes.insert(digest, tagged(ON_ITS_OWN, block).as_slice())?;
        Ok(known.is_none())
    }

    pub(super) fn publish(&mut self, digest: &Digest) -> Result<bool> {
        Ok(self.public.insert(digest, ())?.is_none())
    }

    pub(super) fn is_public(&self, digest: &Digest) -> Result<bool> {
        Ok(self.public.get(digest)?.is_some())
    }

    /// Whether a published blob holds this block, so that it needs no copy of its own.
    pub(super) fn in_public_blob(&self, digest: &Digest) -> Result<bool> {
        if self.roots.get(digest)?.is_some() && self.nodes.get(digest)?.is_none() {
            return self.is_public(digest);
        }
        for row in self.leaf_rows(digest)? {
            let number = number_of(row?.0.value());
            let root = self.blobs.get(number)?.map(|blob| *blob.value().0);
            if let Some(root) = root
                && self.is_public(&root)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a block would still be there without the blob `root`.
    pub(super) fn held_without(&self, digest: &Digest, root: &Digest) -> Result<bool> {
        if self.nodes.get(digest)?.is_some() || (digest != root && self.roots.get(digest)?.is_some()) {
            return Ok(true);
        }
        let own = self.roots.get(root)?.map(|number| number.value());
        for row in self.leaf_rows(digest)? {
            if Some(number_of(row?.0.value())) != own {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn leaf_rows(&self, digest: &Digest) -> Result<redb::Range<'_, &'static [u8; 36], u32>> {
        Ok(self.leaves.range::<&[u8; 36]>(&leaf_key(digest, 0)..=&leaf_key(digest, u32::MAX))?)
    }

    /// Adds to a counter and returns what it was.
    fn count(&mut self, name: &'static str, add: i64) -> Result<u64> {
        let before = self.meta.get(name)?.map_or(0, |value| value.value());
        self.meta.insert(name, before.saturating_add_signed(add))?;
        Ok(before)
    }
}

/// The tables at one moment.
pub(super) struct Snapshot {
    meta: redb::ReadOnlyTable<&'static str, u64>,
    nodes: redb::ReadOnlyTable<&'static Digest, &'static [u8]>,
    blobs: redb::ReadOnlyTable<u32, (&'static Digest, u64)>,
    roots: redb::ReadOnlyTable<&'static Digest, u32>,
    leaves: redb::ReadOnlyTable<&'static [u8; 36], u32>,
    public: redb::ReadOnlyTable<&'static Digest, ()>,
}

impl Snapshot {
    fn open(transaction: &ReadTransaction) -> Result<Self> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            nodes: transaction.open_table(NODES)?,
            blobs: transaction.open_table(BLOBS)?,
            roots: transaction.open_table(ROOTS)?,
            leaves: transaction.open_table(LEAVES)?,
            public: transaction.open_table(PUBLIC)?,
        })
    }

    /// Where a block is; a node before a blob, as both hold the same bytes.
    pub(super) fn place(&self, digest: &Digest) -> Result<Option<Place>> {
        if let Some(node) = self.node(digest)? {
            return Ok(Some(Place::Node(node)));
        }
        if let Some(blob) = self.blob(digest)? {
            // The root of a larger blob is a node; without it the index is damaged, and the block isn't held.
            let leaf = Place::Blob { blob, offset: 0, length: blob.size_bytes as usize };
            return Ok(blob.is_leaf().then_some(leaf));
        }
        let Some(row) = self.leaf_rows(digest)?.next() else { return Ok(None) };
        let (key, leaf) = row?;
        let Some(blob) = self.blob_number(number_of(key.value()))? else { return Ok(None) };
        let offset = u64::from(leaf.value()) * LEAF_BYTES;
        let length = blob.size_bytes.saturating_sub(offset).min(LEAF_BYTES) as usize;
        Ok(Some(Place::Blob { blob, offset, length }))
    }

    pub(super) fn holds(&self, digest: &Digest) -> Result<bool> {
        Ok(self.nodes.get(digest)?.is_some()
            || self.roots.get(digest)?.is_some()
            || self.leaf_rows(digest)?.next().is_some())
    }

    pub(super) fn node(&self, digest: &Digest) -> Result<Option<bytes::Bytes>> {
        Ok(self.nodes.get(digest)?.map(|node| bytes::Bytes::copy_from_slice(node.value().get(1..).unwrap_or_default())))
    }

    /// The blob whose root has this digest.
    pub(super) fn blob(&self, root: &Digest) -> Result<Option<Blob>> {
        match self.roots.get(root)? {
            Some(number) => self.blob_number(number.value()),
            None => Ok(None),
        }
    }

    pub(super) fn blobs(&self) -> Result<impl Iterator<Item = Result<Blob>>> {
        let rows = self.blobs.iter()?;
        Ok(rows.map(|row| row.map_err(Error::from).map(|(_, blob)| blob_of(blob.value()))))
    }

    pub(super) fn is_public(&self, digest: &Digest) -> Result<bool> {
        if self.public.get(digest)?.is_some() {
            return Ok(true);
        }
        for row in self.leaf_rows(digest)? {
            let number = number_of(row?.0.value());
            let Some(blob) = self.blob_number(number)? else { continue };
            if self.public.get(&blob.root)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many blobs, their bytes, and how many nodes.
    pub(super) fn counts(&self) -> Result<(u64, u64, u64)> {
        let blob_bytes = self.meta.get("blob_bytes")?.map_or(0, |value| value.value());
        Ok((self.blobs.len()?, blob_bytes, self.nodes.len()?))
    }

    fn blob_number(&self, number: u32) -> Result<Option<Blob>> {
        Ok(self.blobs.get(number)?.map(|blob| blob_of(blob.value())))
    }

    fn leaf_rows(&self, digest: &Digest) -> Result<redb::Range<'static, &'static [u8; 36], u32>> {
        Ok(self.leaves.range::<&[u8; 36]>(&leaf_key(digest, 0)..=&leaf_key(digest, u32::MAX))?)
    }
}

fn blob_of((root, size_bytes): (&Digest, u64)) -> Blob {
    Blob { root: *root, size_bytes }
}

fn leaf_key(digest: &Digest, number: u32) -> [u8; 36] {
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
