//! What a worker says it made, checked and made ours: counts, sizes and words within bounds, folders and numbering as
//! the playlists will have them. After this the numbers are trusted; whether the bytes are held is asked elsewhere.

use std::collections::HashSet;

use pinreel_runner::text::plain;
use pinreel_runner::{self as sent, Made, Task, names};

use super::model::Loudness;
use super::previews::PreviewSize;

const MAX_VIDEO: usize = 8;
const MAX_AUDIO: usize = 8;
/// Four days in segments of 4 s; the names have five digits.
const MAX_SEGMENTS: usize = 100_000;
const MAX_SEGMENT_S: u64 = 60;
const MAX_DURATION_MS: u64 = 7 * 24 * 3_600_000;
const MAX_SIDE: u32 = 16_384;
const MAX_FRAME_RATE: u32 = 1_000;
const MAX_CAPTIONS: usize = 32;
const MAX_SHEETS: usize = 100;
const MAX_PREVIEW_SIZES: usize = 8;
const MAX_WARNINGS: usize = 32;
const MAX_WHY_CHARS: usize = 200;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it has neither picture nor sound")]
    Empty,
    #[error("{0} renditions, captions or sheets are too many")]
    TooMany(usize),
    #[error("the duration of {0} ms is out of bounds")]
    Duration(u64),
    #[error("\"{0}\" isn't a folder for this kind of rendition, or is used twice")]
    Folder(String),
    #[error("{0} has no segments or too many, or no timescale")]
    Segments(String),
    #[error("{0} isn't the name that belongs there")]
    Name(String),
    #[error("the length of {0} is out of bounds")]
    SegmentLength(String),
    #[error("{0} is empty")]
    EmptyFile(String),
    #[error("picture size or frame rate of {0} is out of bounds")]
    Picture(String),
    #[error("the first pictures of {0} don't lie in its segments")]
    Keyframes(String),
    #[error("the codecs of {0} aren't written as RFC 6381 has them")]
    Codecs(String),
    #[error("language or channels of {0} are out of bounds")]
    Sound(String),
    #[error("the renditions are cut into different numbers of segments")]
    Cuts,
    #[error("it isn't the one file that was asked for")]
    Companion,
    #[error("it isn't a preview and nothing else, or its sizes are out of bounds or out of order")]
    Preview,
    #[error("it leaves out what comes before segment {0}")]
    Gap(u64),
}

#[derive(Clone, Debug)]
pub struct Measured {
    pub duration_ms: u64,
    pub video: Vec<Video>,
    pub audio: Vec<Audio>,
    pub poster: Option<File>,
    /// The index first; empty without a storyboard.
    pub storyboard: Vec<File>,
    pub captions: Vec<Captions>,
    /// More files beside the poster: chapters, a waveform, a muxed rendition.
    pub beside: Vec<File>,
    pub warnings: Vec<String>,
}

/// A text track for the whole length.
#[derive(Clone, Debug)]
pub struct Captions {
    /// Its folder.
    pub name: String,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// Never empty; without quotes and control characters.
    pub label: String,
    pub forced: bool,
    pub file: File,
}

#[derive(Clone, Debug)]
pub struct Video {
    pub track: Track,
    pub width: u32,
    pub height: u32,
    /// Numerator and denominator, both positive.
    pub frame_rate: (u32, u32),
    /// For each segment how many of its bytes show its first picture; or none at all.
    pub keyframe_bytes: Vec<u32>,
}

#[derive(Clone, Debug)]
pub struct Audio {
    pub track: Track,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// Never empty; without quotes and control characters.
    pub label: String,
    pub default: bool,
    pub channels: u32,
    pub loudness: Option<Loudness>,
}

/// One rendition: a folder with an initialisation segment and media segments.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its folder.
    pub name: String,
    pub codecs: String,
    /// Ticks a second; positive.
    pub timescale: u32,
    pub init: File,
    /// At least one, in a result.
    pub segments: Vec<Segment>,
    /// Whether it is the source's own stream, copied.
    pub is_remuxed: bool,
    /// Why, as a sentence; may be empty.
    pub why: String,
}

#[derive(Clone, Debug)]
pub struct Segment {
    pub file: File,
    /// Positive.
    pub ticks: u64,
}

#[derive(Clone, Debug)]
pub struct File {
    /// The path in the root, e.g. `v720/seg-00003.m4s`.
    pub name: String,
    pub cid: String,
    pub bytes: u64,
}

impl File {
    /// The name inside its folder.
    pub fn leaf_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

impl Track {
    pub fn bytes(&self) -> u64 {
        self.init.bytes + self.segments.iter().map(|segment| segment.file.bytes).sum::<u64>()
    }

    pub fn files(&self) -> impl Iterator<Item = &File> {
        std::iter::once(&self.init).chain(self.segments.iter().map(|segment| &segment.file))
    }
}

impl Measured {
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.video.iter().map(|video| &video.track).chain(self.audio.iter().map(|audio| &audio.track))
    }

    /// Every file that the result needs.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        let captions = self.captions.iter().map(|captions| &captions.file);
        let companions = self.poster.iter().chain(&self.storyboard).chain(captions).chain(&self.beside);
        self.tracks().flat_map(Track::files).chain(companions)
    }
}

pub fn check(sent: &sent::Transcoded) -> Result<Measured, Unfit> {
    if sent.video.is_empty() && sent.audio.is_empty() {
        return Err(Unfit::Empty);
    }
    let sheets = sent.storyboard.as_ref().map_or(0, |storyboard| storyboard.sheets.len());
    if sent.captions.len() > MAX_CAPTIONS || sheets > MAX_SHEETS {
        return Err(Unfit::TooMany(sent.captions.len() + sheets));
    }
    if sent.video.len() > MAX_VIDEO || sent.audio.len() > MAX_AUDIO {
        return Err(Unfit::TooMany(sent.video.len() + sent.audio.len()));
    }
    if sent.duration_ms == 0 || sent.duration_ms > MAX_DURATION_MS {
        return Err(Unfit::Duration(sent.duration_ms));
    }
    let measured = Measured {
        duration_ms: sent.duration_ms,
        video: sent.video.iter().map(check_video).collect::<Result<_, _>>()?,
        audio: sent.audio.iter().map(check_audio).collect::<Result<_, _>>()?,
        poster: sent.poster.as_ref().map(|poster| file(poster, "poster.jpg")).transpose()?,
        storyboard: sent.storyboard.as_ref().map(check_storyboard).transpose()?.unwrap_or_default(),
        captions: sent.captions.iter().enumerate().map(check_captions).collect::<Result<_, _>>()?,
        beside: check_beside(sent)?,
        warnings: sent.warnings.iter().take(MAX_WARNINGS).map(|warning| plain(warning, 300)).collect(),
    };
    let mut folders = HashSet::new();
    if let Some(twice) = measured.tracks().find(|track| !folders.insert(&track.name)) {
        return Err(Unfit::Folder(twice.name.clone()));
    }
    let mut texts = HashSet::new();
    if let Some(twice) = measured.captions.iter().find(|captions| !texts.insert(&captions.name)) {
        return Err(Unfit::Folder(twice.name.clone()));
    }
    let mut cuts = measured.video.iter().map(|video| video.track.segments.len());
    let first = cuts.next();
    if cuts.any(|count| Some(count) != first) {
        return Err(Unfit::Cuts);
    }
    Ok(measured)
}

/// The one file of a companion, and what its creator is to be told.
pub fn check_companion(task: Task, sent: &sent::Transcoded) -> Result<(File, Vec<String>), Unfit> {
    let made = match task {
        Task::Captions => sent.captions.first().map(|captions| file(&captions.file, "s0/captions.vtt")),
        Task::Picture | Task::Frame { .. } => sent.poster.as_ref().map(|poster| file(poster, "poster.jpg")),
        Task::Renditions | Task::Preview { .. } => None,
    };
    if sent.files().count() != 1 {
        return Err(Unfit::Companion);
    }
    let notes = sent.warnings.iter().take(MAX_WARNINGS).map(|warning| plain(warning, 300)).collect();
    Ok((made.ok_or(Unfit::Companion)??, notes))
}

/// A preview as a worker says that it made it.
#[derive(Clone, Debug)]
pub struct CheckedPreview {
    pub width: i32,
    pub height: i32,
    /// One for each file.
    pub sizes: Vec<PreviewSize>,
    pub files: Vec<File>,
}

pub fn check_preview(sent: &sent::Transcoded) -> Result<CheckedPreview, Unfit> {
    let preview = sent.preview.as_ref().filter(|preview| sent.files().count() == preview.sizes.len());
    let preview = preview.ok_or(Unfit::Preview)?;
    // A picture may be far larger than any film's.
    let side = |side: u32| i32::try_from(side).ok().filter(|side| *side > 0).ok_or(Unfit::Preview);
    let fits = |size: &sent::PreviewSize| (1..=MAX_SIDE).contains(&size.width) && (1..=MAX_SIDE).contains(&size.height);
    let is_rising = preview.sizes.is_sorted_by(|one, next| one.width < next.width);
    if preview.sizes.is_empty()
        || preview.sizes.len() > MAX_PREVIEW_SIZES
        || !is_rising
        || !preview.sizes.iter().all(fits)
    {
        return Err(Unfit::Preview);
    }
    let files = preview.sizes.iter().map(|size| file(&size.file, &format!("preview/{}.webp", size.width)));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let sizes = preview.sizes.iter().zip(&files);
    let sizes = sizes.map(|(size, file)| PreviewSize { width: size.width, height: size.height, bytes: file.bytes });
    Ok(CheckedPreview { width: side(preview.width)?, height: side(preview.height)?, sizes: sizes.collect(), files })
}

fn check_video(sent: &sent::Video) -> Result<Video, Unfit> {
    let opening = opening_video(sent)?;
    let track = with_segments(opening.track, &sent.segments)?;
    let keyframes = sent.keyframe_bytes.iter();
    let fit =
        keyframes.clone().zip(&track.segments).all(|(key, segment)| (1..=segment.file.bytes).contains(&(*key).into()));
    if !fit || !(keyframes.len() == 0 || keyframes.len() == track.segments.len()) {
        return Err(Unfit::Keyframes(track.name));
    }
    Ok(Video { track, keyframe_bytes: sent.keyframe_bytes.clone(), ..opening })
}

/// A picture's rendition without its segments.
pub fn opening_video(sent: &sent::Video) -> Result<Video, Unfit> {
    let (num, den) = (sent.frame_rate.num, sent.frame_rate.den);
    let sides = 1..=MAX_SIDE;
    let rate_fits = num > 0 && den > 0 && u64::from(num) <= u64::from(den) * u64::from(MAX_FRAME_RATE);
    if !sides.contains(&sent.width) || !sides.contains(&sent.height) || !rate_fits {
        return Err(Unfit::Picture(plain(&sent.name, 20)));
    }
    let track = track('v', &sent.name, &sent.codecs, (sent.timescale, &sent.init))?;
    let track = Track { is_remuxed: sent.made == Made::Remuxed, why: plain(&sent.why, MAX_WHY_CHARS), ..track };
    Ok(Video { track, width: sent.width, height: sent.height, frame_rate: (num, den), keyframe_bytes: Vec::new() })
}

fn check_audio(sent: &sent::Audio) -> Result<Audio, Unfit> {
    let opening = opening_audio(sent)?;
    Ok(Audio { track: with_segments(opening.track, &sent.segments)?, ..opening })
}

/// A sound's rendition without its segments.
pub fn opening_audio(sent: &sent::Audio) -> Result<Audio, Unfit> {
    let track = track('a', &sent.name, &sent.codecs, (sent.timescale, &sent.init))?;
    let track = Track { is_remuxed: sent.made == Made::Remuxed, why: plain(&sent.why, MAX_WHY_CHARS), ..track };
    let language = sent.language.clone().filter(|tag| tag != "und");
    if !(1..=64).contains(&sent.channels) || !language.as_deref().is_none_or(is_tag) {
        return Err(Unfit::Sound(track.name));
    }
    let label = label(&sent.label, language.as_deref(), "Sound");
    // Louder or wider than any sound can be: nothing that was measured.
    let sane = |centi: i32| (-20_000..=20_000).contains(&centi);
    let loudness = sent.loudness.map(Loudness::from).filter(|loudness| {
        [loudness.integrated_centi_lufs, loudness.range_centi_lu, loudness.peak_centi_dbfs].into_iter().all(sane)
    });
    Ok(Audio { track, language, label, default: sent.default, channels: sent.channels, loudness })
}

fn is_tag(tag: &str) -> bool {
    (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn label(sent: &str, language: Option<&str>, usual: &str) -> String {
    let label = plain(sent, 80);
    if label.is_empty() { language.unwrap_or(usual).to_owned() } else { label }
}

fn check_storyboard(sent: &sent::Storyboard) -> Result<Vec<File>, Unfit> {
    let index = file(&sent.index, "storyboard/index.vtt");
    let numbered = sent.sheets.iter().enumerate();
    let sheets = numbered.map(|(number, sheet)| file(sheet, &format!("storyboard/sheet-{number:03}.jpg")));
    std::iter::once(index).chain(sheets).collect()
}

fn check_captions((number, sent): (usize, &sent::Captions)) -> Result<Captions, Unfit> {
    if sent.name.len() > 4 || !names::is_captions(&sent.name) {
        return Err(Unfit::Folder(plain(&sent.name, 20)));
    }
    let language = sent.language.clone().filter(|tag| tag != "und");
    if !language.as_deref().is_none_or(is_tag) {
        return Err(Unfit::Sound(sent.name.clone()));
    }
    Ok(Captions {
        name: sent.name.clone(),
        label: label(&sent.label, language.as_deref(), &format!("Subtitles {}", number + 1)),
        language,
        forced: sent.forced,
        file: file(&sent.file, &format!("{}/captions.vtt", sent.name))?,
    })
}

fn check_beside(sent: &sent::Transcoded) -> Result<Vec<File>, Unfit> {
    let chapters = sent.chapters.iter();
    let chapters = chapters.flat_map(|both| [(&both.json, "chapters.json"), (&both.webvtt, "chapters.vtt")]);
    let waveform = sent.waveform.iter().map(|waveform| (waveform, "waveform.json"));
    let muxed = sent.muxed.iter().map(|muxed| (muxed, "video.mp4"));
    chapters.chain(waveform).chain(muxed).map(|(sent, name)| file(sent, name)).collect()
}

/// Without its segments.
fn track(kind: char, name: &str, codecs: &str, (timescale, init): (u32, &sent::FileRef)) -> Result<Track, Unfit> {
    if !name.starts_with(kind) || !names::is_folder(name) {
        return Err(Unfit::Folder(plain(name, 20)));
    }
    let is_codecs = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    if codecs.is_empty() || codecs.len() > 64 || !codecs.bytes().all(is_codecs) {
        return Err(Unfit::Codecs(name.to_owned()));
    }
    if timescale == 0 {
        return Err(Unfit::Segments(name.to_owned()));
    }
    Ok(Track {
        name: name.to_owned(),
        codecs: codecs.to_owned(),
        timescale,
        init: file(init, &format!("{name}/init.mp4"))?,
        segments: Vec::new(),
        is_remuxed: false,
        why: String::new(),
    })
}

fn with_segments(track: Track, sent: &[sent::Segment]) -> Result<Track, Unfit> {
    if sent.is_empty() || sent.len() > MAX_SEGMENTS {
        return Err(Unfit::Segments(track.name));
    }
    let numbered = sent.iter().enumerate().map(|(number, sent)| segment(&track, number, sent));
    let segments = numbered.collect::<Result<_, _>>()?;
    Ok(Track { segments, ..track })
}

/// The segment of this number.
pub fn segment(track: &Track, number: usize, sent: &sent::Segment) -> Result<Segment, Unfit> {
    if number >= MAX_SEGMENTS {
        return Err(Unfit::Segments(track.name.clone()));
    }
    let file = file(&sent.file, &format!("{}/seg-{number:05}.m4s", track.name))?;
    if sent.ticks == 0 || sent.ticks > u64::from(track.timescale) * MAX_SEGMENT_S {
        return Err(Unfit::SegmentLength(file.name));
    }
    Ok(Segment { file, ticks: sent.ticks })
}

fn file(sent: &sent::FileRef, expected: &str) -> Result<File, Unfit> {
    if sent.name != expected {
        return Err(Unfit::Name(plain(&sent.name, 60)));
    }
    if sent.bytes == 0 {
        return Err(Unfit::EmptyFile(expected.to_owned()));
    }
    Ok(File { name: sent.name.clone(), cid: sent.cid.clone(), bytes: sent.bytes })
}
