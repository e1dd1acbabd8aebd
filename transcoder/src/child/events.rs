//! What a job's child process tells its parent: JSON lines on its standard output.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use pinreel_runner::{Early, Rung, Transcoded};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fence::Layers;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Progress(Progress),
    /// Which layers of the fence this machine has: the answer to a probe.
    Fence(Layers),
    /// A file is whole and will not change; its name in the job's folder.
    File(String),
    /// A segment is whole: its file, and how long it is in its rendition's ticks.
    Segment {
        name: String,
        ticks: u64,
    },
    /// These renditions can be watched while the others are made. Their segments are told one by one, perhaps before this.
    Early(Box<Early>),
    /// What ffmpeg said last; for the operator.
    Said(String),
    /// All files are whole. CIDs are left empty: the parent computes them.
    Done(Box<Transcoded>),
    Failed(Failure),
}

/// How far the child is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 1.
    pub fraction: f64,
    /// Seconds of the source a second.
    pub speed: Option<f64>,
    pub left_ms: Option<u64>,
    /// Milliseconds of the source that are behind.
    pub played_ms: u64,
    pub rungs: Vec<Rung>,
}

/// Writes events; clones write to the same place, a whole line each.
#[derive(Clone)]
pub struct Reporter(Arc<Mutex<Box<dyn Write + Send>>>);

impl Reporter {
    pub fn new(to: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(to)))
    }

    /// A parent that is gone can't be told, and will not miss it.
    pub fn send(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = to.write_all(&line).and_then(|()| to.flush());
    }
}
