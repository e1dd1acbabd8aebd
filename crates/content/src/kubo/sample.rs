//! Reading back a few blocks of what Kubo says that it has pinned.

use std::hash::{BuildHasher as _, RandomState};

use cid::Cid;

use super::{Kubo, KuboError};
use crate::{Error, address::identity_data, limits, links::links_of};

/// How many ways down from the root are gone, each to a leaf: the first, the last, and others by chance.
const WAYS: usize = 4;

impl Kubo {
    /// Asks for the root's block and for those on a few ways from it to a leaf, and checks each against its hash: no
    /// proof that all is there, but one who keeps nothing, or only the root, is found out. At most 4 × 32 blocks.
    ///
    /// # Errors
    /// [`KuboError::NotHeld`], [`KuboError::WrongBytes`].
    pub async fn read_back(&self, root: &Cid) -> Result<(), KuboError> {
        let top = self.links_below(root).await?;
        for way in 0..WAYS {
            let mut next = pick(&top, way);
            for _ in 1..limits::DEPTH {
                let Some(cid) = next else { break };
                next = pick(&self.links_below(&cid).await?, way);
            }
        }
        Ok(())
    }

    /// What a block links to, once it came with the right hash.
    async fn links_below(&self, cid: &Cid) -> Result<Vec<Cid>, KuboError> {
        let block = match identity_data(cid) {
            Some(data) => data.to_vec(),
            None => self.block(cid).await.map_err(|error| match error {
                KuboError::Content(Error::HashMismatch(block)) => KuboError::WrongBytes(block),
                KuboError::Refused { reason, .. } => KuboError::NotHeld { block: *cid, reason },
                other => other,
            })?,
        };
        Ok(links_of(cid, &block).map_err(Error::malformed(cid))?)
    }
}

/// The link by which this way goes on.
fn pick(links: &[Cid], way: usize) -> Option<Cid> {
    let place = match way {
        0 => 0,
        1 => links.len().checked_sub(1)?,
        // Each `RandomState` hashes by keys of its own, which nobody foresees.
        _ => (RandomState::new().hash_one(way) % (links.len() as u64).max(1)) as usize,
    };
    links.get(place).copied()
}
