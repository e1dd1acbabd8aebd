//! What can be watched while a job runs.

use serde::{Deserialize, Serialize};

use crate::{Audio, Segment, Video};

/// The renditions that are watched first: one picture, one sound, or both. Without their segments, which are told as
/// they are made; numbers that only the end can tell are as planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Early {
    pub video: Option<Video>,
    pub audio: Option<Audio>,
    /// Whether all their segments were made before this was said.
    pub ended: bool,
}

/// Segments of the early renditions, all delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    pub epoch: i64,
    /// The same in all calls of a lease.
    pub early: Early,
    /// The number of the first step.
    pub first: u64,
    /// The segments that begin together: the picture's, then the sound's. Steps told before may be told again.
    pub steps: Vec<Vec<Segment>>,
    /// No more will come.
    pub ended: bool,
}

impl Early {
    /// The renditions' folders, in the order of a step.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let video = self.video.iter().map(|video| video.name.as_str());
        video.chain(self.audio.iter().map(|audio| audio.name.as_str()))
    }
}
