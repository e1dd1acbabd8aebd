//! Room for a start on a full disk: without any, Postgres can't so much as write its lock file, and the node couldn't come
//! up to give what it has.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Two segments of its log: what Postgres writes while the node looks for what to remove.
const ROOM_BYTES: u64 = 32 << 20;
/// Kept only where so much is left beside it.
const LEAST_FREE_BYTES: u64 = 4 * ROOM_BYTES;

/// A file of no meaning that takes the room.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Takes the room, if it is to be had and isn't taken yet. What can't be kept is only missed on a full disk.
    pub fn keep(&self) {
        if let Err(error) = self.allocate() {
            tracing::info!(%error, "no room is kept for the database");
            let _ = fs::remove_file(&self.path);
        }
    }

    fn allocate(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|found| found.len() == ROOM_BYTES) {
            return Ok(());
        }
        let space = statvfs(self.path.parent().unwrap_or(&self.path))?;
        if space.f_bavail.saturating_mul(space.f_frsize) < ROOM_BYTES + LEAST_FREE_BYTES {
            return Ok(());
        }
        let file = File::options().write(true).create(true).truncate(false).open(&self.path)?;
        Ok(fallocate(&file, FallocateFlags::empty(), 0, ROOM_BYTES)?)
    }

    /// Gives the room up. `false`: there is none.
    pub fn give(&self) -> bool {
        let given = fs::remove_file(&self.path).is_ok();
        if given {
            tracing::warn!("the disk is full: the database gets the room that was kept for it");
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_once_and_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room");
        let reserve = Reserve::at(path.clone());
        assert!(!reserve.give());
        for _ in 0..2 {
            reserve.keep();
            assert_eq!(fs::metadata(&path).unwrap().len(), ROOM_BYTES);
        }
        assert!(reserve.give() && !path.exists() && !reserve.give());
    }
}
