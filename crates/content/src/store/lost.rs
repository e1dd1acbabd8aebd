//! An index that was there and is gone: a folder without one, or with an empty one, must not be taken for a new store, for
//! nothing else knows what is pinned, what is public and what was erased.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{erasures, index::damaged, recover::entries};
use crate::{Error, Result};

/// There as soon as there was an index.
const MADE: &str = "index.made";
const TEXT: &[u8] = b"There was an index in this folder: index.redb. If it is missing, see `pinreel store rebuild`.\n";

/// Whether the folder had an index and hasn't any more.
pub(super) fn is_lost(dir: &Path, index: &str) -> Result<bool> {
    let path = dir.join(index);
    let is_nothing = match fs::metadata(&path) {
        Ok(meta) => meta.len() == 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::io("look at", path)(error)),
    };
    Ok(is_nothing && had_one(dir)?)
}

/// By the note, by what was erased, or by any file: all came after there was an index.
fn had_one(dir: &Path) -> Result<bool> {
    if dir.join(MADE).exists() || dir.join(erasures::FILE).exists() {
        return Ok(true);
    }
    for shard in entries(&dir.join("blobs"))? {
        if shard.file_type().is_ok_and(|kind| kind.is_dir()) && !entries(&shard.path())?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// [`Error::IndexDamaged`] if it is lost.
pub(super) fn refuse(dir: &Path, index: &str) -> Result<()> {
    if is_lost(dir, index)? { Err(damaged("it is missing, or empty")) } else { Ok(()) }
}

/// Notes that there is an index, once what it has is on the disk. On a full disk a later start does.
pub(super) fn note(dir: &Path) {
    let path = dir.join(MADE);
    let made = || {
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        file.write_all(TEXT)?;
        file.sync_all()
    };
    match if path.exists() { Ok(()) } else { made() } {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            tracing::warn!(%error, "it can't be noted that this store has an index");
        }
        _ => {}
    }
}
