//! A job from the opened file to its finished renditions: a look through the packets, a copy of what fits as it is,
//! then one decode for everything else.

mod finish;
mod level;

use std::fs::File;
use std::io::Seek;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use ffmpeg_next::Packet;
use pinreel_runner::{Audio, Early, Made, Preset, Rung, Transcoded, Video};

use crate::av::input::Source;
use crate::av::track::Track;
use crate::av::{Error, is_out_of_memory};
use crate::child::captions::Captioner;
use crate::child::copy::{self, Copied};
use crate::child::events::{Event, Progress, Reporter};
use crate::child::fields;
use crate::child::formats::{ALLOWED, LIMITS, refused};
use crate::child::picture::Pictures;
use crate::child::plan::Plan;
use crate::child::scan::{self, Fits};
use crate::child::segments::Folder;
use crate::child::sound::Sound;
use crate::failure::Failure;
use crate::rules::chapters::Chapter;
use crate::rules::marks::Marks;

/// Progress is told this often.
const EVERY: Duration = Duration::from_millis(400);
/// Reading errors in a row after which the rest of the file counts as missing.
const MAX_READ_ERRORS: u32 = 200;
/// Decoder threads: more cost memory and gain nothing beside the encoders.
const MAX_DECODER_THREADS: usize = 4;
/// How far a job is when the packets were looked through, and when what fits was copied.
const SCANNED: f64 = 0.01;
const COPIED: f64 = 0.03;

struct Job {
    source: Source,
    pictures: Option<Pictures>,
    /// With the plan's numbers.
    sounds: Vec<(usize, Sound)>,
    default_sound: usize,
    captions: Vec<Captioner>,
    chapters: Vec<Chapter>,
    copied: Copied,
    cover: Option<Track>,
    folder: Folder,
    begun: Instant,
    told: Instant,
    warnings: Vec<String>,
    /// Whether it was said what can be watched first.
    told_early: bool,
    /// Where the work begins in its source.
    origin_us: i64,
    /// The clock's ticks in a second.
    scale: u32,
}

/// Transcodes `file` into the folder `out`; nothing is copied as it is unless `copying`.
pub fn transcode(
    file: File,
    out: PathBuf,
    report: &Reporter,
    (copying, preset): (bool, &Preset),
) -> Result<Transcoded, Failure> {
    let folder = Folder { path: out, report: report.clone() };
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let source = Source::open(again(&file)?, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
    if let Some(seconds) = source.duration_us.map(|us| us / 1_000_000) {
        super::check_length(seconds, preset.max_hours)?;
    }
    let mut plan = Plan::of(&source.tracks, preset)?;
    drop(source);
    fields::find(again(&file)?, &mut plan)?;
    let fits =
        if copying { scan::scan(again(&file)?, &plan, teller(report, 0.0, SCANNED))? } else { Fits::none(&plan) };
    let marks = fits.picture.as_ref().map_or_else(|_| Marks::regular(plan.clock()), |fit| fit.marks.clone());
    let copied = copy::copy(again(&file)?, &plan, (&fits, &marks), &folder, teller(report, SCANNED, COPIED))?;
    plan.explain(&fits);
    let source = Source::open(again(&file)?, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
    let mut job = Job::start(source, (plan, marks), copied, folder)?;
    job.tell_early();
    job.read()?;
    job.finish()
}

/// The same open file from its beginning: there is no path to open it by.
pub fn again(file: &File) -> Result<File, Failure> {
    let mut again = file.try_clone().map_err(|error| Failure::disk(&error))?;
    again.rewind().map_err(|error| Failure::disk(&error))?;
    Ok(again)
}

/// Tells how far reading is as a part of the whole, now and then.
fn teller(report: &Reporter, from: f64, to: f64) -> impl FnMut(f64) {
    let mut told = Instant::now();
    move |read| {
        if told.elapsed() >= EVERY {
            told = Instant::now();
            report.send(&Event::Progress(Progress { fraction: from + (to - from) * read, ..Progress::default() }));
        }
    }
}

impl Job {
    fn start(
        mut source: Source,
        (plan, marks): (Plan, Marks),
        copied: Copied,
        folder: Folder,
    ) -> Result<Self, Failure> {
        let clock = plan.clock();
        plan.skip_unused(&mut source);
        let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_DECODER_THREADS);
        let (origin_us, mut warnings) = (plan.origin_us, plan.warnings);
        let mut sounds = Vec::new();
        for (number, sound) in plan.sounds.into_iter().enumerate() {
            let output = (!copied.has_sound(number)).then_some(&folder);
            let (label, codec) = (sound.label.clone(), sound.track.codec.clone());
            match Sound::new(sound, (marks.clone(), clock.timescale), origin_us, output)? {
                Some(sound) => sounds.push((number, sound)),
                None if output.is_none() => {}
                None => warnings.push(format!(
                    "The sound track “{label}” is coded in a way ({codec}) that can't be read; it is left out."
                )),
            }
        }
        let pictures = plan.picture.map(|mut plan| {
            plan.rungs.retain(|rung| copied.picture.as_ref().is_none_or(|copied| copied.name != rung.name));
            Pictures::new((plan, marks), origin_us, folder.clone(), threads)
        });
        let pictures = pictures.transpose()?;
        if pictures.is_none() && sounds.is_empty() && copied.sounds.is_empty() {
            return Err(Failure::codec("sound", source.tracks.first().map_or("unknown", |t| &t.codec)));
        }
        let captions = plan.captions.into_iter().filter_map(|plan| Captioner::new(plan, origin_us)).collect();
        let chapters = source.chapters.iter().map(|(start, end, title)| Chapter {
            start_ms: u64::try_from((start - origin_us) / 1000).unwrap_or(0),
            end_ms: u64::try_from((end - origin_us) / 1000).unwrap_or(0),
            title: title.clone(),
        });
        let chapters = chapters.collect();
        let now = Instant::now();
        Ok(Self {
            source,
            pictures,
            sounds,
            default_sound: plan.default_sound,
            captions,
            chapters,
            copied,
            cover: plan.cover,
            folder,
            begun: now,
            told: now,
            warnings,
            told_early: false,
            origin_us,
            scale: clock.timescale,
        })
    }

    fn read(&mut self) -> Result<(), Failure> {
        if self.pictures.is_none() && self.sounds.is_empty() {
            return Ok(());
        }
        let mut errors = 0;
        loop {
            match self.source.read() {
                Ok(Some(packet)) => {
                    errors = 0;
                    self.packet(&packet)?;
                }
                Ok(None) if self.source.has_changed_channels() => return Err(Failure::changed_channels()),
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
                Err(Error::InvalidData | Error::Other { .. }) if errors < MAX_READ_ERRORS => errors += 1,
                Err(_) => return Ok(()),
            }
            self.tell();
        }
    }

    /// Tells how far it is, now and then.
    fn tell(&mut self) {
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            self.folder.report.send(&Event::Progress(self.progress()));
        }
    }

    fn packet(&mut self, packet: &Packet) -> Result<(), Failure> {
        if let Some(pictures) = self.pictures.as_mut().filter(|pictures| pictures.takes(packet)) {
            pictures.packet(packet)?;
            self.tell_early();
            return self.check_copy();
        }
        if let Some(captions) = self.captions.iter_mut().find(|captions| captions.takes(packet)) {
            captions.packet(packet);
        }
        match self.sounds.iter_mut().find(|(_, sound)| sound.takes(packet)) {
            Some((_, sound)) => sound.packet(packet)?,
            None => return Ok(()),
        }
        self.check_copy()
    }

    /// Says which renditions can be watched while the others are made, as soon as that is sure.
    fn tell_early(&mut self) {
        if self.told_early {
            return;
        }
        if let Some(early) = self.early() {
            self.told_early = true;
            self.folder.report.send(&Event::Early(Box::new(early)));
        }
    }

    /// The copied picture or the quick rung, and the default sound. Nothing until the picture's encoders run.
    fn early(&self) -> Option<Early> {
        let copied = self.copied.picture.clone();
        let copied = copied.map(|video| Video { segments: Vec::new(), keyframe_bytes: Vec::new(), ..video });
        let video = match (copied, &self.pictures) {
            (None, Some(pictures)) => Some(pictures.opening()?),
            (copied, _) => copied,
        };
        let copied = self.copied.sounds.iter().map(|(number, audio)| (*number, audio.clone()));
        let encoded = self.sounds.iter().filter_map(|(number, sound)| Some((*number, sound.opening()?)));
        let by_rank = |(number, _): &(usize, Audio)| (*number != self.default_sound, *number);
        let audio = copied.chain(encoded).min_by_key(by_rank).map(|(_, audio)| audio);
        let is_encoded = |made: Made| made == Made::Encoded;
        let ended =
            !video.as_ref().is_some_and(|v| is_encoded(v.made)) && !audio.as_ref().is_some_and(|a| is_encoded(a.made));
        let audio = audio.map(|audio| Audio { segments: Vec::new(), default: true, ..audio });
        Some(Early { video, audio, ended })
    }

    /// What is copied must be whole: players stop at what a decoder here gets over. So the job begins anew, and encodes
    /// it.
    fn check_copy(&self) -> Result<(), Failure> {
        let picture = self.copied.picture.is_some() && self.pictures.as_ref().is_some_and(|picture| picture.broken > 0);
        let is_broken = |(number, sound): &(usize, Sound)| self.copied.has_sound(*number) && sound.broken > 0;
        if picture || self.sounds.iter().any(is_broken) { Err(Failure::copy_unfit()) } else { Ok(()) }
    }

    fn seconds(&self) -> f64 {
        let heard = self.sounds.iter().map(|(_, sound)| sound.seconds()).fold(0.0, f64::max);
        self.pictures.as_ref().map_or(heard, Pictures::seconds)
    }

    fn progress(&self) -> Progress {
        let seconds = self.seconds();
        let whole = self.source.expected_us().map(|us| us as f64 / 1e6);
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
        let encoded = self.sounds.iter().filter(|(number, _)| !self.copied.has_sound(*number));
        let sounds = encoded.map(|(_, sound)| Rung {
            name: sound.name().to_owned(),
            height: None,
            fraction: share(sound.seconds()),
        });
        Progress {
            fraction: (COPIED + (1.0 - COPIED) * share(seconds)).min(0.99),
            speed: Some(speed),
            left_ms: left.map(|ms| ms as u64),
            played_ms: (seconds * 1000.0) as u64,
            rungs: self.copied.rungs().chain(pictures).chain(sounds).collect(),
        }
    }
}

impl Copied {
    fn has_sound(&self, number: usize) -> bool {
        self.sounds.iter().any(|(copied, _)| *copied == number)
    }

    fn rungs(&self) -> impl Iterator<Item = Rung> {
        let pictures = self.picture.iter().map(|video| (&video.name, Some(video.width.min(video.height))));
        let sounds = self.sounds.iter().map(|(_, audio)| (&audio.name, None));
        pictures.chain(sounds).map(|(name, height)| Rung { name: name.clone(), height, fraction: 1.0 })
    }
}

fn longest_ms<'a>(video: &[Video], audio: impl IntoIterator<Item = &'a Audio>) -> u64 {
    let ms = |timescale: u32, segments: &[pinreel_runner::Segment]| {
        let ticks: u64 = segments.iter().map(|segment| segment.ticks).sum();
        (ticks * 1000 + u64::from(timescale) / 2) / u64::from(timescale.max(1))
    };
    let pictures = video.iter().map(|v| ms(v.timescale, &v.segments));
    pictures.chain(audio.into_iter().map(|a| ms(a.timescale, &a.segments))).max().unwrap_or(0)
}
