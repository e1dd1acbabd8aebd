//! What an upload is, and the rules that need no database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::UnixMs;

/// How long an unfinished upload is kept after its last byte.
pub const LIFE_MS: i64 = 48 * 3600 * 1000;
/// Unfinished uploads of one channel: each reserves room on the disk.
pub const MAX_RECEIVING: i64 = 64;
/// What uploads leave free on the disk for the index, the database and transcoding.
pub const SPARE_BYTES: u64 = 256 << 20;
/// Uploads in one answer.
pub const PAGE: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct UploadId(pub Uuid);

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for UploadId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Bytes are awaited.
    Receiving,
    /// The source is in the content store and its job queued.
    Stored,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Upload {
    pub id: UploadId,
    /// Genesis CID of the channel that made it.
    pub channel: String,
    pub file_name: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub state: State,
    /// Once stored.
    pub source: Option<String>,
    pub created_ms: UnixMs,
    /// While receiving.
    pub expires_ms: Option<UnixMs>,
}

impl Upload {
    pub fn is_expired(&self, now_ms: UnixMs) -> bool {
        self.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms)
    }
}

/// The room on the disk when an upload asks for some.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub free_bytes: u64,
    /// What unfinished uploads were promised and haven't sent yet.
    pub reserved_bytes: u64,
}

impl Room {
    /// What a new upload may take.
    pub fn available_bytes(self) -> u64 {
        self.free_bytes.saturating_sub(self.reserved_bytes).saturating_sub(SPARE_BYTES)
    }
}

/// Why a new upload is refused before any byte is taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    TooLarge { limit_bytes: u64 },
    DiskFull { available_bytes: u64 },
}

pub fn admit(size_bytes: u64, limit_bytes: u64, room: Room) -> Result<(), Refusal> {
    if size_bytes > limit_bytes {
        return Err(Refusal::TooLarge { limit_bytes });
    }
    let available_bytes = room.available_bytes();
    if size_bytes > available_bytes {
        return Err(Refusal::DiskFull { available_bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admission() {
        let room = Room { free_bytes: SPARE_BYTES + 100, reserved_bytes: 40 };
        assert_eq!(admit(60, 1000, room), Ok(()));
        assert_eq!(admit(61, 1000, room), Err(Refusal::DiskFull { available_bytes: 60 }));
        assert_eq!(admit(61, 60, room), Err(Refusal::TooLarge { limit_bytes: 60 }));
        let promised_away = Room { free_bytes: 10, reserved_bytes: 40 };
        assert_eq!(admit(0, 10, promised_away), Ok(()));
        assert_eq!(admit(1, 10, promised_away), Err(Refusal::DiskFull { available_bytes: 0 }));
    }

    #[test]
    fn ids_look_the_same_in_addresses_and_json() {
        let id = UploadId(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), id.to_string());
    }
}
