//! What somebody wants and isn't here: blocks that pins and published roots lead to but that aren't held.

use cid::Cid;

use super::{Store, reach::Reach};
use crate::Result;

impl Store {
    /// Blocks that aren't held although a pin or a published root leads to them; the first few.
    pub fn missing(&self) -> Result<Vec<Cid>> {
        let index = self.inner.index.read()?;
        let mut reach = Reach::default();
        let pinned = index.pins()?.into_iter().map(|pin| pin.cid);
        for root in pinned.chain(index.public_roots()?) {
            self.reach(&index, &root, &mut reach)?;
        }
        Ok(reach.missing)
    }
}
