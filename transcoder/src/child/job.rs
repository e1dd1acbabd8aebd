//! A job from the opened file to its finished renditions.

use std::fs::File;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use ffmpeg_next::Packet;
use pinreel_runner::{Audio, FileRef, Rung, Transcoded, Video};

use super::events::{Event, Progress, Reporter};
use super::formats::{ALLOWED, LIMITS, refused};
use super::picture::Pictures;
use super::plan::Plan;
use super::poster;
use super::segments::Folder;
use super::sound::{Sound, clock_of};
use crate::av::input::{Source, Track};
use crate::av::{Error, is_out_of_memory};
use crate::failure::Failure;

/// Progress is told this often.
const EVERY: Duration = Duration::from_millis(400);
/// Reading errors in a row after which the rest of the file counts as missing.
const MAX_READ_ERRORS: u32 = 200;
/// Decoder threads: more cost memory and gain nothing beside the encoders.
const MAX_DECODER_THREADS: usize = 4;
/// A truncated file is worth publishing if this much of it can be played.
const WORTHWHILE_SECONDS: f64 = 1.0;

struct Job {
    source: Source,
    pictures: Option<Pictures>,
    sounds: Vec<Sound>,
    cover: Option<Track>,
    folder: Folder,
    begun: Instant,
    told: Instant,
    warnings: Vec<String>,
}

/// Transcodes `file` into the folder `out`.
pub fn transcode(file: File, out: PathBuf, report: &Reporter) -> Result<Transcoded, Failure> {
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let source = Source::open(file, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
    let mut job = Job::start(source, Folder { path: out, report: report.clone() })?;
    job.read()?;
    job.finish()
}

impl Job {
    fn start(mut source: Source, folder: Folder) -> Result<Self, Failure> {
        let plan = Plan::of(&source.tracks)?;
        let clock = clock_of(&plan);
        if let Some(seconds) = source.duration_us.map(|us| us / 1_000_000) {
            super::check_length(seconds)?;
        }
        let used: Vec<usize> = plan.picture.iter().map(|p| p.track.index).chain(sound_indexes(&plan)).collect();
        for index in (0..source.tracks.len()).filter(|index| !used.contains(index)) {
            source.skip(index);
        }
        let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_DECODER_THREADS);
        let (origin_us, mut warnings) = (plan.origin_us, plan.warnings);
        let mut sounds = Vec::new();
        for sound in plan.sounds {
            let (label, codec) = (sound.label.clone(), sound.track.codec.clone());
            match Sound::new(sound, clock, origin_us, &folder)? {
                Some(sound) => sounds.push(sound),
                None => warnings.push(format!(
                    "The sound track “{label}” is coded in a way ({codec}) that can't be read; it is left out."
                )),
            }
        }
        let pictures = plan.picture.map(|plan| Pictures::new(plan, origin_us, folder.clone(), threads)).transpose()?;
        if pictures.is_none() && sounds.is_empty() {
            return Err(Failure::codec("sound", source.tracks.first().map_or("unknown", |t| &t.codec)));
        }
        let now = Instant::now();
        Ok(Self { source, pictures, sounds, cover: plan.cover, folder, begun: now, told: now, warnings })
    }

    fn read(&mut self) -> Result<(), Failure> {
        let mut errors = 0;
        loop {
            match self.source.read() {
                Ok(Some(packet)) => {
                    errors = 0;
                    self.packet(&packet)?;
                }
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
                Err(Error::InvalidData | Error::Other { .. }) if errors < MAX_READ_ERRORS => errors += 1,
                Err(_) => return Ok(()),
            }
            if self.told.elapsed() >= EVERY {
                self.told = Instant::now();
                self.folder.report.send(&Event::Progress(self.progress()));
            }
        }
    }

    fn packet(&mut self, packet: &Packet) -> Result<(), Failure> {
        if let Some(pictures) = self.pictures.as_mut().filter(|pictures| pictures.takes(packet)) {
            return pictures.packet(packet);
        }
        match self.sounds.iter_mut().find(|sound| sound.takes(packet)) {
            Some(sound) => sound.packet(packet),
            None => Ok(()),
        }
    }

    fn seconds(&self) -> f64 {
        let heard = self.sounds.iter().map(Sound::seconds).fold(0.0, f64::max);
        self.pictures.as_ref().map_or(heard, Pictures::seconds)
    }

    fn progress(&self) -> Progress {
        let seconds = self.seconds();
        let whole = self.source.duration_us.map(|us| us as f64 / 1e6);
        let read = self.source.fraction_read();
        let whole = whole.unwrap_or(if read > 0.01 { seconds / read } else { 0.0 }).max(seconds).max(0.001);
        let spent = self.begun.elapsed().as_secs_f64().max(0.001);
        let speed = seconds / spent;
        let left = if speed > 0.0 { Some((whole - seconds) / speed * 1000.0) } else { None };
        let share = |done: f64| (done / whole).clamp(0.0, 1.0);
        let pictures = self.pictures.iter().flat_map(Pictures::rungs);
        let pictures = pictures.map(|(name, height, done)| Rung {
            name: name.to_owned(),
            height: Some(height),
            fraction: share(done),
        });
        let sounds = self.sounds.iter().map(|sound| Rung {
            name: sound.name().to_owned(),
            height: None,
            fraction: share(sound.seconds()),
        });
        Progress {
            fraction: share(seconds).min(0.99),
            speed: Some(speed),
            left_ms: left.map(|ms| ms as u64),
            played_ms: (seconds * 1000.0) as u64,
            rungs: pictures.chain(sounds).collect(),
        }
    }

    fn finish(mut self) -> Result<Transcoded, Failure> {
        self.judge_damage()?;
        let expected = self.source.duration_us.map(|us| us as f64 / 1e6);
        let codec = self.sounds.first().map(|sound| sound.codec().to_owned());
        let (video, poster) = match self.pictures.take() {
            Some(pictures) => pictures.finish()?,
            None => (Vec::new(), self.cover()?),
        };
        let mut audio = Vec::new();
        for sound in self.sounds.drain(..) {
            let default = audio.is_empty();
            audio.extend(sound.finish(default)?);
        }
        if video.is_empty() && audio.is_empty() {
            return Err(codec.map_or_else(Failure::nothing_decoded, |_| Failure::nothing_decoded()));
        }
        let duration_ms = longest_ms(&video, &audio);
        if let Some(missing) = missing(expected, duration_ms as f64 / 1e3)? {
            self.warnings.push(missing);
        }
        Ok(Transcoded { duration_ms, video, audio, poster, warnings: self.warnings })
    }

    fn cover(&self) -> Result<Option<FileRef>, Failure> {
        let jpeg = self.cover.as_ref().and_then(|track| poster::cover(track, self.source.cover_packet(track.index)));
        jpeg.map(|jpeg| self.folder.put("poster.jpg".to_owned(), &jpeg)).transpose()
    }

    /// A few broken pictures are a warning; more than one in twenty, and the job fails.
    fn judge_damage(&mut self) -> Result<(), Failure> {
        let Some(pictures) = &self.pictures else { return Ok(()) };
        let (broken, all) = (pictures.broken, pictures.decoded.max(1));
        if broken > 10 && broken * 20 > all {
            let text = format!("{broken} of about {all} pictures in this file are broken: too many to publish it.");
            return Err(Failure::of_file("file_damaged", text));
        }
        if broken > 0 {
            self.warnings.push(format!("{broken} pictures in this file are broken; players may show traces of it."));
        }
        Ok(())
    }
}

fn sound_indexes(plan: &Plan) -> impl Iterator<Item = usize> {
    plan.sounds.iter().map(|sound| sound.track.index)
}

fn longest_ms(video: &[Video], audio: &[Audio]) -> u64 {
    let ms = |timescale: u32, segments: &[pinreel_runner::Segment]| {
        let ticks: u64 = segments.iter().map(|segment| segment.ticks).sum();
        (ticks * 1000 + u64::from(timescale) / 2) / u64::from(timescale.max(1))
    };
    let pictures = video.iter().map(|v| ms(v.timescale, &v.segments));
    pictures.chain(audio.iter().map(|a| ms(a.timescale, &a.segments))).max().unwrap_or(0)
}

/// What to say of a file that ends before its header says; an error when next to nothing of it is there.
fn missing(expected: Option<f64>, played: f64) -> Result<Option<String>, Failure> {
    let Some(expected) = expected.filter(|expected| expected - played > f64::max(1.0, expected / 100.0)) else {
        return Ok(None);
    };
    if played < WORTHWHILE_SECONDS {
        let text =
            format!("The file says that it plays for {expected:.0} seconds, but less than one of them can be read.");
        return Err(Failure::of_file("file_truncated", text));
    }
    let text = format!("The end of the file is missing: {played:.0} of {expected:.0} seconds could be read.");
    Ok(Some(text))
}
