//! The end of a job: its renditions' last segments, and what lies beside them.

use std::mem;

use pinreel_runner::{Audio, Chapters, FileRef, Transcoded};

use super::{Job, longest_ms};
use crate::av;
use crate::child::captions::Captioner;
use crate::child::damage::{judge, lost, missing};
use crate::child::muxed;
use crate::child::picture::Pictures;
use crate::child::poster;
use crate::child::sound::Done;
use crate::failure::Failure;
use crate::rules::chapters;
use crate::rules::waveform::Waveform;

const CAPTIONED: &str =
    "Closed captions inside the pictures (CEA-608 or 708) are left out; send them as a file beside the film.";

impl Job {
    /// Ends all renditions and makes what lies beside them.
    pub(super) fn finish(mut self) -> Result<Transcoded, Failure> {
        // Some containers count their length from 0, also where everything in them begins later.
        let expected = self.source.expected_us().map(|us| (us - self.origin_us.max(0)) as f64 / 1e6);
        self.level()?;
        let mut shown = self.pictures.take().map(Pictures::finish).transpose()?.unwrap_or_default();
        if shown.counts.broken > 0 && self.copied.picture.is_some() {
            return Err(Failure::copy_unfit());
        }
        self.warnings.extend(judge(shown.counts, ("picture", "pictures"), "players may show traces of it")?);
        self.warnings.extend(lost(shown.lost_ms, "pictures", "the one before stays meanwhile"));
        if shown.captioned {
            self.warnings.push(CAPTIONED.to_owned());
        }
        let mut video = shown.video;
        video.splice(0..0, self.copied.picture.take());
        let (audio, waveform) = self.finish_sounds(video.first().map(|video| video.segments.len()))?;
        if video.is_empty() && audio.is_empty() {
            return Err(Failure::nothing_decoded());
        }
        let waveform = waveform.filter(|_| video.is_empty()).map(Waveform::json);
        let waveform = waveform.map(|json| self.folder.put("waveform.json".to_owned(), &json)).transpose()?;
        if video.is_empty() {
            shown.poster = self.cover()?;
        }
        let duration_ms = longest_ms(&video, &audio);
        // A header counts subtitles, too.
        let read_ms = self.captions.iter().map(Captioner::end_ms).fold(duration_ms, u64::max);
        self.warnings.extend(missing(expected, read_ms as f64 / 1e3)?);
        let captions = self.captions.drain(..).map(|captions| captions.finish(&self.folder, duration_ms));
        let captions = captions.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let chapters = self.finish_chapters(duration_ms)?;
        av::give_memory_back();
        let muxed = muxed::mux(&self.folder, &video, &audio)?;
        let (poster, storyboard, warnings) = (shown.poster, shown.storyboard, self.warnings);
        Ok(Transcoded {
            duration_ms,
            video,
            audio,
            poster,
            storyboard,
            captions,
            chapters,
            waveform,
            muxed,
            preview: None,
            warnings,
        })
    }

    /// All sounds in order, and the first one's waveform; beside a picture of so many segments, if there is one.
    fn finish_sounds(&mut self, shown: Option<usize>) -> Result<(Vec<Audio>, Option<Waveform>), Failure> {
        let mut sounds = mem::take(&mut self.copied.sounds);
        let mut waveform = None;
        for (number, sound) in self.sounds.drain(..) {
            let Done { audio, heard, counts, lost_ms } = sound.finish(shown)?;
            if counts.broken > 0 && self.copied.has_sound(number) {
                return Err(Failure::copy_unfit());
            }
            self.warnings.extend(judge(
                counts,
                ("packet of sound", "packets of sound"),
                "something may be missing there",
            )?);
            self.warnings.extend(lost(lost_ms, "sound", "it is silent there"));
            if let Some((_, copied)) = sounds.iter_mut().find(|(copied, _)| *copied == number) {
                copied.loudness = heard.loudness;
            }
            sounds.extend(audio.map(|audio| (number, audio)));
            waveform = waveform.or(Some(heard.waveform));
        }
        Ok((in_order(sounds, self.default_sound), waveform))
    }

    fn finish_chapters(&mut self, duration_ms: u64) -> Result<Option<Chapters>, Failure> {
        let chapters = chapters::ordered(mem::take(&mut self.chapters), duration_ms);
        if chapters.is_empty() {
            return Ok(None);
        }
        let json = self.folder.put("chapters.json".to_owned(), &chapters::json(&chapters))?;
        let webvtt = self.folder.put("chapters.vtt".to_owned(), chapters::webvtt(&chapters).as_bytes())?;
        Ok(Some(Chapters { json, webvtt }))
    }

    fn cover(&self) -> Result<Option<FileRef>, Failure> {
        let jpeg = self.cover.as_ref().and_then(|track| poster::cover(track, self.source.cover_packet(track.index)));
        jpeg.map(|jpeg| self.folder.put("poster.jpg".to_owned(), &jpeg)).transpose()
    }
}

/// By the plan's numbers; the default is the one with that number, or the first if there is none.
fn in_order(mut sounds: Vec<(usize, Audio)>, default: usize) -> Vec<Audio> {
    sounds.sort_by_key(|(number, _)| *number);
    let default = sounds.iter().position(|(number, _)| *number == default).unwrap_or(0);
    sounds.into_iter().enumerate().map(|(place, (_, audio))| Audio { default: place == default, ..audio }).collect()
}
