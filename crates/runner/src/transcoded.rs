//! The result of a job: every file by name, CID and size, and the numbers that playlists are written from.

use serde::{Deserialize, Serialize};

/// A transcoded source. All renditions begin at the same instant, and their segments share boundaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcoded {
    /// The longest rendition's length.
    pub duration_ms: u64,
    /// Best first. Empty when the source is sound only.
    pub video: Vec<Video>,
    /// The default first. Empty when the source is silent.
    pub audio: Vec<Audio>,
    /// A JPEG.
    pub poster: Option<FileRef>,
    #[serde(default)]
    pub storyboard: Option<Storyboard>,
    /// Texts that the source holds.
    #[serde(default)]
    pub captions: Vec<Captions>,
    #[serde(default)]
    pub chapters: Option<Chapters>,
    /// `waveform.json`, in the form of audiowaveform's version 2; of sound without a picture.
    #[serde(default)]
    pub waveform: Option<FileRef>,
    /// `video.mp4`: a middle rendition and the default sound in one file, for link previews and downloads.
    #[serde(default)]
    pub muxed: Option<FileRef>,
    /// Of a file that is neither film nor sound.
    #[serde(default)]
    pub preview: Option<Preview>,
    /// Sentences for the creator, such as that the end of the file was missing.
    pub warnings: Vec<String>,
}

/// A picture rendition, in CMAF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Also its folder's name: `v` and the short side, such as `v720`.
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// Of the frames as played; the most in a second when the source's rate varies.
    pub frame_rate: FrameRate,
    /// RFC 6381, such as `avc1.64001f`.
    pub codecs: String,
    /// Ticks a second, for the segments' durations.
    pub timescale: u32,
    pub init: FileRef,
    pub segments: Vec<Segment>,
    /// For each segment how many of its bytes show its first picture; empty where that isn't known.
    #[serde(default)]
    pub keyframe_bytes: Vec<u32>,
    #[serde(default)]
    pub made: Made,
    /// A sentence for the creator: why it was made so.
    #[serde(default)]
    pub why: String,
}

/// A sound rendition, in CMAF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audio {
    /// Also its folder's name: `a0`, `a1` …
    pub name: String,
    /// BCP 47, when the source names one.
    pub language: Option<String>,
    /// For people, such as `English` or `Sound 2`; unique among the renditions.
    pub label: String,
    pub default: bool,
    pub channels: u32,
    pub sample_rate: u32,
    /// RFC 6381: `mp4a.40.2`.
    pub codecs: String,
    /// Ticks a second, for the segments' durations.
    pub timescale: u32,
    pub init: FileRef,
    pub segments: Vec<Segment>,
    #[serde(default)]
    pub made: Made,
    /// A sentence for the creator: why it was made so.
    #[serde(default)]
    pub why: String,
    /// Absent for silence.
    #[serde(default)]
    pub loudness: Option<Loudness>,
}

/// Small pictures by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// `storyboard/index.vtt`: which part of which sheet shows which stretch of time.
    pub index: FileRef,
    /// `storyboard/sheet-000.jpg` …
    pub sheets: Vec<FileRef>,
}

/// A text track, as WebVTT for the whole length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captions {
    /// Also its folder's name: `s0`, `s1` …
    pub name: String,
    /// BCP 47, when the source names one.
    pub language: Option<String>,
    /// For people; unique among the captions.
    pub label: String,
    /// Shown also to those who asked for none: translations of signs, and the like.
    pub forced: bool,
    pub file: FileRef,
}

/// The source's chapters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapters {
    /// `chapters.json`: a list of `start_ms`, `end_ms`, `title`.
    pub json: FileRef,
    /// `chapters.vtt`.
    pub webvtt: FileRef,
}

/// A still picture in several sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Of what it was made from, upright: of a picture in pixels, of a page in points.
    pub width: u32,
    pub height: u32,
    /// `preview/<width>.webp`: the smallest first, at least one, none larger than the picture itself.
    pub sizes: Vec<PreviewSize>,
}

/// A preview in one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewSize {
    pub width: u32,
    pub height: u32,
    pub file: FileRef,
}

/// How loud a sound is, by EBU R 128. In hundredths, so that equal results are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loudness {
    /// Of the whole.
    pub integrated_centi_lufs: i32,
    pub range_centi_lu: i32,
    /// The greatest sample.
    pub peak_centi_dbfs: i32,
}

/// How a rendition came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Decoded and encoded anew.
    #[default]
    Encoded,
    /// The source's own stream, copied into segments.
    Remuxed,
}

/// Frames a second as an exact fraction: 30000/1001 stays that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    pub num: u32,
    pub den: u32,
}

/// One segment: a file that begins with a keyframe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub file: FileRef,
    /// In the rendition's timescale; exact, so that their sum is the rendition's length.
    pub ticks: u64,
}

/// A delivered file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileRef {
    /// Its path in the root: see [`crate::names`].
    pub name: String,
    /// `CIDv1` in base32.
    pub cid: String,
    pub bytes: u64,
}

impl Transcoded {
    /// Every file of the result, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut FileRef> {
        let video = self.video.iter_mut().map(|rendition| (&mut rendition.init, &mut rendition.segments));
        let audio = self.audio.iter_mut().map(|rendition| (&mut rendition.init, &mut rendition.segments));
        let media = video
            .chain(audio)
            .flat_map(|(init, segments)| std::iter::once(init).chain(segments.iter_mut().map(|s| &mut s.file)));
        let boards = self.storyboard.iter_mut();
        let storyboard = boards.flat_map(|board| std::iter::once(&mut board.index).chain(&mut board.sheets));
        let chapters = self.chapters.iter_mut().flat_map(|chapters| [&mut chapters.json, &mut chapters.webvtt]);
        let captions = self.captions.iter_mut().map(|captions| &mut captions.file);
        let companions = self.poster.iter_mut().chain(storyboard).chain(captions).chain(chapters);
        let sizes = self.preview.iter_mut().flat_map(|preview| &mut preview.sizes).map(|size| &mut size.file);
        media.chain(companions).chain(&mut self.waveform).chain(&mut self.muxed).chain(sizes)
    }

    /// Every file of the result: what has to be delivered before [`crate::Complete`].
    pub fn files(&self) -> impl Iterator<Item = &FileRef> {
        let video = self.video.iter().map(|rendition| (&rendition.init, &rendition.segments));
        let audio = self.audio.iter().map(|rendition| (&rendition.init, &rendition.segments));
        let renditions = video.chain(audio);
        let media =
            renditions.flat_map(|(init, segments)| std::iter::once(init).chain(segments.iter().map(|s| &s.file)));
        let storyboard = self.storyboard.iter().flat_map(|board| std::iter::once(&board.index).chain(&board.sheets));
        let chapters = self.chapters.iter().flat_map(|chapters| [&chapters.json, &chapters.webvtt]);
        let captions = self.captions.iter().map(|captions| &captions.file);
        let companions = self.poster.iter().chain(storyboard).chain(captions).chain(chapters);
        let sizes = self.preview.iter().flat_map(|preview| &preview.sizes).map(|size| &size.file);
        media.chain(companions).chain(&self.waveform).chain(&self.muxed).chain(sizes)
    }
}

impl FrameRate {
    /// For a playlist's FRAME-RATE.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den.max(1))
    }
}
