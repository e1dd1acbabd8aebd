//! What roots lead to: the walk that publishing, withdrawing and collecting share.

use std::collections::HashSet;

use cid::Cid;

use super::{Store, index::Snapshot};
use crate::{
    Digest, Error, Malformed, Result,
    address::{RAW, digest_of},
    limits,
    links::links_of,
};

/// Everything that some roots lead to, but for the leaves of files that are blobs: those are there with their file.
#[derive(Default)]
pub(super) struct Reach {
    /// Blocks whose links were followed.
    followed: HashSet<Digest>,
    /// Blocks that were reached as plain bytes.
    plain: HashSet<Digest>,
    /// Blocks that something leads to but that aren't held; the first few.
    pub(super) missing: Vec<Cid>,
    /// A block that can't be decoded, and so leads nowhere; the first one.
    pub(super) malformed: Option<(Cid, Malformed)>,
}

/// How many missing blocks are named.
const MISSING_NAMED: usize = 16;

impl Reach {
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.followed.contains(digest) || self.plain.contains(digest)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.followed.iter().chain(self.plain.difference(&self.followed))
    }

    pub(super) fn len(&self) -> usize {
        self.followed.len() + self.plain.difference(&self.followed).count()
    }

    fn insert(&mut self, cid: &Cid, digest: Digest) -> bool {
        if cid.codec() == RAW { self.plain.insert(digest) } else { self.followed.insert(digest) }
    }
}

impl Store {
    /// What all pins and published roots lead to.
    pub(super) fn reach_all(&self, index: &Snapshot) -> Result<Reach> {
        let mut reach = Reach::default();
        let pinned = index.pins()?.into_iter().map(|pin| pin.cid);
        for root in pinned.chain(index.public_roots()?) {
            self.reach(index, &root, &mut reach)?;
        }
        Ok(reach)
    }

    /// Adds everything reachable from a root. What can't be decoded is named and leads nowhere; what was erased isn't
    /// entered, nor is it missing.
    pub(super) fn reach(&self, index: &Snapshot, root: &Cid, reach: &mut Reach) -> Result<()> {
        let mut stack = vec![*root];
        while let Some(cid) = stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            if index.is_erased(&digest)? {
                continue;
            }
            if !index.holds(&digest)? {
                if reach.missing.len() < MISSING_NAMED {
                    reach.missing.push(cid);
                }
                continue;
            }
            if !reach.insert(&cid, digest) || cid.codec() == RAW {
                continue;
            }
            if reach.followed.len() > limits::BLOCKS_PER_WALK {
                return Err(Error::DagTooLarge(*root));
            }
            let whole_file = index.blob(&digest)?.is_some_and(|blob| !blob.is_leaf());
            // As it is stored: a damaged block still says where it led, mostly, and what is below stays for its repair.
            let (block, _) = self.block_as_stored(&cid)?.ok_or(Error::BlockMissing(cid))?;
            match links_of(&cid, &block) {
                Ok(links) => stack.extend(links.into_iter().rev().filter(|link| !whole_file || link.codec() != RAW)),
                Err(reason) => drop(reach.malformed.get_or_insert((cid, reason))),
            }
        }
        Ok(())
    }
}
