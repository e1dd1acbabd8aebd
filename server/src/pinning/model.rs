//! Roles and states of a pin, and how long to wait after a failure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Failures that reached Kubo after which a root is left to the operator: about an hour of trying.
pub const MAX_ATTEMPTS: i32 = 10;
const FIRST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 15 * 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A file as its creator sent it.
    Source,
    /// What was made of it for players.
    Hls,
    /// Small pictures of it.
    Preview,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Hls => "hls",
            Self::Preview => "preview",
        }
    }

    pub fn parse(name: &str) -> Self {
        match name {
            "hls" => Self::Hls,
            "preview" => Self::Preview,
            _ => Self::Source,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PinState {
    Pending,
    Pinned,
    Failed,
    /// To be taken away at Kubo.
    Unwanted,
}

impl PinState {
    pub fn parse(name: &str) -> Self {
        match name {
            "pinned" => Self::Pinned,
            "failed" => Self::Failed,
            "unwanted" => Self::Unwanted,
            _ => Self::Pending,
        }
    }
}

/// A pin as the watch page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pin {
    pub root: String,
    pub role: Role,
    pub state: PinState,
    /// The last failure, in words.
    pub detail: Option<String>,
}

/// A pin as the operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PinStatus {
    pub id: i64,
    #[serde(flatten)]
    pub pin: Pin,
    pub name: String,
    pub attempts: i32,
    pub next_try_ms: i64,
}

/// The pause after the n-th failure in a row (from 1): doubling up to a quarter of an hour.
pub fn pause_ms(failures: i32) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(20);
    (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS)
}

/// What the names of this node's pins begin with.
pub const PIN_PREFIX: &str = "pinreel/";

/// The name of a pin in Kubo: whose it is, what it is, and what people called it.
pub fn pin_name(role: Role, title: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut name = format!("{PIN_PREFIX}{}/{}", role.name(), title.trim());
    // Kubo takes 255 bytes.
    while name.len() > 200 {
        name.pop();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stop_growing() {
        assert_eq!(
            [0, 1, 2, 3, 5, 10, 11, 1_000, i32::MAX].map(pause_ms),
            [1_000, 1_000, 2_000, 4_000, 16_000, 512_000, 900_000, 900_000, 900_000]
        );
    }

    #[test]
    fn names_are_bounded_lines() {
        assert_eq!(pin_name(Role::Hls, " a\nb.mp4 "), "pinreel/hls/a b.mp4");
        let long = pin_name(Role::Source, &"é".repeat(300));
        assert!(long.len() <= 200 && long.starts_with("pinreel/source/éé"));
    }
}
