//! What somebody wants and isn't here: blocks that pins and published roots lead to but that aren't held.

use cid::Cid;

use super::Store;
use crate::Result;

impl Store {
    /// Blocks that aren't held although a pin or a published root leads to them; the first few.
    pub fn missing(&self) -> Result<Vec<Cid>> {
        let reach = self.reach_all(&*self.inner.index.read()?)?;
        Ok(reach.missing)
    }
}
