//! Blocks and directories: storing them, and finding the way from a root down a path.

use bytes::Bytes;
use cid::Cid;

use super::{Store, index::Place};
use crate::{
    Error, Link, Malformed, Result,
    address::{DAG_PB, IDENTITY, RAW, SHA2_256, digest_of, identity_data, sha256},
    dagpb, directory, limits,
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
    /// A directory of one block.
    Directory,
    /// A sharded directory: known, but not read by this version.
    ShardedDirectory,
    /// A symbolic link; it isn't followed.
    Symlink { target: String },
    /// A block of another codec: DAG-CBOR and the like.
    Other { codec: u64 },
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub cid: Cid,
    /// The bytes of the whole DAG below, as the directory says.
    pub tsize: u64,
}

impl Store {
    /// Stores a directory. Entries may come in any order; their content should be stored before.
    ///
    /// # Errors
    /// [`Error::DirectoryTooLarge`] when it would have to be sharded, [`Error::NameInvalid`], [`Error::NameTwice`].
    pub fn put_directory<'a>(&self, entries: impl IntoIterator<Item = (&'a str, Link)>) -> Result<Link> {
        let directory = directory::encode(entries)?;
        self.put_own_node(&directory.digest, &directory.block)?;
        Ok(directory.link)
    }

    /// Stores a block of any codec, after checking it against its CID. Says whether it was new.
    pub fn put_block(&self, cid: &Cid, block: &[u8]) -> Result<bool> {
        let Some(digest) = check_block(cid, block)? else { return Ok(false) };
        self.put_own_node(&digest, block)
    }

    fn put_own_node(&self, digest: &crate::Digest, block: &[u8]) -> Result<bool> {
        self.inner.index.write(|tables| Ok(!tables.in_public_blob(digest)? && tables.insert_node(digest, block)?))
    }

    /// The bytes of a block, or `None` if it isn't held. A leaf of a file is read from the file.
    pub fn block(&self, cid: &Cid) -> Result<Option<Bytes>> {
        if let Some(data) = identity_data(cid) {
            return Ok(Some(Bytes::copy_from_slice(data)));
        }
        let Some(digest) = digest_of(cid) else { return Ok(None) };
        match self.inner.index.read()?.place(&digest)? {
            None => Ok(None),
            Some(Place::Node(block)) => Ok(Some(block)),
            Some(Place::Blob { blob, offset, length }) => {
                let mut block = vec![0; length];
                self.blob_reader(&blob)?.read_exact_at(&mut block, offset)?;
                Ok(Some(block.into()))
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
    fn file_kind(&self, cid: &Cid, digest: &crate::Digest) -> Result<Option<Kind>> {
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
            Type::Directory => Kind::Directory,
            Type::HamtShard => Kind::ShardedDirectory,
            Type::Symlink => Kind::Symlink { target: String::from_utf8_lossy(data.data).into_owned() },
            Type::File | Type::Raw => {
                Kind::File { size_bytes: data.checked_file_size(node.links.len()).map_err(Error::malformed(cid))? }
            }
        }))
    }

    /// Follows names from a root down through directories. `None` when a name isn't there or a block isn't held.
    ///
    /// # Errors
    /// [`Error::HamtUnsupported`] when the way leads through a sharded directory.
    pub fn resolve<S: AsRef<str>>(&self, root: &Cid, segments: &[S]) -> Result<Option<Node>> {
        let mut cid = *root;
        if segments.len() > limits::PATH_SEGMENTS {
            return Ok(None);
        }
        for name in segments {
            let Some(block) = self.block(&cid)? else { return Ok(None) };
            if cid.codec() != DAG_PB {
                return Ok(None);
            }
            let (child, data) = dagpb::find_link(&block, name.as_ref()).map_err(Error::malformed(&cid))?;
            let data = data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode).map_err(Error::malformed(&cid))?;
            match (data.kind, child) {
                (Type::Directory, Some(child)) => cid = child,
                (Type::HamtShard, _) => return Err(Error::HamtUnsupported(cid)),
                _ => return Ok(None),
            }
        }
        self.stat(&cid)
    }

    /// The entries of a directory, in their order in the block; `None` if it isn't held.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::HamtUnsupported`].
    pub fn list(&self, cid: &Cid) -> Result<Option<Vec<Entry>>> {
        let Some(block) = self.block(cid)? else { return Ok(None) };
        if cid.codec() != DAG_PB {
            return Err(Error::NotADirectory(*cid));
        }
        let (node, data) = decode_unixfs(cid, &block)?;
        match data.kind {
            Type::Directory => {}
            Type::HamtShard => return Err(Error::HamtUnsupported(*cid)),
            _ => return Err(Error::NotADirectory(*cid)),
        }
        let entries = node.links.iter().map(|link| Entry {
            name: link.name.unwrap_or_default().to_owned(),
            cid: link.cid,
            tsize: link.tsize.unwrap_or_default(),
        });
        Ok(Some(entries.collect()))
    }
}

/// Decodes a dag-pb block and its UnixFS data.
pub(super) fn decode_unixfs<'a>(cid: &Cid, block: &'a [u8]) -> Result<(dagpb::PbNode<'a>, UnixFs<'a>)> {
    let node = dagpb::decode(block).map_err(Error::malformed(cid))?;
    let data = node.data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode).map_err(Error::malformed(cid))?;
    Ok((node, data))
}

/// Checks a block from outside against its CID; gives the digest, or `None` for identity, which needs no storing.
pub(super) fn check_block(cid: &Cid, block: &[u8]) -> Result<Option<crate::Digest>> {
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
