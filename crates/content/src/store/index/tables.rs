//! Changing the index, within one transaction.

use redb::{ReadableTable, WriteTransaction};

use super::{
    BLOBS, DAMAGED, ERASED, LEAVES, META, NODES, OF_A_BLOB, ON_ITS_OWN, PINS, PUBLIC, PUBLIC_ROOTS, Parts, PinRow,
    REMOVING, ROOTS, UNREACHED, leaf_key, number_of, tagged,
};
use crate::{
    Error, Result,
    address::{Digest, raw_cid},
    import::Tree,
};

/// The tables within a write transaction.
pub(in crate::store) struct Tables<'t> {
    pub(super) meta: redb::Table<'t, &'static str, u64>,
    pub(super) nodes: redb::Table<'t, &'static Digest, &'static [u8]>,
    blobs: redb::Table<'t, u32, (&'static Digest, u64)>,
    roots: redb::Table<'t, &'static Digest, u32>,
    leaves: redb::Table<'t, &'static [u8; 36], u32>,
    pub(in crate::store) public: redb::Table<'t, &'static Digest, ()>,
    pub(in crate::store) public_roots: redb::Table<'t, &'static Digest, &'static [u8]>,
    pub(in crate::store) pins: redb::Table<'t, &'static [u8], PinRow>,
    pub(in crate::store) unreached: redb::Table<'t, &'static Digest, u64>,
    pub(in crate::store) erased: redb::Table<'t, &'static Digest, u64>,
    pub(in crate::store) removing: redb::Table<'t, &'static Digest, u64>,
    pub(in crate::store) damaged: redb::Table<'t, &'static [u8; 36], ()>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            nodes: transaction.open_table(NODES)?,
            blobs: transaction.open_table(BLOBS)?,
            roots: transaction.open_table(ROOTS)?,
            leaves: transaction.open_table(LEAVES)?,
            public: transaction.open_table(PUBLIC)?,
            public_roots: transaction.open_table(PUBLIC_ROOTS)?,
            pins: transaction.open_table(PINS)?,
            unreached: transaction.open_table(UNREACHED)?,
            erased: transaction.open_table(ERASED)?,
            removing: transaction.open_table(REMOVING)?,
            damaged: transaction.open_table(DAMAGED)?,
        })
    }

    /// Indexes a blob whose file is in place. A blob that is known already changes nothing.
    pub(in crate::store) fn insert_blob(&mut self, tree: &Tree, root: Digest) -> Result<()> {
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

    /// Takes a blob out of the index, with the leaves and nodes that were only there for it. What `keep` names stays, and
    /// what is public: should the file come again, it is what it was.
    pub(in crate::store) fn remove_blob(
        &mut self,
        root: &Digest,
        parts: &Parts,
        keep: impl Fn(&Digest) -> bool,
    ) -> Result<()> {
        let Some(number) = self.roots.remove(root)?.map(|number| number.value()) else { return Ok(()) };
        let size_bytes = self.blobs.remove(number)?.map_or(0, |blob| blob.value().1);
        self.count("blob_bytes", -(size_bytes as i64))?;
        let (first, last) = (leaf_key(root, 0), leaf_key(root, u32::MAX));
        self.damaged.retain_in::<&[u8; 36], _>(&first..=&last, |_, ()| false)?;
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
            if own && !shared && !keep(digest) && self.public.get(digest)?.is_none() {
                self.nodes.remove(digest)?;
            }
        }
        Ok(())
    }

    /// Takes a block out that nothing else holds; whether it was there.
    pub(in crate::store) fn remove_node(&mut self, digest: &Digest) -> Result<bool> {
        self.public.remove(digest)?;
        Ok(self.nodes.remove(digest)?.is_some())
    }

    /// Takes a node of a blob's tree out that no blob has; what somebody put by itself stays.
    pub(in crate::store) fn drop_node(&mut self, digest: &Digest) -> Result<()> {
        let own = self.nodes.get(digest)?.is_some_and(|node| node.value().first() == Some(&ON_ITS_OWN));
        if !own {
            self.nodes.remove(digest)?;
        }
        Ok(())
    }

    /// These bytes aren't taken again, nor are they public or pinned any more.
    pub(in crate::store) fn erase(&mut self, digest: &Digest, now_ms: u64) -> Result<()> {
        self.erased.insert(digest, now_ms)?;
        self.public_roots.remove(digest)?;
        self.public.remove(digest)?;
        self.unpin_all(digest)
    }

    /// An error when these bytes were erased.
    pub(in crate::store) fn refuse_erased(&self, digest: &Digest) -> Result<()> {
        if self.erased.get(digest)?.is_some() { Err(Error::Erased(raw_cid(*digest))) } else { Ok(()) }
    }

    /// Stores a block by itself.
    pub(in crate::store) fn insert_node(&mut self, digest: &Digest, block: &[u8]) -> Result<bool> {
        let known = self.nodes.get(digest)?.map(|node| node.value().first() == Some(&ON_ITS_OWN));
        if known == Some(true) {
            return Ok(false);
        }
        self.nodes.insert(digest, tagged(ON_ITS_OWN, block).as_slice())?;
        Ok(known.is_none())
    }

    pub(in crate::store) fn publish(&mut self, digest: &Digest) -> Result<bool> {
        Ok(self.public.insert(digest, ())?.is_none())
    }

    pub(in crate::store) fn is_public(&self, digest: &Digest) -> Result<bool> {
        Ok(self.public.get(digest)?.is_some())
    }

    /// Whether a published blob holds this block, so that it needs no copy of its own.
    pub(in crate::store) fn in_public_blob(&self, digest: &Digest) -> Result<bool> {
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
