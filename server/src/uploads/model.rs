//! What an upload is, and the rules that need no database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::UnixMs;

/// How long an unfinished upload is kept after its last byte.
pub const LIFE_MS: i64 = 48 * 3600 * 1000;
/// How long one is kept that hasn't got any: it holds nothing but room.
pub const EMPTY_LIFE_MS: i64 = 3600 * 1000;
/// Unfinished uploads of one channel: each reserves room on the disk.
pub const MAX_RECEIVING: usize = 64;
/// What a channel may reserve in any case, unless the operator says otherwise.
const LEAST_QUOTA_BYTES: u64 = 10 << 30;
/// The share of the free room that it may reserve where that is more.
const QUOTA_SHARE: u64 = 4;
/// The share of what would be free without unfinished uploads that these may take together, as a fraction: the rest is
/// for what becomes of those that end.
const TOGETHER_SHARE: (u64, u64) = (3, 4);
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    pub free_bytes: u64,
    /// What unfinished uploads were promised and haven't sent yet.
    pub reserved_bytes: u64,
    /// Those of them that are the asking channel's.
    pub own_reserved_bytes: u64,
    /// What unfinished uploads have sent.
    pub arrived_bytes: u64,
}

/// How much of the room one channel may reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// All of it: the operator's own channels.
    None,
    /// What the operator has set.
    Bytes(u64),
    /// A share, but a decent file always.
    Share,
}

impl Room {
    /// What a new upload may take, whoever asks.
    pub fn available_bytes(self) -> u64 {
        self.free_bytes.saturating_sub(self.reserved_bytes).saturating_sub(SPARE_BYTES)
    }

    /// What the channel's unfinished uploads may still have to send together.
    fn quota_bytes(self, quota: Quota) -> u64 {
        match quota {
            Quota::None => u64::MAX,
            Quota::Bytes(bytes) => bytes,
            Quota::Share => {
                let without_own = Self { reserved_bytes: self.reserved_bytes - self.own_reserved_bytes, ..self };
                LEAST_QUOTA_BYTES.max(without_own.available_bytes() / QUOTA_SHARE)
            }
        }
    }

    /// What unfinished uploads may take together, whoever's they are, arrived or not.
    fn together_bytes(self, quota: Quota) -> u64 {
        if quota == Quota::None {
            return u64::MAX;
        }
        let without_them = self.free_bytes.saturating_add(self.arrived_bytes).saturating_sub(SPARE_BYTES);
        without_them / TOGETHER_SHARE.1 * TOGETHER_SHARE.0
    }

    fn taken_bytes(self) -> u64 {
        self.reserved_bytes.saturating_add(self.arrived_bytes)
    }

    /// What a new upload of the asking channel may take.
    pub fn left_bytes(self, quota: Quota) -> u64 {
        let of_own = self.quota_bytes(quota).saturating_sub(self.own_reserved_bytes);
        let of_all = self.together_bytes(quota).saturating_sub(self.taken_bytes());
        of_own.min(of_all).min(self.available_bytes())
    }
}

/// Why a new upload is refused before any byte is taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    TooLarge { limit_bytes: u64 },
    DiskFull { available_bytes: u64 },
    OverQuota { quota_bytes: u64, reserved_bytes: u64 },
    OverTogether { together_bytes: u64, taken_bytes: u64 },
}

pub fn admit(size_bytes: u64, limit_bytes: u64, room: Room, quota: Quota) -> Result<(), Refusal> {
    if size_bytes > limit_bytes {
        return Err(Refusal::TooLarge { limit_bytes });
    }
    let available_bytes = room.available_bytes();
    if size_bytes > available_bytes {
        return Err(Refusal::DiskFull { available_bytes });
    }
    let (quota_bytes, reserved_bytes) = (room.quota_bytes(quota), room.own_reserved_bytes);
    if size_bytes > quota_bytes.saturating_sub(reserved_bytes) {
        return Err(Refusal::OverQuota { quota_bytes, reserved_bytes });
    }
    let (together_bytes, taken_bytes) = (room.together_bytes(quota), room.taken_bytes());
    if size_bytes > together_bytes.saturating_sub(taken_bytes) {
        return Err(Refusal::OverTogether { together_bytes, taken_bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admission() {
        let room = Room { free_bytes: SPARE_BYTES + 100, reserved_bytes: 40, ..Room::default() };
        let share = |size_bytes, limit_bytes, room| admit(size_bytes, limit_bytes, room, Quota::Share);
        assert_eq!(share(35, 1000, room), Ok(()));
        assert_eq!(share(36, 1000, room), Err(Refusal::OverTogether { together_bytes: 75, taken_bytes: 40 }));
        assert_eq!(share(61, 1000, room), Err(Refusal::DiskFull { available_bytes: 60 }));
        assert_eq!(share(61, 60, room), Err(Refusal::TooLarge { limit_bytes: 60 }));
        assert_eq!(admit(60, 1000, room, Quota::None), Ok(()));
        let promised_away = Room { free_bytes: 10, reserved_bytes: 40, ..Room::default() };
        assert_eq!(share(0, 10, promised_away), Ok(()));
        assert_eq!(share(1, 10, promised_away), Err(Refusal::DiskFull { available_bytes: 0 }));
    }

    #[test]
    fn one_channel_cannot_reserve_the_whole_disk() {
        const GIB: u64 = 1 << 30;
        // Free room, reserved by others, reserved by the channel, quota: what it may still reserve.
        for (free, others, own, quota, left) in [
            (100, 0, 0, Quota::Share, 25),
            (100, 0, 20, Quota::Share, 5),
            (100, 0, 25, Quota::Share, 0),
            (100, 40, 0, Quota::Share, 15),
            (100, 40, 15, Quota::Share, 0),
            (20, 0, 0, Quota::Share, 10),
            (20, 0, 7, Quota::Share, 3),
            (8, 0, 0, Quota::Share, 6),
            (100, 70, 0, Quota::Share, 5),
            (100, 0, 20, Quota::None, 80),
            (100, 0, 2, Quota::Bytes(3 * GIB), 1),
            (100, 0, 4, Quota::Bytes(3 * GIB), 0),
            (100, 0, 0, Quota::Bytes(200 * GIB), 75),
            (100, 70, 0, Quota::None, 30),
        ] {
            let room = Room {
                free_bytes: SPARE_BYTES + free * GIB,
                reserved_bytes: (others + own) * GIB,
                own_reserved_bytes: own * GIB,
                arrived_bytes: 0,
            };
            let case = format!("{free} {others} {own} {quota:?}");
            assert_eq!(room.left_bytes(quota), left * GIB, "{case}");
            assert_eq!(admit(left * GIB, u64::MAX, room, quota), Ok(()), "{case}");
            assert!(admit(left * GIB + 1, u64::MAX, room, quota).is_err(), "{case}");
        }
    }

    /// However many channels begin, and however much of it arrives, a quarter of the disk stays free of unfinished uploads.
    #[test]
    fn many_channels_leave_a_floor() {
        const FREE_BYTES: u64 = 1 << 40;
        let mut room = Room { free_bytes: SPARE_BYTES + FREE_BYTES, ..Room::default() };
        let mut channels = 0;
        while room.left_bytes(Quota::Share) > 0 {
            let size_bytes = room.left_bytes(Quota::Share);
            assert_eq!(admit(size_bytes, u64::MAX, room, Quota::Share), Ok(()));
            // Every other one sends it all but the last byte.
            let arrived_bytes = if channels % 2 == 0 { size_bytes - 1 } else { 0 };
            room.free_bytes -= arrived_bytes;
            room.arrived_bytes += arrived_bytes;
            room.reserved_bytes += size_bytes - arrived_bytes;
            channels += 1;
        }
        assert!(channels > 3, "{channels}");
        assert_eq!(room.available_bytes(), FREE_BYTES / 4);
    }

    #[test]
    fn ids_look_the_same_in_addresses_and_json() {
        let id = UploadId(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), id.to_string());
    }
}
