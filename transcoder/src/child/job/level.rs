//! Tracks of different lengths, made alike.

use super::{Job, longest_ms};
use crate::child::picture::Pictures;
use crate::child::sound::Sound;
use crate::failure::Failure;

/// How much of a track is made longer before it is told how far that is, in seconds.
const STEP_S: i64 = 10;

/// What ends earlier than the longest by less is left alone.
const BORNE_S: f64 = 1.0;

impl Job {
    /// Takes what is still on its way, and lets all tracks last as long as the longest: a player waits for ever where one
    /// of them has nothing more. The last picture stays, and sounds fall silent.
    pub(super) fn level(&mut self) -> Result<(), Failure> {
        let shown = self.pictures.as_mut().map(Pictures::end_input).transpose()?.flatten();
        for (_, sound) in &mut self.sounds {
            sound.end_input()?;
        }
        let scale = self.scale;
        let seconds = |ticks: i64| ticks as f64 / f64::from(scale);
        let copied_ms = longest_ms(self.copied.picture.as_slice(), self.copied.sounds.iter().map(|(_, audio)| audio));
        let heard = self.sounds.iter().map(|(_, sound)| sound.seconds());
        let end = heard.chain(shown.map(seconds)).fold(copied_ms as f64 / 1e3, f64::max);
        if let Some(mut at) = shown.filter(|at| self.copied.picture.is_none() && end - seconds(*at) > BORNE_S) {
            let end = (end * f64::from(scale)) as i64;
            while let Some(pictures) = self.pictures.as_mut().filter(|_| at < end) {
                at = end.min(at + STEP_S * i64::from(scale));
                pictures.hold(at)?;
                self.tell();
            }
        }
        let short =
            |(number, sound): &&mut (usize, Sound)| !self.copied.has_sound(*number) && end - sound.seconds() > BORNE_S;
        self.sounds.iter_mut().filter(short).try_for_each(|(_, sound)| sound.hold(end))
    }
}
