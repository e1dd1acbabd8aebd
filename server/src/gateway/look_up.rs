//! Finding what an address names in the content store. Everything here blocks.

use bytes::Bytes;
use cid::Cid;
use pinreel_content::{Entry, Error, FileReader, Kind, Store};

use super::content_type::SNIFF_BYTES;

/// Who asks: the public sees what is published, an upload's owner also what isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Public,
    Owner,
}

pub struct Found {
    /// What the whole path names.
    pub cid: Cid,
    /// The root and each thing on the way to `cid`, which comes last.
    pub roots: Vec<Cid>,
    pub content: Content,
}

pub enum Content {
    /// A block as it is.
    Block(Bytes),
    File(FileReader),
    /// A folder that has an `index.html`.
    Index(FileReader),
    Folder(Vec<Entry>),
    Symlink(Bytes),
    /// A block of a codec that isn't UnixFS.
    Other(Bytes),
}

/// `Ok(None)`: something on the way isn't held, isn't there, or isn't for this audience; which of these isn't told.
pub fn look_up(
    store: &Store,
    (root, segments): (&Cid, &[String]),
    audience: Audience,
    as_block: bool,
) -> Result<Option<Found>, Error> {
    let may_see = |cid: &Cid| Ok::<_, Error>(audience == Audience::Owner || store.is_public(cid)?);
    if !may_see(root)? {
        return Ok(None);
    }
    let mut cid = *root;
    let mut roots = vec![cid];
    for name in segments {
        let Some(next) = store.resolve(&cid, std::slice::from_ref(name))? else { return Ok(None) };
        cid = next.cid;
        roots.push(cid);
    }
    // Publishing a root publishes all below it, but a folder may also name what its maker merely knew the CID of.
    if !segments.is_empty() && !may_see(&cid)? {
        return Ok(None);
    }
    let content = if as_block { store.block(&cid)?.map(Content::Block) } else { content(store, &cid, may_see)? };
    Ok(content.map(|content| Found { cid, roots, content }))
}

fn content(store: &Store, cid: &Cid, may_see: impl Fn(&Cid) -> Result<bool, Error>) -> Result<Option<Content>, Error> {
    let Some(node) = store.stat(cid)? else { return Ok(None) };
    Ok(match node.kind {
        Kind::File { .. } => store.open_file(cid)?.map(Content::File),
        Kind::Directory => match store.list(cid)? {
            None => None,
            Some(entries) => match index_of(store, &entries, may_see)? {
                Some(index) => Some(Content::Index(index)),
                None => Some(Content::Folder(entries)),
            },
        },
        Kind::Symlink { target } => Some(Content::Symlink(target.into())),
        _ => store.block(cid)?.map(Content::Other),
    })
}

fn index_of(
    store: &Store,
    entries: &[Entry],
    may_see: impl Fn(&Cid) -> Result<bool, Error>,
) -> Result<Option<FileReader>, Error> {
    let Some(entry) = entries.iter().find(|entry| entry.name == "index.html") else { return Ok(None) };
    if !may_see(&entry.cid)? || !matches!(store.stat(&entry.cid)?, Some(node) if matches!(node.kind, Kind::File { .. }))
    {
        return Ok(None);
    }
    store.open_file(&entry.cid)
}

/// The first bytes, for guessing what they are; empty when a block of them is missing.
pub fn first_bytes(file: &FileReader) -> Vec<u8> {
    let mut first = vec![0; SNIFF_BYTES];
    let length = file.read_at(&mut first, 0).unwrap_or_default();
    first.truncate(length);
    first
}
