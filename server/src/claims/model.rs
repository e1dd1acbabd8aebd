//! What is known of a channel and of a key.

use pinreel_records::{ChannelId, KeyHead, RecordId};

use crate::clock::UnixMs;

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub id: RecordId,
    pub index: i64,
    pub received_ms: UnixMs,
    /// Whether it was here before: this is the answer to a retry.
    pub is_retry: bool,
}

/// A channel as its newest profile describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    pub id: String,
    /// `None` before the first profile.
    pub handle: Option<String>,
    pub name: String,
    /// Markdown.
    pub about: Option<String>,
}

/// What a client needs to sign its key's next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub channel: ChannelId,
    pub handle: Option<String>,
    /// The newest record that says which keys may sign.
    pub keys: RecordId,
    /// The key's last record.
    pub head: Option<KeyHead>,
}

/// A claim's present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimState {
    pub channel: String,
    /// The newest version.
    pub newest: String,
    pub is_erased: bool,
}
