//! A job's states, what its owner is shown of it, and the rules that need no database.

use pinreel_runner::text::plain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::UnixMs;

/// How long a lease lasts without a word from its worker.
pub const LEASE_MS: i64 = 30_000;
/// The name of the one worker that the node itself runs. There is only one, and it does one job of the kinds that it asks
/// for at a time: whatever it held of these before died with its process and needn't be waited for.
pub const LOCAL_WORKER: &str = "local";
/// Leases that may end without a result before a job is given up.
pub const MAX_ATTEMPTS: i32 = 3;
/// Lines kept of a job's log, and the longest.
pub const MAX_LOG_LINES: i64 = 300;
pub const MAX_LOG_CHARS: usize = 500;
/// How urgent jobs may be; the highest goes first.
pub const PRIORITIES: std::ops::RangeInclusive<i16> = -10..=10;
/// What is made again because a worker's output was withdrawn waits for what people wait for.
pub const PRIORITY_OF_REPAIRS: i16 = -1;
/// Sources from this size on are kept for fast workers, for so long.
pub const LARGE_BYTES: i64 = 512 << 20;
pub const KEPT_FOR_FAST_MS: i64 = 120_000;

/// How long a worker whose own fault ended a try of a job isn't given it again: after the first time, the second, and each
/// later one. Others may have it at once.
pub const FAULT_PAUSES_MS: [i64; 3] = [30_000, 120_000, 600_000];

const GIVEN_UP: &str = "The transcoder stopped in the middle of this file three times, so it was given up. \
                        Try again, or publish the file as it is.";

/// A source that is held in the store with its last byte.
#[derive(Clone, Debug)]
pub struct Source {
    /// CIDv1 in base32.
    pub cid: String,
    pub bytes: u64,
    pub file_name: String,
    /// As sniffed from its bytes, not as its sender called it.
    pub media_type: String,
    /// The channel that sent it; a job's share of the workers is its channel's.
    pub channel: Option<String>,
}

/// Whether a media type gets renditions. Everything else is published as it is.
pub fn is_transcoded(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        // Playlists and notes are text that names other files; there is nothing to decode.
        Some(("audio" | "video", kind)) => {
            !matches!(kind, "midi" | "mid" | "x-midi" | "mpegurl" | "x-mpegurl" | "vnd.mpegurl" | "x-scpls")
        }
        Some(("application", kind)) => matches!(kind, "ogg" | "mxf" | "x-matroska" | "mp4"),
        _ => false,
    }
}

/// The largest a job's files may be together: remuxed copies and a ladder, with room for tiny sources.
pub fn max_job_bytes(source_bytes: u64) -> u64 {
    source_bytes.saturating_mul(8).saturating_add(256 << 20)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Running,
    Complete,
    Failed,
    /// A media type that isn't transcoded.
    None,
}

impl JobState {
    /// From the table's word.
    pub fn parse(state: &str) -> Self {
        match state {
            "queued" => Self::Queued,
            "leased" => Self::Running,
            "complete" => Self::Complete,
            "failed" => Self::Failed,
            _ => Self::None,
        }
    }

    /// As a sentence says it.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Queued => "waiting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::None => "of a kind that isn't transcoded",
        }
    }
}

/// What the owner is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    pub id: Uuid,
    pub state: JobState,
    /// Whether it can be watched, be it complete or not.
    pub playable: bool,
    /// What the worker does right now, in a word; empty when it does nothing.
    pub stage: String,
    /// 0 to 1.
    pub fraction: f64,
    /// Seconds of film a second.
    pub speed: Option<f64>,
    pub left_ms: Option<u64>,
    pub rungs: Vec<RungProgress>,
    pub code: Option<String>,
    /// A sentence that a creator understands.
    pub reason: Option<String>,
    pub root: Option<String>,
    pub duration_ms: Option<i64>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RungProgress {
    pub name: String,
    pub height: Option<u32>,
    pub fraction: f64,
    /// Once it is there: how it was made and why, as a sentence; empty before.
    #[serde(default)]
    pub why: String,
}

/// The last report of a worker, as kept: bounded and sane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptProgress {
    pub stage: String,
    pub fraction: f64,
    pub speed: Option<f64>,
    pub left_ms: Option<u64>,
    pub rungs: Vec<RungProgress>,
}

/// One playable quality, as the rendition record and the watch page name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rung {
    /// `v1080`, `a0`: its folder in the root.
    pub name: String,
    pub width: Option<u32>,
    /// Absent for sound.
    pub height: Option<u32>,
    /// Frames a second as numerator and denominator; absent for sound.
    pub frame_rate: Option<(u32, u32)>,
    /// Absent for a picture.
    pub channels: Option<u32>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    pub codecs: String,
    pub peak_bps: u64,
    pub average_bps: u64,
    pub bytes: u64,
    /// What a player needs for it, with sound: BANDWIDTH in the master playlist. Absent for sound beside a picture.
    pub bandwidth: Option<u64>,
    /// Whether it is the source's own stream, copied.
    #[serde(default)]
    pub is_remuxed: bool,
    /// Why it was copied or encoded, as a sentence.
    #[serde(default)]
    pub why: String,
    /// Of sound that isn't silence.
    #[serde(default)]
    pub loudness: Option<Loudness>,
}

/// How loud a sound is, by EBU R 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Loudness {
    pub integrated_centi_lufs: i32,
    pub range_centi_lu: i32,
    /// The greatest sample.
    pub peak_centi_dbfs: i32,
}

impl From<pinreel_runner::Loudness> for Loudness {
    fn from(sent: pinreel_runner::Loudness) -> Self {
        Self {
            integrated_centi_lufs: sent.integrated_centi_lufs,
            range_centi_lu: sent.range_centi_lu,
            peak_centi_dbfs: sent.peak_centi_dbfs,
        }
    }
}

/// What this node made of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    pub source: String,
    pub recipe: String,
    pub root: String,
    pub worker: String,
    pub duration_ms: i64,
    /// The poster's CID.
    pub poster: Option<String>,
    /// The CID of the storyboard's index.
    pub storyboard: Option<String>,
    /// Best first, sound last.
    pub rungs: Vec<Rung>,
    pub warnings: Vec<String>,
    /// The header's CID once it is in the log.
    pub record: Option<String>,
    pub created_ms: UnixMs,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobLogEntry)]
pub struct LogEntry {
    /// When the node heard it
    pub at_ms: UnixMs,
    pub text: String,
}

/// What becomes of a job whose lease ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterLease {
    Again,
    /// Again, and the lease counts as no try: the worker was told to end.
    Back,
    /// Again, by a worker that has this codec.
    Elsewhere {
        codec: String,
    },
    GiveUp {
        code: String,
        reason: String,
    },
}

/// How a worker gave its job back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// It failed, because of the file.
    Failed,
    /// It failed, through the worker's own fault.
    Faulted,
    Released,
}

impl LeaseEnd {
    /// The table's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Faulted => "faulted",
            Self::Released => "released",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Failed, Self::Faulted, Self::Released].into_iter().find(|end| end.name() == name)
    }
}

/// A worker vanished: its lease ran out.
pub fn after_expiry(attempts: i32) -> AfterLease {
    if attempts < MAX_ATTEMPTS {
        return AfterLease::Again;
    }
    AfterLease::GiveUp { code: "worker_lost".to_owned(), reason: GIVEN_UP.to_owned() }
}

/// A worker gave the job back in words.
pub fn after_failure(attempts: i32, retryable: bool, code: &str, reason: &str) -> AfterLease {
    if retryable && attempts < MAX_ATTEMPTS {
        return AfterLease::Again;
    }
    let code: String =
        code.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').take(40).collect();
    let reason = plain(reason, 400);
    AfterLease::GiveUp {
        code: if code.is_empty() { "failed".to_owned() } else { code },
        reason: if reason.is_empty() { "The transcoder gave no reason.".to_owned() } else { reason },
    }
}

/// Whether a worker is so slow beside the fastest that large sources are better left to that one for a while.
pub fn is_slow(speed: Option<f64>, fastest_beside: Option<f64>) -> bool {
    matches!((speed, fastest_beside), (Some(speed), Some(fastest)) if speed * 2.0 < fastest)
}

/// A worker's name as records spell it.
pub fn worker_id(name: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let id = name.chars().map(|c| c.to_ascii_lowercase()).map(|c| if fits(c) { c } else { '-' }).take(64);
    let id: String = id.collect();
    if id.is_empty() { "unnamed".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn video_and_audio_are_transcoded_and_nothing_else() {
        for (media_type, expected) in [
            ("video/mp4", true),
            ("VIDEO/WebM; codecs=vp9", true),
            ("audio/mpeg", true),
            ("application/ogg", true),
            ("audio/midi", false),
            ("audio/x-mpegurl", false),
            ("application/vnd.apple.mpegurl", false),
            ("image/gif", false),
            ("application/pdf", false),
            ("text/plain", false),
            ("application/octet-stream", false),
            ("", false),
        ] {
            assert_eq!(is_transcoded(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn third_loss_gives_up() {
        assert_eq!(after_expiry(1), AfterLease::Again);
        assert_eq!(after_expiry(2), AfterLease::Again);
        assert!(matches!(after_expiry(3), AfterLease::GiveUp { code, .. } if code == "worker_lost"));
    }

    #[test]
    fn a_worker_is_slow_only_beside_one_known_to_be_twice_as_fast() {
        for (speed, fastest, expected) in [
            (None, None, false),
            (None, Some(9.0), false),
            (Some(1.0), None, false),
            (Some(1.0), Some(2.0), false),
            (Some(0.9), Some(2.0), true),
            (Some(5.0), Some(2.0), false),
        ] {
            assert_eq!(is_slow(speed, fastest), expected, "{speed:?} {fastest:?}");
        }
    }

    #[test]
    fn worker_names_fit_their_record() {
        for (name, id) in [("", "unnamed"), ("Host-1.lan:4711", "host-1.lan-4711"), ("é\n", "--")] {
            assert_eq!(worker_id(name), id);
        }
        assert_eq!(worker_id(&"x".repeat(100)).len(), 64);
    }

    #[test]
    fn a_final_failure_is_final_at_once_and_bounded() {
        assert_eq!(after_failure(1, true, "disk_full", "x"), AfterLease::Again);
        let killed = "The transcoder broke down on this file.";
        assert_eq!(after_failure(2, true, "transcoder_crashed", killed), AfterLease::Again);
        let given_up = AfterLease::GiveUp { code: "transcoder_crashed".to_owned(), reason: killed.to_owned() };
        assert_eq!(after_failure(3, true, "transcoder_crashed", killed), given_up);
        let AfterLease::GiveUp { code, reason } = after_failure(1, false, "BAD code_1\n", "a\nb\"c\u{0}") else {
            panic!("a final failure is tried again")
        };
        assert_eq!((code.as_str(), reason.as_str()), ("code_1", "a b'c"));
    }
}
