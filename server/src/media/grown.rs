//! What a worker says can be watched already, checked as a result is: counts, names, sizes and lengths within bounds.

use pinreel_runner::Growth;

use super::measured::{Audio, File, Segment, Track, Unfit, Video, opening_audio, opening_video, segment};

/// Steps in one call.
const MAX_STEPS: usize = 1_000;

/// The renditions, and steps that follow each other.
#[derive(Debug)]
pub struct Grown {
    pub openings: Vec<Opening>,
    /// The number of the first step.
    pub first: u64,
    /// A segment of each rendition, in their order.
    pub steps: Vec<Vec<Segment>>,
    pub ended: bool,
}

/// A rendition before its first segment.
#[derive(Debug)]
pub struct Opening {
    pub track: Track,
    /// Width and height of a picture.
    pub size: Option<(u32, u32)>,
}

impl Grown {
    /// Every file that is spoken of.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        let inits = self.openings.iter().map(|opening| &opening.track.init);
        inits.chain(self.steps.iter().flatten().map(|segment| &segment.file))
    }
}

pub fn check(sent: &Growth) -> Result<Grown, Unfit> {
    let video = sent.early.video.as_ref().map(opening_video).transpose()?;
    let audio = sent.early.audio.as_ref().map(opening_audio).transpose()?;
    let picture = video.map(|Video { track, width, height, .. }| Opening { track, size: Some((width, height)) });
    let sound = audio.map(|Audio { track, .. }| Opening { track, size: None });
    let openings: Vec<Opening> = picture.into_iter().chain(sound).collect();
    if openings.is_empty() {
        return Err(Unfit::Empty);
    }
    if sent.steps.len() > MAX_STEPS {
        return Err(Unfit::TooMany(sent.steps.len()));
    }
    let numbered = (sent.first..).zip(&sent.steps);
    let steps = numbered.map(|(number, step)| {
        if step.len() != openings.len() {
            return Err(Unfit::Cuts);
        }
        let number = usize::try_from(number).map_err(|_| Unfit::TooMany(step.len()))?;
        openings.iter().zip(step).map(|(opening, sent)| segment(&opening.track, number, sent)).collect()
    });
    Ok(Grown { steps: steps.collect::<Result<_, _>>()?, openings, first: sent.first, ended: sent.ended })
}
