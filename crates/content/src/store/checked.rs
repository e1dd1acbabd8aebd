//! Blocks outside of files are checked against their hash whenever they are read: they go through memory anyway, and a
//! disk that returns other bytes than it was given is found out before anybody is given them.
//!
//! A large one is read once for each piece that is sent of it. What was right a moment ago isn't hashed again.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cid::Cid;
use hashlink::LruCache;

use crate::{Digest, Error, Result, address::sha256};

/// Smaller ones are hashed sooner than remembered.
const LARGE_BYTES: usize = 16 * 1024;
/// How many are remembered, and for how long.
const MOST: usize = 4096;
const LATELY: Duration = Duration::from_secs(60);

/// Large blocks that were right lately.
pub(super) struct CheckedLately(Mutex<LruCache<Digest, Instant>>);

impl Default for CheckedLately {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl CheckedLately {
    /// Gives the block back if it has its hash.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn check(&self, cid: &Cid, digest: &Digest, block: Bytes) -> Result<Bytes> {
        let is_large = block.len() >= LARGE_BYTES;
        if is_large && self.lock(|right| right.get(digest).is_some_and(|when| when.elapsed() < LATELY)) {
            return Ok(block);
        }
        if sha256(&block) != *digest {
            return Err(Error::Damaged(*cid));
        }
        if is_large {
            self.lock(|right| right.insert(*digest, Instant::now()));
        }
        Ok(block)
    }

    fn lock<T>(&self, run: impl FnOnce(&mut LruCache<Digest, Instant>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
