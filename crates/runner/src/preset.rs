//! What an operator can choose about renditions, and how the choice shows in a recipe's name.

use serde::{Deserialize, Serialize};

use crate::RECIPE;

/// Rungs of a ladder, at most.
pub const MAX_RUNGS: usize = 8;
const SHORT_SIDES: std::ops::RangeInclusive<u32> = 120..=2160;
const CRF: std::ops::RangeInclusive<u32> = 15..=40;
const KBITS: std::ops::RangeInclusive<u64> = 100..=100_000;
const FRAME_RATES: std::ops::RangeInclusive<u32> = 30..=60;
const HOURS: std::ops::RangeInclusive<u64> = 1..=12;

/// How sources are transcoded. The same source and preset give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Short sides of the pictures, largest first. A source's own size is its top rung, up to the first of these.
    pub ladder: Vec<u32>,
    /// x264's quality: lower is better and larger.
    pub crf: u32,
    /// The most that any picture may take, besides what its size allows.
    pub max_kbits_per_second: Option<u64>,
    pub max_frame_rate: u32,
    /// Longer sources are refused.
    pub max_hours: u64,
}

/// Why a preset can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresetError {
    Ladder,
    Crf,
    Bitrate,
    FrameRate,
    Hours,
}

impl std::error::Error for PresetError {}

impl std::fmt::Display for PresetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ladder => write!(
                f,
                "The ladder is 1 to {MAX_RUNGS} even short sides from {} to {}, largest first, such as 1080,720,480.",
                SHORT_SIDES.start(),
                SHORT_SIDES.end()
            ),
            Self::Crf => write!(f, "The CRF is between {} and {}.", CRF.start(), CRF.end()),
            Self::Bitrate => {
                write!(f, "The highest bitrate is between {} and {} kbit/s.", KBITS.start(), KBITS.end())
            }
            Self::FrameRate => {
                write!(f, "The highest frame rate is between {} and {}.", FRAME_RATES.start(), FRAME_RATES.end())
            }
            Self::Hours => write!(f, "The longest duration is between {} and {} hours.", HOURS.start(), HOURS.end()),
        }
    }
}

impl Default for Preset {
    fn default() -> Self {
        Self {
            ladder: vec![1080, 720, 480, 360, 240],
            crf: 25,
            max_kbits_per_second: None,
            max_frame_rate: *FRAME_RATES.end(),
            max_hours: *HOURS.end(),
        }
    }
}

impl Preset {
    /// Checks each part against its limits.
    pub fn checked(self) -> Result<Self, PresetError> {
        let falls = self.ladder.windows(2).all(|two| two[0] > two[1]);
        let fits = |side: &u32| SHORT_SIDES.contains(side) && side.is_multiple_of(2);
        let refusals = [
            (
                !falls || !(1..=MAX_RUNGS).contains(&self.ladder.len()) || !self.ladder.iter().all(fits),
                PresetError::Ladder,
            ),
            (!CRF.contains(&self.crf), PresetError::Crf),
            (self.max_kbits_per_second.is_some_and(|kbits| !KBITS.contains(&kbits)), PresetError::Bitrate),
            (!FRAME_RATES.contains(&self.max_frame_rate), PresetError::FrameRate),
            (!HOURS.contains(&self.max_hours), PresetError::Hours),
        ];
        match refusals.into_iter().find(|(refused, _)| *refused) {
            Some((_, error)) => Err(error),
            None => Ok(self),
        }
    }

    /// The recipe's name: [`RECIPE`], and each choice that isn't the default. Other bytes have another name.
    pub fn recipe(&self) -> String {
        let usual = Self::default();
        let mut name = RECIPE.to_owned();
        if self.ladder != usual.ladder {
            let sides: Vec<String> = self.ladder.iter().map(u32::to_string).collect();
            name = format!("{name}.rungs-{}", sides.join("-"));
        }
        if self.crf != usual.crf {
            name = format!("{name}.crf-{}", self.crf);
        }
        if let Some(kbits) = self.max_kbits_per_second {
            name = format!("{name}.kbits-{kbits}");
        }
        if self.max_frame_rate != usual.max_frame_rate {
            name = format!("{name}.fps-{}", self.max_frame_rate);
        }
        if self.max_hours != usual.max_hours {
            name = format!("{name}.hours-{}", self.max_hours);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_shows_in_the_name_and_the_default_in_none() {
        let usual = Preset::default();
        assert_eq!(usual.recipe(), RECIPE);
        let cases = [
            (Preset { ladder: vec![720, 480], ..usual.clone() }, "h264-aac-5.rungs-720-480"),
            (Preset { crf: 21, ..usual.clone() }, "h264-aac-5.crf-21"),
            (
                Preset { max_kbits_per_second: Some(2500), max_hours: 1, ..usual.clone() },
                "h264-aac-5.kbits-2500.hours-1",
            ),
            (Preset { max_frame_rate: 30, ..usual }, "h264-aac-5.fps-30"),
        ];
        for (preset, name) in cases {
            assert_eq!(preset.recipe(), name);
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let usual = Preset::default();
        assert!(usual.clone().checked().is_ok());
        for ladder in [
            vec![],
            vec![720, 1080],
            vec![720, 720],
            vec![721],
            vec![4320],
            vec![100],
            (0..9).map(|n| 900 - 2 * n).collect(),
        ] {
            assert_eq!(Preset { ladder, ..usual.clone() }.checked(), Err(PresetError::Ladder));
        }
        for (wrong, error) in [
            (Preset { crf: 0, ..usual.clone() }, PresetError::Crf),
            (Preset { max_kbits_per_second: Some(1), ..usual.clone() }, PresetError::Bitrate),
            (Preset { max_frame_rate: 12, ..usual.clone() }, PresetError::FrameRate),
            (Preset { max_hours: 13, ..usual }, PresetError::Hours),
        ] {
            assert_eq!(wrong.checked(), Err(error));
        }
    }
}
