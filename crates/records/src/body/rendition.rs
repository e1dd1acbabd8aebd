//! `rendition`: a node's word that a source, transcoded by a recipe, is a certain playback folder. Measured numbers and
//! bounded codes only, no text; signed by the node's own channel.

use cid::Cid;

use super::read_map;
use super::stream::is_language;
use crate::cbor::Value;
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer, ascii_word};

pub const MAX_RUNGS: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    pub source: Cid,
    /// Names the exact way of transcoding: `[a-z0-9.-]{1,64}`.
    pub recipe: String,
    pub root: Cid,
    /// Which worker did it: `[a-z0-9.-]{1,64}`.
    pub worker: String,
    pub video: Vec<VideoRung>,
    pub audio: Vec<AudioRung>,
    pub duration_ms: u64,
    pub poster: Option<Cid>,
    pub storyboard: Option<Cid>,
}

/// A video rendition as measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoRung {
    pub height: u64,
    pub width: u64,
    /// RFC 6381, `[A-Za-z0-9.]{1,64}`.
    pub codecs: String,
    /// Bits a second.
    pub peak_bandwidth: u64,
    /// Bits a second.
    pub average_bandwidth: u64,
    pub bytes: u64,
    pub frame_rate: FrameRate,
}

/// Frames a second as a fraction, because CBOR floats have no place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    pub num: u64,
    pub den: u64,
}

/// An audio rendition as measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioRung {
    pub codecs: String,
    pub channels: u64,
    pub language: Option<String>,
    pub peak_bandwidth: u64,
    pub average_bandwidth: u64,
    pub bytes: u64,
}

impl Rendition {
    pub(super) fn write(&self) -> Writer {
        Writer::default()
            .link("source", self.source)
            .text("recipe", &self.recipe)
            .link("root", self.root)
            .text("worker", &self.worker)
            .list("video", &self.video, VideoRung::write)
            .list("audio", &self.audio, AudioRung::write)
            .uint("duration_ms", self.duration_ms)
            .opt_link("poster", self.poster)
            .opt_link("storyboard", self.storyboard)
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Rendition, FieldFault> {
        let code = Text::Rule(is_code, "1 to 64 of a-z, 0-9, dot and hyphen");
        Ok(Rendition {
            source: fields.file("source")?,
            recipe: fields.text("recipe", code)?,
            root: fields.need("root", Fields::opt_folder)?,
            worker: fields.text("worker", code)?,
            video: fields.opt_list("video", MAX_RUNGS, |item, path| read_map(item, path, VideoRung::read))?,
            audio: fields.opt_list("audio", MAX_RUNGS, |item, path| read_map(item, path, AudioRung::read))?,
            duration_ms: fields.uint("duration_ms")?,
            poster: fields.opt_file("poster")?,
            storyboard: fields.opt_file("storyboard")?,
        })
    }
}

impl VideoRung {
    fn write(&self) -> Value {
        let rate = Writer::default().uint("num", self.frame_rate.num).uint("den", self.frame_rate.den).map();
        Writer::default()
            .uint("height", self.height)
            .uint("width", self.width)
            .text("codecs", &self.codecs)
            .uint("peak_bandwidth", self.peak_bandwidth)
            .uint("average_bandwidth", self.average_bandwidth)
            .uint("bytes", self.bytes)
            .put("frame_rate", rate)
            .map()
    }

    fn read(fields: &mut Fields) -> Result<VideoRung, FieldFault> {
        Ok(VideoRung {
            height: fields.uint_in("height", 1..=65_535)?,
            width: fields.uint_in("width", 1..=65_535)?,
            codecs: fields.text("codecs", CODECS)?,
            peak_bandwidth: fields.uint("peak_bandwidth")?,
            average_bandwidth: fields.uint("average_bandwidth")?,
            bytes: fields.uint("bytes")?,
            frame_rate: fields.need("frame_rate", |fields, name| {
                let path = fields.path(name);
                fields.take(name).map(|value| read_map(value, &path, FrameRate::read)).transpose()
            })?,
        })
    }
}

impl FrameRate {
    fn read(fields: &mut Fields) -> Result<FrameRate, FieldFault> {
        Ok(FrameRate {
            num: fields.uint_in("num", 1..=i64::from(u32::MAX))?,
            den: fields.uint_in("den", 1..=i64::from(u32::MAX))?,
        })
    }
}

impl AudioRung {
    fn write(&self) -> Value {
        Writer::default()
            .text("codecs", &self.codecs)
            .uint("channels", self.channels)
            .opt_text("language", self.language.as_deref())
            .uint("peak_bandwidth", self.peak_bandwidth)
            .uint("average_bandwidth", self.average_bandwidth)
            .uint("bytes", self.bytes)
            .map()
    }

    fn read(fields: &mut Fields) -> Result<AudioRung, FieldFault> {
        Ok(AudioRung {
            codecs: fields.text("codecs", CODECS)?,
            channels: fields.uint_in("channels", 1..=64)?,
            language: fields.opt_text("language", Text::Rule(is_language, "not a BCP 47 language tag"))?,
            peak_bandwidth: fields.uint("peak_bandwidth")?,
            average_bandwidth: fields.uint("average_bandwidth")?,
            bytes: fields.uint("bytes")?,
        })
    }
}

pub(crate) const CODECS: Text = Text::Rule(is_codecs, "1 to 64 letters, digits and dots");

fn is_codecs(text: &str) -> bool {
    ascii_word(text, 64, |byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

pub(crate) fn is_code(text: &str) -> bool {
    ascii_word(text, 64, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
}
