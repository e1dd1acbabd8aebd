//! Files that were read lately, kept open: opening one costs more than reading 64 KiB of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cid::Cid;
use hashlink::LruCache;

use super::FileReader;

/// How many stay open: segments of some dozen films that are being watched.
const MOST: usize = 512;

/// The cache. Whatever removes a file or finds it damaged empties it, so that nobody is given what is gone.
pub(super) struct OpenFiles {
    state: Mutex<State>,
}

struct State {
    files: LruCache<Cid, FileReader>,
    /// How often the cache was emptied.
    emptied: u64,
}

/// A look that found nothing: the file may be put in if nothing was removed since.
pub(super) struct Missed(u64);

impl Default for OpenFiles {
    fn default() -> Self {
        Self { state: Mutex::new(State { files: LruCache::new(MOST), emptied: 0 }) }
    }
}

impl OpenFiles {
    pub(super) fn get(&self, cid: &Cid) -> Result<FileReader, Missed> {
        let mut state = self.lock();
        match state.files.get(cid) {
            Some(file) => Ok(file.clone()),
            None => Err(Missed(state.emptied)),
        }
    }

    pub(super) fn put(&self, missed: &Missed, file: &FileReader) {
        let mut state = self.lock();
        if state.emptied == missed.0 {
            state.files.insert(*file.cid(), file.clone());
        }
    }

    pub(super) fn all(&self) -> Vec<FileReader> {
        self.lock().files.iter().map(|(_, file)| file.clone()).collect()
    }

    pub(super) fn empty(&self) {
        let mut state = self.lock();
        state.files.clear();
        state.emptied += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
