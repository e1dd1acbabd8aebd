//! Finding what an address names in the content store. Everything here blocks.

use std::sync::Arc;

use bytes::Bytes;
use pinreel_content::{Cid, End, Error, FileReader, Gate, Kind, Store};

use super::content_type::SNIFF_BYTES;
use crate::denylist::{Rules, Verdict};

/// Who asks: the public sees what is published, an upload's owner also what isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Public,
    Owner,
}

/// What a block is.
pub enum Content {
    File(FileReader),
    /// A folder that has an `index.html`.
    Index(FileReader),
    Folder,
    Symlink(Bytes),
    /// A block of a codec that isn't UnixFS.
    Other(Bytes),
}

/// What may be given to this audience: what is published to it and not denied. A rule that allows the path that was
/// asked for opens its root, too.
pub fn gate(store: &Store, audience: Audience, rules: &Arc<Rules>, allowed: Option<Cid>) -> Gate {
    if audience == Audience::Owner && rules.is_empty() {
        return Gate::default();
    }
    let (store, rules) = (store.clone(), rules.clone());
    Gate::new(move |cid| {
        let is_open = allowed == Some(*cid) || !matches!(rules.block(cid), Verdict::Denied(_));
        // Publishing a root publishes all below it, but a folder may also name what its maker merely knew the CID of.
        Ok(is_open && (audience == Audience::Owner || store.is_public(cid)?))
    })
}

/// Opens what a path has led to; `None` if its bytes aren't held after all.
pub fn content(store: &Store, cid: &Cid, gate: &Gate) -> Result<Option<Content>, Error> {
    let Some(node) = store.stat(cid)? else { return Ok(None) };
    Ok(match node.kind {
        Kind::File { .. } => store.open_file_through(cid, gate)?.map(Content::File),
        Kind::Directory => match index_of(store, cid, gate)? {
            Some(index) => Some(Content::Index(index)),
            None => Some(Content::Folder),
        },
        Kind::Symlink { target } => Some(Content::Symlink(target.into())),
        _ => store.block(cid)?.map(Content::Other),
    })
}

fn index_of(store: &Store, folder: &Cid, gate: &Gate) -> Result<Option<FileReader>, Error> {
    let End::Found(index) = store.walk_path(folder, &["index.html"], gate)?.end else { return Ok(None) };
    match store.stat(&index)? {
        Some(node) if matches!(node.kind, Kind::File { .. }) => store.open_file_through(&index, gate),
        _ => Ok(None),
    }
}

/// The first bytes from `start` on, for guessing what they are; `None` when a block of them is missing.
pub fn first_bytes(file: &FileReader, start: u64, most: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(SNIFF_BYTES);
    let mut first = vec![0; length];
    let length = file.read_at(&mut first, start).ok()?;
    first.truncate(length);
    Some(first)
}
