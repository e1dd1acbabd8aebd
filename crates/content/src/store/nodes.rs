//! Blocks by themselves, and what each stands for.

use bytes::Bytes;
use cid::Cid;

use super::{Store, index::Place, place, reach::Reach};
use crate::{
    Digest, Error, Malformed, Result,
    address::{DAG_PB, IDENTITY, RAW, SHA2_256, digest_of, identity_data, raw_cid, sha256},
    dagpb,
    import::LEAF_BYTES,
    limits,
    unixfs::{Type, UnixFs},
};

/// What a CID stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub cid: Cid,
    pub kind: Kind,
}

/// The kinds of content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A UnixFS file of one block or many, or a raw block.
    File { size_bytes: u64 },
    /// A directory, of one block or sharded.
    Directory,
    /// A symbolic link; it isn't followed.
    Symlink { target: String },
    /// A block of another codec: DAG-CBOR and the like.
    Other { codec: u64 },
}

impl Store {
    /// Stores a block of any codec, after checking it against its CID. Says whether it was new.
    pub fn put_block(&self, cid: &Cid, block: &[u8]) -> Result<bool> {
        let Some(digest) = check_block(cid, block)? else { return Ok(false) };
        Ok(self.put_own_nodes(&[(digest, block)])? > 0)
    }

    /// Stores blocks whose digests are known to be right, all or none of them; how many were new.
    pub(super) fn put_own_nodes(&self, blocks: &[(Digest, impl AsRef<[u8]>)]) -> Result<u64> {
        let bytes = blocks.iter().map(|(_, block)| block.as_ref().len() as u64).sum();
        self.inner.index.write_sized(bytes, |tables| {
            let mut fresh = 0;
            for (digest, block) in blocks {
                tables.refuse_erased(digest)?;
                self.touch([digest]);
                if !tables.in_public_blob(digest)? {
                    fresh += u64::from(tables.insert_node(digest, block.as_ref())?);
                }
            }
            Ok(fresh)
        })
    }

    /// The bytes of a block, or `None` if it isn't held. A leaf of a file is read from the file, as the disk has it; any
    /// other block is checked.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn block(&self, cid: &Cid) -> Result<Option<Bytes>> {
        match self.block_as_stored(cid)? {
            Some((block, Some(digest))) => self.inner.checked.check(cid, &digest, block).map(Some),
            Some((block, None)) => Ok(Some(block)),
            None => Ok(None),
        }
    }

    /// The bytes of a block, and what its hash should be if it wasn't read from a file.
    pub(super) fn block_as_stored(&self, cid: &Cid) -> Result<Option<(Bytes, Option<Digest>)>> {
        if let Some(data) = identity_data(cid) {
            return Ok(Some((Bytes::copy_from_slice(data), None)));
        }
        let Some(digest) = digest_of(cid) else { return Ok(None) };
        match self.inner.index.read()?.place(&digest)? {
            None => Ok(None),
            Some(Place::Node(block)) => Ok(Some((block, Some(digest)))),
            Some(Place::Blob { blob, offset, length }) => {
                let block = self.open_blob(&blob).and_then(|file| file.read_vec(offset, length));
                let block = block.map_err(|error| match error {
                    Error::Damaged(_) => Error::Damaged(*cid),
                    other => other,
                });
                Ok(Some((block?.into(), None)))
            }
        }
    }

    /// Whether a block is held.
    pub fn holds(&self, cid: &Cid) -> Result<bool> {
        match digest_of(cid) {
            Some(digest) => self.inner.index.read()?.holds(&digest),
            None => Ok(identity_data(cid).is_some()),
        }
    }

    /// Whether a block's bytes are known to be wrong, so that they aren't given out.
    pub fn is_damaged(&self, cid: &Cid) -> Result<bool> {
        let Some(digest) = digest_of(cid) else { return Ok(false) };
        let place = self.inner.index.read()?.place(&digest)?;
        let Some(Place::Blob { blob, offset, .. }) = place else { return Ok(false) };
        Ok(self.damaged_leaves(&blob).iter().any(|number| u64::from(*number) == offset / LEAF_BYTES))
    }

    /// Whether all that a file or folder consists of is held, and none of it is known to be damaged.
    pub fn is_whole(&self, cid: &Cid) -> Result<bool> {
        let Some(digest) = digest_of(cid) else { return Ok(identity_data(cid).is_some()) };
        let index = self.inner.index.read()?;
        if let Some(blob) = index.blob(&digest)? {
            let is_there = place::size(&self.blob_path(&blob.cid())).is_ok_and(|found| found == blob.size_bytes);
            return Ok(is_there && self.damaged_leaves(&blob).is_empty());
        }
        let mut reach = Reach::default();
        self.reach(&index, cid, &mut reach)?;
        if !reach.missing.is_empty() || reach.malformed.is_some() {
            return Ok(false);
        }
        for digest in reach.iter() {
            if self.is_damaged(&raw_cid(*digest))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a CID stands for, or `None` if its block isn't held.
    pub fn stat(&self, cid: &Cid) -> Result<Option<Node>> {
        let kind = match (digest_of(cid), cid.codec()) {
            (Some(digest), RAW | DAG_PB) => self.file_kind(cid, &digest)?,
            (None, RAW) => identity_data(cid).map(|data| Kind::File { size_bytes: data.len() as u64 }),
            (None, DAG_PB) => self.dag_pb_kind(cid)?,
            (_, codec) => self.holds(cid)?.then_some(Kind::Other { codec }),
        };
        Ok(kind.map(|kind| Node { cid: *cid, kind }))
    }

    /// Asks the index first: it knows the sizes of whole files and of their leaves without touching them.
    fn file_kind(&self, cid: &Cid, digest: &Digest) -> Result<Option<Kind>> {
        let index = self.inner.index.read()?;
        if let Some(blob) = index.blob(digest)?
            && blob.cid().codec() == cid.codec()
        {
            return Ok(Some(Kind::File { size_bytes: blob.size_bytes }));
        }
        if cid.codec() == DAG_PB {
            return self.dag_pb_kind(cid);
        }
        Ok(index.place(digest)?.map(|place| Kind::File { size_bytes: place.size_bytes() }))
    }

    fn dag_pb_kind(&self, cid: &Cid) -> Result<Option<Kind>> {
        let Some(block) = self.block(cid)? else { return Ok(None) };
        let (node, data) = decode_unixfs(cid, &block)?;
        Ok(Some(match data.kind {
            Type::Directory | Type::HamtShard => Kind::Directory,
            Type::Symlink => Kind::Symlink { target: String::from_utf8_lossy(data.data).into_owned() },
            Type::File | Type::Raw => {
                Kind::File { size_bytes: data.checked_file_size(node.links.len()).map_err(Error::malformed(cid))? }
            }
        }))
    }
}

/// Decodes a dag-pb block and its UnixFS data.
pub(super) fn decode_unixfs<'a>(cid: &Cid, block: &'a [u8]) -> Result<(dagpb::PbNode<'a>, UnixFs<'a>)> {
    let node = dagpb::decode(block).map_err(Error::malformed(cid))?;
    let data = node.data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode).map_err(Error::malformed(cid))?;
    Ok((node, data))
}

/// Checks a block from outside against its CID; gives the digest, or `None` for identity, which needs no storing.
pub(super) fn check_block(cid: &Cid, block: &[u8]) -> Result<Option<Digest>> {
    if block.len() > limits::BLOCK_BYTES {
        return Err(Error::BlockTooLarge { cid: *cid, size_bytes: block.len() });
    }
    match (cid.hash().code(), digest_of(cid)) {
        (IDENTITY, _) if cid.hash().digest() == block => Ok(None),
        (SHA2_256, Some(digest)) if sha256(block) == digest => Ok(Some(digest)),
        (IDENTITY, _) | (SHA2_256, Some(_)) => Err(Error::HashMismatch(*cid)),
        _ => Err(Error::HashUnsupported(*cid)),
    }
}
