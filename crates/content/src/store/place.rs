//! Files of the store as they lie in their places, where others may have been at work: an operator, a restored backup.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use cid::Cid;
use rustix::fs::OFlags;

/// Opens the file in a place. A link, a pipe or a folder there is as if nothing were.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Without O_NONBLOCK, a pipe would keep us waiting.
    let flags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW).bits() as i32;
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(io::ErrorKind::NotFound.into());
        }
        opened => opened?,
    };
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The size of the file in a place, as [`open`] sees it.
pub(super) fn size(path: &Path) -> io::Result<u64> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_file() { Ok(meta.len()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// What was in a place when it was opened.
pub(super) struct Seen {
    /// The stored file that belongs there.
    pub(super) blob: Cid,
    path: PathBuf,
    is: Identity,
}

#[derive(PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(meta: &Metadata) -> Self {
        let modified = (meta.mtime(), meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), size_bytes: meta.len(), modified }
    }
}

impl Seen {
    pub(super) fn new(blob: Cid, path: PathBuf, meta: &Metadata) -> Self {
        Self { blob, path, is: Identity::of(meta) }
    }

    /// Whether the same file is there still, and nobody has written to it.
    pub(super) fn is_still_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|meta| Identity::of(&meta) == self.is)
    }
}
