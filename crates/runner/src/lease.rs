//! Asking for a job and being given one.

use serde::{Deserialize, Serialize};

use crate::{Preset, Task};

/// What a worker says of itself when it asks for work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The worker's name for operators: by default its host's name and process id. A registered worker's name is the
    /// one that its key was given for, whatever stands here.
    pub worker: String,
    /// Program and version, such as `pinreel-transcoder/0.1.0`.
    pub software: String,
    /// The recipes that it can run.
    pub recipes: Vec<String>,
    pub capabilities: Capabilities,
    /// Of its kinds, those that it has a hand free for: a worker asks for long jobs and small ones apart.
    pub wants: Vec<Kind>,
    /// How long the server may hold the request open before it answers 204.
    pub wait_ms: u64,
}

/// What a worker can do, as far as it differs between workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    pub kinds: Vec<Kind>,
    /// ffmpeg's names of the codecs that it can decode. A job that failed elsewhere for want of one goes to a worker that
    /// has it.
    pub codecs: Vec<String>,
    /// Seconds of film a second, measured at its last job; large sources are kept for faster workers for a while.
    pub speed: Option<f64>,
}

/// Kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Video,
    Audio,
    /// What lies beside a film, whatever it is: small jobs for which nobody should wait behind a long one.
    Companion,
    /// Pictures of what is neither film nor sound: small jobs, too.
    Preview,
}

impl Kind {
    /// What a media type promises; everything that isn't plainly sound may hold a picture.
    pub fn of(media_type: &str) -> Self {
        if media_type.starts_with("audio/") { Self::Audio } else { Self::Video }
    }
}

/// One job, lent to one worker until the lease runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The job's id, as it stands in the calls' paths.
    pub job: String,
    /// Counts the leases of this job. An answer with an older epoch changes nothing.
    pub epoch: i64,
    /// Opens this job's calls while the lease lasts.
    pub token: String,
    pub source: Source,
    pub task: Task,
    /// One of the request's recipes, made specific by the preset: see [`Preset::recipe`]; of other tasks, the task's own.
    pub recipe: String,
    pub preset: Preset,
    /// Time left from the moment of the answer; each progress call renews it.
    pub lease_ms: u64,
}

/// The file that something is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `CIDv1` in base32: the worker checks what it fetched against it.
    pub cid: String,
    pub bytes: u64,
    /// As its sender named it: for messages only, never for a path or a choice of format.
    pub file_name: String,
    pub media_type: String,
}
