//! What a store was found to have wrong.

use crate::socket::operation::{DamagedLeaf, Item};

/// What was found wrong.
#[derive(Default)]
pub struct Wrong {
    pub damaged: Vec<DamagedLeaf>,
    /// Blocks outside of files that were wrong; they are gone.
    pub dropped: Vec<String>,
    pub missing: Vec<String>,
}

impl Wrong {
    pub fn add(&mut self, item: Item) {
        match item {
            Item::Damaged(leaf) => self.damaged.push(leaf),
            Item::Dropped(cid) => self.dropped.push(cid),
            Item::Missing(cid) => self.missing.push(cid),
            Item::Pin(_) | Item::Stale(_) | Item::Made(_) => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        self.damaged.is_empty() && self.dropped.is_empty() && self.missing.is_empty()
    }
}
