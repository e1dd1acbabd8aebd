//! What a companion is, and how its sender sees it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::UnixMs;
use crate::media::{self, JobState};

/// What a record can name.
pub const MAX_CAPTIONS: usize = 50;
pub const MAX_CAPTIONS_BYTES: usize = 10 << 20;
pub const MAX_PICTURE_BYTES: usize = 32 << 20;
pub const MAX_LABEL_CHARS: usize = 60;
/// A film's longest, as far as a poster's time is concerned.
pub const MAX_AT_MS: u64 = 7 * 24 * 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CompanionRole)]
pub enum Role {
    Captions,
    Poster,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Captions => "captions",
            Self::Poster => "poster",
        }
    }

    pub fn parse(name: &str) -> Self {
        if name == "poster" { Self::Poster } else { Self::Captions }
    }

    /// The largest file that is taken.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Captions => MAX_CAPTIONS_BYTES,
            Self::Poster => MAX_PICTURE_BYTES,
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Companion {
    pub id: Uuid,
    pub role: Role,
    pub file_name: String,
    pub language: Option<String>,
    pub label: String,
    pub at_ms: Option<u64>,
    /// CID of what was sent; none for a frame.
    pub sent: Option<String>,
    pub job: Option<Uuid>,
    pub created_ms: UnixMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CompanionState)]
pub enum State {
    /// For a worker, or for the film
    Waiting,
    Ready,
    /// It can't be used; the rest is put together without it
    Failed,
}

/// As its sender is shown it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Companion)]
pub struct CompanionView {
    pub id: Uuid,
    pub role: Role,
    /// As sent; empty for a frame of the film
    pub file_name: String,
    /// A BCP 47 tag, of captions
    pub language: Option<String>,
    /// What players call captions
    pub label: String,
    /// Of a poster that is a frame of the film
    pub at_ms: Option<u64>,
    /// CID of the file as it was sent
    pub sent: Option<String>,
    pub state: State,
    /// Why it can't be used: a sentence that names the file, and the line if there is one
    pub problem: Option<String>,
    /// Sentences about what was left out or guessed
    pub notes: Vec<String>,
    /// CID of what was made of it: WebVTT or a JPEG
    pub file: Option<String>,
}

impl Companion {
    pub fn view(self, made: Option<&media::Companion>) -> CompanionView {
        let state = match made.map(|made| made.state) {
            Some(JobState::Complete) => State::Ready,
            Some(JobState::Failed) => State::Failed,
            _ => State::Waiting,
        };
        let named = |text: &str| named(&self.file_name, text);
        CompanionView {
            id: self.id,
            role: self.role,
            state,
            problem: made.and_then(|made| made.reason.as_deref()).map(named),
            notes: made.map(|made| made.notes.iter().map(|note| named(note)).collect()).unwrap_or_default(),
            file: made.and_then(|made| made.file.as_ref()).map(|file| file.cid.clone()),
            file_name: self.file_name,
            language: self.language,
            label: self.label,
            at_ms: self.at_ms,
            sent: self.sent,
        }
    }
}

/// A worker's sentence with the file's name before it; a frame's has none.
fn named(file_name: &str, text: &str) -> String {
    match () {
        () if file_name.is_empty() => text.to_owned(),
        () if text.starts_with("line ") => format!("{file_name}, {text}"),
        () => format!("{file_name}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn problems_name_the_file_and_its_line() {
        assert_eq!(named("a.srt", "line 3: these are no times."), "a.srt, line 3: these are no times.");
        assert_eq!(named("a.srt", "it is empty."), "a.srt: it is empty.");
        assert_eq!(named("", "The film ends before."), "The film ends before.");
    }
}
