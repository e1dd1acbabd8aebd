//! Visibility: content is private until a root that leads to it is published, and again when that is withdrawn.

use cid::Cid;

use super::{Store, lock, reach::Reach};
use crate::{Digest, Error, Result, address::digest_of};

/// Whether strangers may ask for content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Private,
    Public,
}

/// What publishing a root did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Blocks that are public now and weren't before, leaves of files not counted.
    pub newly_public: u64,
    /// Blocks that something reachable refers to but that aren't held; the first few of them.
    pub missing: Vec<Cid>,
}

/// How many blocks become private in one transaction.
const HIDDEN_AT_ONCE: usize = 4096;

impl Store {
    /// Makes everything reachable from a root public: directories, files, and with a file its leaves.
    ///
    /// # Errors
    /// [`Error::BlockMissing`] when the root itself isn't held, [`Error::Erased`], [`Error::Malformed`]. Holes further
    /// down are reported, not refused.
    pub fn publish(&self, root: &Cid) -> Result<Published> {
        let _publishing = lock(&self.inner.publishing);
        let Some(root_digest) = digest_of(root) else { return Ok(Published::default()) };
        let index = self.inner.index.read()?;
        if index.is_erased(&root_digest)? {
            return Err(Error::Erased(*root));
        }
        if !index.holds(&root_digest)? {
            return Err(Error::BlockMissing(*root));
        }
        let mut reach = Reach::default();
        self.reach(&index, root, &mut reach)?;
        if let Some((cid, reason)) = reach.malformed {
            return Err(Error::Malformed { cid, reason });
        }
        let newly_public = self.inner.index.write(|tables| {
            tables.public_roots.insert(&root_digest, &root.to_bytes()[..])?;
            reach.iter().try_fold(0, |count, digest| Ok(count + u64::from(tables.publish(digest)?)))
        })?;
        Ok(Published { newly_public, missing: reach.missing })
    }

    /// Takes a root back: what no other published root leads to is private again. `false` if it wasn't published.
    pub fn withdraw(&self, root: &Cid) -> Result<bool> {
        let Some(digest) = digest_of(root) else { return Ok(false) };
        let known = self.inner.index.write_freeing(|tables| Ok(tables.public_roots.remove(&digest)?.is_some()))?;
        if known {
            self.hide_unpublished()?;
        }
        Ok(known)
    }

    /// The roots that were published and not withdrawn.
    pub fn public_roots(&self) -> Result<Vec<Cid>> {
        self.inner.index.read()?.public_roots()
    }

    /// Makes private what no published root leads to.
    pub(super) fn hide_unpublished(&self) -> Result<()> {
        // Nobody publishes between the look at the roots and the removal.
        let _publishing = lock(&self.inner.publishing);
        let index = self.inner.index.read()?;
        let mut reach = Reach::default();
        for root in index.public_roots()? {
            self.reach(&index, &root, &mut reach)?;
        }
        let hidden = index.public()?.filter(|digest| digest.as_ref().is_ok_and(|digest| !reach.contains(digest)));
        let hidden = hidden.collect::<Result<Vec<Digest>>>()?;
        let done = hidden.chunks(HIDDEN_AT_ONCE).try_for_each(|batch| {
            self.inner.index.write_freeing(|tables| {
                batch.iter().try_for_each(|digest| tables.public.remove(digest).map(drop).map_err(Error::from))
            })
        });
        self.new_epoch();
        done
    }

    /// Whether strangers may have this block. Identity CIDs are no secret.
    pub fn is_public(&self, cid: &Cid) -> Result<bool> {
        match digest_of(cid) {
            Some(digest) => self.inner.index.read()?.is_public(&digest),
            None => Ok(cid.hash().code() == crate::address::IDENTITY),
        }
    }
}
