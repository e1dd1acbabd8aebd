//! Visibility: content is private until its root is published, and what was never published can be removed.

use std::{collections::HashSet, fs};

use cid::Cid;

use super::{Store, lock};
use crate::{
    Digest, Error, Result,
    address::{RAW, digest_of},
    limits,
    links::links_of,
};

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

/// How many missing blocks are named.
const MISSING_NAMED: usize = 16;

impl Store {
    /// Makes everything reachable from a root public: directories, files, and with a file its leaves.
    ///
    /// # Errors
    /// [`Error::BlockMissing`] when the root itself isn't held. Holes further down are reported, not refused.
    pub fn publish(&self, root: &Cid) -> Result<Published> {
        let mut reachable = Vec::new();
        let missing = self.walk(root, |digest| reachable.push(digest))?;
        let newly_public = self.inner.index.write(|tables| {
            let mut newly_public = 0;
            for digest in &reachable {
                newly_public += u64::from(tables.publish(digest)?);
            }
            Ok(newly_public)
        })?;
        Ok(Published { newly_public, missing })
    }

    /// Whether strangers may have this block. Identity CIDs are no secret.
    pub fn is_public(&self, cid: &Cid) -> Result<bool> {
        match digest_of(cid) {
            Some(digest) => self.inner.index.read()?.is_public(&digest),
            None => Ok(cid.hash().code() == crate::address::IDENTITY),
        }
    }

    /// Removes a file that was never published: an abandoned upload, a failed job's output. `false` if it isn't held
    /// as a file. Whether somebody still wants it, the caller must know: two uploads of the same bytes are one file.
    ///
    /// # Errors
    /// [`Error::Published`] when it, or a part of it that nothing else holds, is public.
    pub fn remove_private(&self, cid: &Cid) -> Result<bool> {
        let Some(root) = digest_of(cid) else { return Ok(false) };
        let _files = lock(&self.inner.files);
        let Some(blob) = self.inner.index.read()?.blob(&root)? else { return Ok(false) };
        let parts = self.parts_of(&blob)?;
        self.inner.index.write(|tables| {
            if tables.is_public(&root)? {
                return Err(Error::Published(*cid));
            }
            for leaf in &parts.leaves {
                if tables.is_public(leaf)? && !tables.held_without(leaf, &root)? {
                    return Err(Error::Published(*cid));
                }
            }
            tables.remove_blob(&root, &parts)
        })?;
        self.fault("remove.unindexed");
        let path = self.blob_path(&blob.cid());
        fs::remove_file(&path).map_err(Error::io("remove", path))?;
        Ok(true)
    }

    /// Visits every block reachable from a root once, but for the leaves of files that are blobs; returns the holes.
    fn walk(&self, root: &Cid, mut visit: impl FnMut(Digest)) -> Result<Vec<Cid>> {
        let index = self.inner.index.read()?;
        let mut missing = Vec::new();
        let mut seen = HashSet::new();
        let mut stack = vec![*root];
        while let Some(cid) = stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            if !seen.insert((digest, cid.codec())) {
                continue;
            }
            if seen.len() > limits::BLOCKS_PER_WALK {
                return Err(Error::DagTooLarge(*root));
            }
            if !index.holds(&digest)? {
                if cid == *root {
                    return Err(Error::BlockMissing(cid));
                }
                if missing.len() < MISSING_NAMED {
                    missing.push(cid);
                }
                continue;
            }
            visit(digest);
            if cid.codec() == RAW {
                continue;
            }
            let whole_file = index.blob(&digest)?.is_some_and(|blob| !blob.is_leaf());
            let block = self.block(&cid)?.ok_or(Error::BlockMissing(cid))?;
            let links = links_of(&cid, &block).map_err(Error::malformed(&cid))?;
            // A blob's leaves are public with their root, so only the nodes between need a mark of their own.
            stack.extend(links.into_iter().rev().filter(|link| !whole_file || link.codec() != RAW));
        }
        Ok(missing)
    }
}
