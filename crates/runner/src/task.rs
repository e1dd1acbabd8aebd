//! What a job makes of its source.

use serde::{Deserialize, Serialize};

/// One job's purpose. All but the first are companions: what lies beside a film. Their result is a [`crate::Transcoded`]
/// with one file in it.
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
}

impl Task {
    /// The recipe of a companion: other bytes of the same source have another name. Renditions have their preset's.
    pub fn recipe(self) -> Option<String> {
        match self {
            Self::Renditions => None,
            Self::Captions => Some("captions-1".to_owned()),
            Self::Picture => Some("picture-1".to_owned()),
            Self::Frame { at_ms } => Some(format!("frame-1.{at_ms}")),
        }
    }

    pub fn is_companion(self) -> bool {
        self != Self::Renditions
    }
}

#[cfg(test)]
mod tests {
    use super::Task;

    #[test]
    fn companions_have_recipes_of_their_own() {
        let cases = [
            (Task::Renditions, None, r#""renditions""#),
            (Task::Captions, Some("captions-1"), r#""captions""#),
            (Task::Picture, Some("picture-1"), r#""picture""#),
            (Task::Frame { at_ms: 1500 }, Some("frame-1.1500"), r#"{"frame":{"at_ms":1500}}"#),
        ];
        for (task, recipe, json) in cases {
            assert_eq!(task.recipe().as_deref(), recipe);
            assert_eq!(serde_json::to_string(&task).expect("it is plain"), json);
            assert_eq!(task.is_companion(), recipe.is_some());
        }
    }
}
