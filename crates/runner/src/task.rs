//! What a job makes of its source.

use serde::{Deserialize, Serialize};

/// One job's purpose: a film's renditions, what lies beside a film (a companion, whose result is a [`crate::Transcoded`]
/// with one file in it), or pictures of a file that is neither film nor sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Everything that a film needs to be watched.
    #[default]
    Renditions,
    /// SubRip, ASS or WebVTT, cleaned: `s0/captions.vtt`, the only entry of `captions`.
    Captions,
    /// A still picture, or the first one of a moving one: `poster.jpg`.
    Picture,
    /// The picture that a film shows at this time: `poster.jpg`.
    Frame { at_ms: u64 },
    /// Small pictures of a file that is published as it is: the result's `preview`, and nothing else.
    Preview { of: Document },
}

/// What a preview is made of, by the file's first bytes: it may be something else all the same, and is refused then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// A still picture, or the first of a moving one.
    Picture,
    /// Its first page.
    Pdf,
    /// Its cover.
    Epub,
}

impl Document {
    /// What the media type says that a preview can be made of.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp" | "image/tiff" => {
                Some(Self::Picture)
            }
            "application/pdf" => Some(Self::Pdf),
            "application/epub+zip" => Some(Self::Epub),
            _ => None,
        }
    }
}

impl Task {
    /// The recipe of a companion or a preview: other bytes of the same source have another name. Renditions have their
    /// preset's.
    pub fn recipe(self) -> Option<String> {
        match self {
            Self::Renditions => None,
            Self::Captions => Some("captions-1".to_owned()),
            Self::Picture => Some("picture-1".to_owned()),
            Self::Frame { at_ms } => Some(format!("frame-1.{at_ms}")),
            Self::Preview { of: Document::Picture } => Some("preview-1.picture".to_owned()),
            Self::Preview { of: Document::Pdf } => Some("preview-1.pdf".to_owned()),
            Self::Preview { of: Document::Epub } => Some("preview-1.epub".to_owned()),
        }
    }

    pub fn is_companion(self) -> bool {
        matches!(self, Self::Captions | Self::Picture | Self::Frame { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, Task};

    #[test]
    fn all_but_renditions_have_recipes_of_their_own() {
        let cases = [
            (Task::Renditions, None, r#""renditions""#),
            (Task::Captions, Some("captions-1"), r#""captions""#),
            (Task::Picture, Some("picture-1"), r#""picture""#),
            (Task::Frame { at_ms: 1500 }, Some("frame-1.1500"), r#"{"frame":{"at_ms":1500}}"#),
            (Task::Preview { of: Document::Pdf }, Some("preview-1.pdf"), r#"{"preview":{"of":"pdf"}}"#),
        ];
        for (task, recipe, json) in cases {
            assert_eq!(task.recipe().as_deref(), recipe);
            assert_eq!(serde_json::to_string(&task).expect("it is plain"), json);
            let is_preview = matches!(task, Task::Preview { .. });
            assert_eq!(task.is_companion(), recipe.is_some() && !is_preview);
        }
    }

    #[test]
    fn what_can_run_or_isnt_known_has_no_preview() {
        assert_eq!(Document::of("image/avif"), Some(Document::Picture));
        assert_eq!(Document::of("application/pdf"), Some(Document::Pdf));
        for none in ["image/svg+xml", "text/xml", "text/html", "application/zip", "video/mp4", ""] {
            assert_eq!(Document::of(none), None, "{none}");
        }
    }
}
