//! What a worker says while it works, and at the end.

use serde::{Deserialize, Serialize};

use crate::Transcoded;

/// How far a job is. Sent at least three times within a lease, also when nothing changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub epoch: i64,
    /// `fetching`, `transcoding` or `delivering`.
    pub stage: String,
    /// Of the whole job, 0 to 1; never goes back.
    pub fraction: f64,
    /// Seconds of video a second, once transcoding runs.
    pub speed: Option<f64>,
    pub left_ms: Option<u64>,
    pub rungs: Vec<Rung>,
    /// What was noted since the last report that was answered.
    #[serde(default)]
    pub log: Vec<LogLine>,
}

/// A line of a job's log: for the operator, never for the creator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts the lines of this lease.
    pub number: u32,
    pub text: String,
}

/// One rendition's progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The rendition's name: `v720`, `a0`.
    pub name: String,
    /// Absent for sound.
    pub height: Option<u32>,
    /// 0 to 1.
    pub fraction: f64,
}

/// The server's answer to progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressAnswer {
    /// Time left from now.
    pub lease_ms: u64,
    /// The job isn't wanted any more: the worker stops, and says nothing more about it.
    pub cancel: bool,
}

/// The job is done and all its files are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    pub epoch: i64,
    pub result: Transcoded,
    #[serde(default)]
    pub log: Vec<LogLine>,
}

/// The job can't be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fail {
    pub epoch: i64,
    /// A stable `snake_case` word.
    pub code: String,
    /// A sentence for the creator: what is wrong with the file, or that it was the worker's fault.
    pub reason: String,
    /// Whether another try, by this worker or another, may succeed.
    pub retryable: bool,
    /// The codec that this worker would have needed: one that has it may try.
    #[serde(default)]
    pub needs_codec: Option<String>,
    #[serde(default)]
    pub log: Vec<LogLine>,
}

impl Fail {
    pub fn is_of_worker(&self) -> bool {
        is_of_worker(&self.code, self.retryable)
    }
}

/// What only a worker's machine can be the cause of: its disk, its fence, its way to the server.
const OF_WORKER: [&str; 4] = ["worker_disk", "sandbox_failed", "delivery_stalled", "source_mismatch"];

/// Whether a failure is the worker's own: its disk is full, its fence can't be put up. Whatever else went wrong while it
/// read the file isn't, for the file may be what caused it.
pub fn is_of_worker(code: &str, retryable: bool) -> bool {
    retryable && OF_WORKER.contains(&code)
}

/// The worker ends before the job is done, through no fault of the job's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub epoch: i64,
}

#[cfg(test)]
mod tests {
    use super::{OF_WORKER, is_of_worker};

    #[test]
    fn what_a_file_may_cause_is_not_the_workers_fault() {
        for code in OF_WORKER {
            assert!(is_of_worker(code, true) && !is_of_worker(code, false), "{code}");
        }
        for code in ["transcoder_crashed", "transcoder_killed", "transcoder_error", "copy_unfit", "file_damaged", ""] {
            assert!(!is_of_worker(code, true), "{code}");
        }
    }
}
