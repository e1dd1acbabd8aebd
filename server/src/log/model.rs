//! An entry as the log keeps it.

use crate::clock::UnixMs;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub index: i64,
    /// The header's CID.
    pub record: String,
    pub received_ms: UnixMs,
    pub header: Vec<u8>,
    pub body: BodyState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyState {
    Present(Vec<u8>),
    /// A tombstone in the log says so.
    Erased,
}

impl Entry {
    /// The body, unless it was erased.
    pub fn body(&self) -> Option<&[u8]> {
        match &self.body {
            BodyState::Present(body) => Some(body),
            BodyState::Erased => None,
        }
    }
}
