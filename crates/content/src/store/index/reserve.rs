//! Room on the disk that the index keeps for itself, so that what makes room works on a full disk.
//!
//! `index.reserve` is a file of nothing whose blocks are really allocated. When the file system has no more for the index,
//! a part of it is given up and the write done again: redb never hears of it, which after a failed write would refuse
//! everything until it is opened anew. The reserve is made whole again as soon as there is room; until then only
//! transactions that make room are begun.

use std::{
    fmt,
    fs::File,
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use redb::{BackendError, StorageBackend, backends::FileBackend};
use rustix::{
    fs::{FallocateFlags, fallocate, statvfs},
    io::Errno,
};

use crate::{Error, Result, error::is_full, store::lock};

/// How much is kept; on a small disk, the share below.
const MOST_BYTES: u64 = 32 << 20;
const SHARE_OF_DISK: u64 = 16;
/// What stays free besides, so that a transaction that may be begun also ends.
const LEAST_FREE_BYTES: u64 = 4 << 20;
/// How much is given up at once.
const STEP_BYTES: u64 = 2 << 20;
const NAME: &str = "index.reserve";

/// The reserve of the index in a folder.
pub(super) struct Reserve {
    folder: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// How much there is.
    held_bytes: u64,
    /// How much there should be; nothing where the file system can't allocate ahead.
    wanted_bytes: u64,
}

impl Reserve {
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let space = statvfs(folder).map_err(|error| Error::io("ask for the size of", folder)(error.into()))?;
        let wanted_bytes = MOST_BYTES.min(space.f_blocks.saturating_mul(space.f_frsize) / SHARE_OF_DISK);
        let held_bytes = folder.join(NAME).metadata().map_or(0, |meta| meta.len());
        Ok(Self { folder: folder.to_owned(), state: Mutex::new(State { held_bytes, wanted_bytes }) })
    }

    /// Makes the reserve whole, if there is room for it.
    pub(super) fn fill(&self) -> Result<()> {
        let mut state = lock(&self.state);
        let lacking = state.wanted_bytes.saturating_sub(state.held_bytes);
        if lacking == 0 || self.free_bytes()? < lacking + LEAST_FREE_BYTES {
            return Ok(());
        }
        match self.allocate(state.wanted_bytes) {
            Ok(()) => state.held_bytes = state.wanted_bytes,
            Err(error) if is_full(&error) => {}
            Err(error) => {
                tracing::info!(%error, "this file system keeps no room for the index");
                state.wanted_bytes = 0;
            }
        }
        Ok(())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let file = File::options().write(true).create(true).truncate(false).open(self.folder.join(NAME))?;
        loop {
            match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// Whether a transaction of so many bytes may be begun that doesn't make room.
    ///
    /// # Errors
    /// [`Error::NoRoom`].
    pub(super) fn admit(&self, bytes: u64) -> Result<()> {
        self.fill()?;
        let lacking = {
            let state = lock(&self.state);
            state.wanted_bytes.saturating_sub(state.held_bytes)
        };
        let needed_bytes = bytes.saturating_add(LEAST_FREE_BYTES).saturating_add(lacking);
        let free_bytes = self.free_bytes()?;
        if needed_bytes > free_bytes { Err(Error::NoRoom { needed_bytes, free_bytes }) } else { Ok(()) }
    }

    /// Gives up a part; `false` when there is none left.
    fn give(&self) -> io::Result<bool> {
        let mut state = lock(&self.state);
        if state.held_bytes == 0 {
            return Ok(false);
        }
        let left = state.held_bytes.saturating_sub(STEP_BYTES);
        File::options().write(true).open(self.folder.join(NAME))?.set_len(left)?;
        state.held_bytes = left;
        tracing::warn!(left_bytes = left, "the disk is full: the index takes from what it has kept for itself");
        Ok(true)
    }

    fn free_bytes(&self) -> Result<u64> {
        let space = statvfs(&self.folder);
        let space = space.map_err(|error| Error::io("ask for the free space of", &self.folder)(error.into()))?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// The index's file, whose writes may take from the reserve.
pub(super) struct Backed {
    file: FileBackend,
    reserve: Arc<Reserve>,
}

impl Backed {
    pub(super) fn new(file: FileBackend, reserve: Arc<Reserve>) -> Self {
        Self { file, reserve }
    }

    fn with_reserve(&self, mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        loop {
            match act() {
                Err(error) if is_full(&error) && self.reserve.give()? => {}
                other => return other,
            }
        }
    }
}

impl StorageBackend for Backed {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with_reserve(|| self.file.set_len(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Never twice: what a failed sync has lost, a second one doesn't miss.
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with_reserve(|| self.file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

impl fmt::Debug for Backed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backed")
    }
}
