//! Finding what an address names in the content store. Everything here blocks.

use bytes::Bytes;
use pinreel_content::{Cid, End, Error, FileReader, Kind, Store};

use super::content_type::SNIFF_BYTES;
use super::leave::Leave;

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

/// Opens what a path has led to; `None` if its bytes aren't held after all.
pub fn content(store: &Store, cid: &Cid, leave: &Leave) -> Result<Option<Content>, Error> {
    let Some(node) = store.stat(cid)? else { return Ok(None) };
    Ok(match node.kind {
        Kind::File { .. } => store.open_file_through(cid, &leave.gate)?.map(Content::File),
        Kind::Directory => match index_of(store, cid, leave)? {
            Some(index) => Some(Content::Index(index)),
            None => Some(Content::Folder),
        },
        Kind::Symlink { target } => Some(Content::Symlink(target.into())),
        _ => store.block(cid)?.map(Content::Other),
    })
}

fn index_of(store: &Store, folder: &Cid, leave: &Leave) -> Result<Option<FileReader>, Error> {
    const INDEX: &str = "index.html";
    let End::Found(index) = store.walk_path(folder, &[INDEX], &leave.gate)?.end else { return Ok(None) };
    match store.stat(&index)? {
        Some(node) if matches!(node.kind, Kind::File { .. }) && !leave.way.clone().denies(INDEX, &index) => {
            store.open_file_through(&index, &leave.gate)
        }
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
