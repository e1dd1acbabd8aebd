//! Reading the index, as it was at one moment.

use std::{collections::HashMap, ops::Bound};

use cid::Cid;
use redb::{AccessGuard, ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::{
    BLOBS, Blob, DAMAGED, ERASED, LEAVES, META, NODES, ON_ITS_OWN, PINS, PUBLIC, PUBLIC_ROOTS, Place, REMOVING, ROOTS,
    UNREACHED, blob_of, leaf_key, number_of,
};
use crate::store::pins::{Pin, pin_of, stored_cid};
use crate::{Error, Result, address::Digest, import::LEAF_BYTES};

/// The tables at one moment.
pub(in crate::store) struct Snapshot {
    meta: redb::ReadOnlyTable<&'static str, u64>,
    nodes: redb::ReadOnlyTable<&'static Digest, &'static [u8]>,
    blobs: redb::ReadOnlyTable<u32, (&'static Digest, u64)>,
    roots: redb::ReadOnlyTable<&'static Digest, u32>,
    leaves: redb::ReadOnlyTable<&'static [u8; 36], u32>,
    public: redb::ReadOnlyTable<&'static Digest, ()>,
    /// For the tables that few calls want.
    transaction: ReadTransaction,
}

impl Snapshot {
    pub(super) fn open(transaction: ReadTransaction) -> Result<Self> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            nodes: transaction.open_table(NODES)?,
            blobs: transaction.open_table(BLOBS)?,
            roots: transaction.open_table(ROOTS)?,
            leaves: transaction.open_table(LEAVES)?,
            public: transaction.open_table(PUBLIC)?,
            transaction,
        })
    }

    /// The format that the index was written in; an error when a table of the newest isn't there.
    pub(super) fn format(&self) -> Result<Option<u64>> {
        self.transaction.open_table(PUBLIC_ROOTS)?;
        self.transaction.open_table(PINS)?;
        self.transaction.open_table(UNREACHED)?;
        self.transaction.open_table(ERASED)?;
        self.transaction.open_table(REMOVING)?;
        self.transaction.open_table(DAMAGED)?;
        Ok(self.meta.get("format")?.map(|format| format.value()))
    }

    /// Where a block is; a node before a blob, as both hold the same bytes.
    pub(in crate::store) fn place(&self, digest: &Digest) -> Result<Option<Place>> {
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

    pub(in crate::store) fn holds(&self, digest: &Digest) -> Result<bool> {
        Ok(self.nodes.get(digest)?.is_some()
            || self.roots.get(digest)?.is_some()
            || self.leaf_rows(digest)?.next().is_some())
    }

    pub(in crate::store) fn node(&self, digest: &Digest) -> Result<Option<bytes::Bytes>> {
        Ok(self.nodes.get(digest)?.map(|node| bytes::Bytes::copy_from_slice(node.value().get(1..).unwrap_or_default())))
    }

    /// The blob whose root has this digest.
    pub(in crate::store) fn blob(&self, root: &Digest) -> Result<Option<Blob>> {
        match self.roots.get(root)? {
            Some(number) => self.blob_number(number.value()),
            None => Ok(None),
        }
    }

    pub(in crate::store) fn blobs(&self) -> Result<impl Iterator<Item = Result<Blob>>> {
        let rows = self.blobs.iter()?;
        Ok(rows.map(|row| row.map_err(Error::from).map(|(_, blob)| blob_of(blob.value()))))
    }

    pub(in crate::store) fn is_public(&self, digest: &Digest) -> Result<bool> {
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

    /// What was erased, and when.
    pub(in crate::store) fn erasures(&self) -> Result<Vec<(Digest, u64)>> {
        let rows = self.transaction.open_table(ERASED)?;
        rows.iter()?.map(|row| row.map(|(digest, at)| (*digest.value(), at.value())).map_err(Error::from)).collect()
    }

    /// Whether these bytes were erased, so that they aren't taken again.
    pub(in crate::store) fn is_erased(&self, digest: &Digest) -> Result<bool> {
        Ok(self.transaction.open_table(ERASED)?.get(digest)?.is_some())
    }

    /// All pins, by their roots' digests.
    pub(in crate::store) fn pins(&self) -> Result<Vec<Pin>> {
        let pins = self.transaction.open_table(PINS)?;
        pins.iter()?
            .map(|row| row.map_err(Error::from).and_then(|(key, row)| pin_of(key.value(), row.value())))
            .collect()
    }

    /// The roots that were published and not withdrawn.
    pub(in crate::store) fn public_roots(&self) -> Result<Vec<Cid>> {
        let roots = self.transaction.open_table(PUBLIC_ROOTS)?;
        roots.iter()?.map(|row| row.map_err(Error::from).and_then(|(_, cid)| stored_cid(cid.value()))).collect()
    }

    /// Everything that is public, but for the leaves of public files.
    pub(in crate::store) fn public(&self) -> Result<impl Iterator<Item = Result<Digest>>> {
        Ok(self.public.iter()?.map(|row| row.map_err(Error::from).map(|(digest, _)| *digest.value())))
    }

    /// What no pin led to when that was last looked at, and since when.
    pub(in crate::store) fn unreached(&self) -> Result<HashMap<Digest, u64>> {
        let rows = self.transaction.open_table(UNREACHED)?;
        rows.iter()?
            .map(|row| row.map_err(Error::from).map(|(digest, since)| (*digest.value(), since.value())))
            .collect()
    }

    /// Blobs that have left the index, but perhaps not yet the disk.
    pub(in crate::store) fn removing(&self) -> Result<Vec<Blob>> {
        let rows = self.transaction.open_table(REMOVING)?;
        let blob = |(digest, size): (AccessGuard<'_, &'static Digest>, AccessGuard<'_, u64>)| Blob {
            root: *digest.value(),
            size_bytes: size.value(),
        };
        rows.iter()?.map(|row| row.map(blob).map_err(Error::from)).collect()
    }

    /// The CIDs of blobs whose digest follows `after`, in order.
    pub(in crate::store) fn roots_after(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Cid>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.roots.range::<&Digest>((from, Bound::Unbounded))?.take(limit);
        let blobs = rows.map(|row| self.blob_number(row?.1.value()));
        blobs.filter_map(|blob| blob.transpose().map(|blob| blob.map(|blob| blob.cid()))).collect()
    }

    /// The digests of the nodes that somebody put by themselves: the others go with their blobs.
    pub(in crate::store) fn own_node_digests(&self) -> Result<impl Iterator<Item = Result<Digest>>> {
        let own = |node: &[u8]| node.first() == Some(&ON_ITS_OWN);
        let rows = self.nodes.iter()?.filter(move |row| row.as_ref().map_or(true, |(_, node)| own(node.value())));
        Ok(rows.map(|row| row.map_err(Error::from).map(|(digest, _)| *digest.value())))
    }

    /// The digests of all nodes.
    pub(in crate::store) fn node_digests(&self) -> Result<impl Iterator<Item = Result<Digest>>> {
        Ok(self.nodes.iter()?.map(|row| row.map_err(Error::from).map(|(digest, _)| *digest.value())))
    }

    /// All leaves whose bytes were found to be wrong: the blob's digest, and the leaf's number.
    pub(in crate::store) fn damaged(&self) -> Result<Vec<(Digest, u32)>> {
        let rows = self.transaction.open_table(DAMAGED)?;
        let leaf = |key: &[u8; 36]| (std::array::from_fn(|at| key[at]), number_of(key));
        rows.iter()?.map(|row| row.map_err(Error::from).map(|(key, _)| leaf(key.value()))).collect()
    }

    pub(in crate::store) fn counts(&self) -> Result<Counts> {
        let blob_bytes = self.meta.get("blob_bytes")?.map_or(0, |value| value.value());
        Ok(Counts {
            blobs: self.blobs.len()?,
            blob_bytes,
            nodes: self.nodes.len()?,
            leaves: self.leaves.len()?,
            pins: self.transaction.open_table(PINS)?.len()?,
            unreached: self.transaction.open_table(UNREACHED)?.len()?,
            erased: self.transaction.open_table(ERASED)?.len()?,
            damaged: self.transaction.open_table(DAMAGED)?.len()?,
        })
    }

    fn blob_number(&self, number: u32) -> Result<Option<Blob>> {
        Ok(self.blobs.get(number)?.map(|blob| blob_of(blob.value())))
    }

    fn leaf_rows(&self, digest: &Digest) -> Result<redb::Range<'static, &'static [u8; 36], u32>> {
        Ok(self.leaves.range::<&[u8; 36]>(&leaf_key(digest, 0)..=&leaf_key(digest, u32::MAX))?)
    }
}

/// How many rows there are of each kind.
pub(in crate::store) struct Counts {
    pub(in crate::store) blobs: u64,
    pub(in crate::store) blob_bytes: u64,
    pub(in crate::store) nodes: u64,
    pub(in crate::store) leaves: u64,
    pub(in crate::store) pins: u64,
    pub(in crate::store) unreached: u64,
    pub(in crate::store) erased: u64,
    pub(in crate::store) damaged: u64,
}
