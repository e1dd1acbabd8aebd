//! What a worker says it made, checked and made ours: counts, sizes and words within bounds, folders and numbering as
//! the playlists will have them. After this the numbers are trusted; whether the bytes are held is asked elsewhere.

use std::collections::HashSet;

use pinreel_runner::{self as sent, Made};

use super::model::plain;
use super::names;

const MAX_VIDEO: usize = 8;
const MAX_AUDIO: usize = 8;
/// Four days in segments of 4 s; the names have five digits.
const MAX_SEGMENTS: usize = 100_000;
const MAX_SEGMENT_S: u64 = 60;
const MAX_DURATION_MS: u64 = 7 * 24 * 3_600_000;
const MAX_SIDE: u32 = 16_384;
const MAX_FRAME_RATE: u32 = 1_000;
const MAX_WARNINGS: usize = 32;
const MAX_WHY_CHARS: usize = 200;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it has neither picture nor sound")]
    Empty,
    #[error("{0} renditions are too many")]
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
    #[error("the codecs of {0} aren't written as RFC 6381 has them")]
    Codecs(String),
    #[error("language or channels of {0} are out of bounds")]
    Sound(String),
    #[error("the videos are cut into different numbers of segments")]
    Cuts,
}

#[derive(Clone, Debug)]
pub struct Measured {
    pub duration_ms: u64,
    pub video: Vec<Video>,
    pub audio: Vec<Audio>,
    pub poster: Option<File>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Video {
    pub track: Track,
    pub width: u32,
    pub height: u32,
    /// Numerator and denominator, both positive.
    pub frame_rate: (u32, u32),
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
    /// At least one.
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
        self.tracks().flat_map(Track::files).chain(&self.poster)
    }
}

pub fn check(sent: &sent::Transcoded) -> Result<Measured, Unfit> {
    if sent.video.is_empty() && sent.audio.is_empty() {
        return Err(Unfit::Empty);
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
        warnings: sent.warnings.iter().take(MAX_WARNINGS).map(|warning| plain(warning, 300)).collect(),
    };
    let mut folders = HashSet::new();
    if let Some(twice) = measured.tracks().find(|track| !folders.insert(&track.name)) {
        return Err(Unfit::Folder(twice.name.clone()));
    }
    let mut cuts = measured.video.iter().map(|video| video.track.segments.len());
    let first = cuts.next();
    if cuts.any(|count| Some(count) != first) {
        return Err(Unfit::Cuts);
    }
    Ok(measured)
}

fn check_video(sent: &sent::Video) -> Result<Video, Unfit> {
    let (num, den) = (sent.frame_rate.num, sent.frame_rate.den);
    let sides = 1..=MAX_SIDE;
    let rate_fits = num > 0 && den > 0 && u64::from(num) <= u64::from(den) * u64::from(MAX_FRAME_RATE);
    if !sides.contains(&sent.width) || !sides.contains(&sent.height) || !rate_fits {
        return Err(Unfit::Picture(plain(&sent.name, 20)));
    }
    let track = track('v', &sent.name, &sent.codecs, (sent.timescale, &sent.init, &sent.segments))?;
    let track = Track { is_remuxed: sent.made == Made::Remuxed, why: plain(&sent.why, MAX_WHY_CHARS), ..track };
    Ok(Video { track, width: sent.width, height: sent.height, frame_rate: (num, den) })
}

fn check_audio(sent: &sent::Audio) -> Result<Audio, Unfit> {
    let track = track('a', &sent.name, &sent.codecs, (sent.timescale, &sent.init, &sent.segments))?;
    let track = Track { is_remuxed: sent.made == Made::Remuxed, why: plain(&sent.why, MAX_WHY_CHARS), ..track };
    let is_tag = |tag: &str| {
        (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let language = sent.language.clone().filter(|tag| tag != "und");
    if !(1..=64).contains(&sent.channels) || !language.as_deref().is_none_or(is_tag) {
        return Err(Unfit::Sound(track.name));
    }
    let label = plain(&sent.label, 80);
    let label = if label.is_empty() { language.clone().unwrap_or_else(|| "Sound".to_owned()) } else { label };
    Ok(Audio { track, language, label, default: sent.default, channels: sent.channels })
}

type Media<'a> = (u32, &'a sent::FileRef, &'a [sent::Segment]);

fn track(kind: char, name: &str, codecs: &str, (timescale, init, segments): Media) -> Result<Track, Unfit> {
    if !name.starts_with(kind) || !names::is_folder(name) {
        return Err(Unfit::Folder(plain(name, 20)));
    }
    let is_codecs = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    if codecs.is_empty() || codecs.len() > 64 || !codecs.bytes().all(is_codecs) {
        return Err(Unfit::Codecs(name.to_owned()));
    }
    if segments.is_empty() || segments.len() > MAX_SEGMENTS || timescale == 0 {
        return Err(Unfit::Segments(name.to_owned()));
    }
    let numbered = segments.iter().enumerate().map(|(number, segment)| {
        let file = file(&segment.file, &format!("{name}/seg-{number:05}.m4s"))?;
        if segment.ticks == 0 || segment.ticks > u64::from(timescale) * MAX_SEGMENT_S {
            return Err(Unfit::SegmentLength(file.name));
        }
        Ok(Segment { file, ticks: segment.ticks })
    });
    Ok(Track {
        name: name.to_owned(),
        codecs: codecs.to_owned(),
        timescale,
        init: file(init, &format!("{name}/init.mp4"))?,
        segments: numbered.collect::<Result<_, _>>()?,
        is_remuxed: false,
        why: String::new(),
    })
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
