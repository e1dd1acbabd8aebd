//! A filter graph with one input and one output.
#![allow(unsafe_code)]

use ffmpeg_next::{ffi, filter, frame};

use super::frame::{Picture, PictureFormat};
use super::{Error, is_again};

/// A linear graph: what is pushed comes out of `pull`, changed.
pub struct Filter {
    // The contexts point into the graph: declared before it, though dropping them does nothing.
    source: filter::Context,
    sink: filter::Context,
    _graph: filter::Graph,
}

/// What an audio graph must know of its input; a change means a new graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    pub rate: u32,
    /// `AVSampleFormat` as a number.
    pub sample: i32,
    pub channels: i32,
    /// A mask, or 0 when the order of channels is unknown.
    pub layout: u64,
}

/// The usual layout of so many channels; 0 when there is none.
pub fn usual_layout(channels: i32) -> u64 {
    // SAFETY: a pure function of a number.
    u64::try_from(unsafe { ffi::av_get_default_channel_layout(channels) }).unwrap_or(0)
}

impl SoundFormat {
    pub fn of(frame: &frame::Audio) -> Self {
        // SAFETY: the frame is valid; only plain integers are read.
        unsafe {
            let raw = &*frame.as_ptr();
            Self {
                rate: u32::try_from(raw.sample_rate).unwrap_or(0),
                sample: raw.format,
                channels: raw.channels,
                layout: raw.channel_layout,
            }
        }
    }
}

impl Filter {
    pub fn of_pictures(input: PictureFormat, tick: (i32, i32), spec: &str) -> Result<Self, Error> {
        let PictureFormat { width, height, pixel, aspect } = input;
        let (num, den) = if aspect.0 > 0 && aspect.1 > 0 { aspect } else { (1, 1) };
        let arguments = format!(
            "video_size={width}x{height}:pix_fmt={pixel}:time_base={}/{}:pixel_aspect={num}/{den}",
            tick.0, tick.1
        );
        Self::build(("buffer", "buffersink"), &arguments, spec)
    }

    pub fn of_sound(input: &SoundFormat, tick: (i32, i32), spec: &str) -> Result<Self, Error> {
        let SoundFormat { rate, sample, channels, layout } = input;
        let layout = if *layout == 0 { usual_layout(*channels) } else { *layout };
        let order = if layout == 0 { String::new() } else { format!(":channel_layout=0x{layout:x}") };
        let arguments = format!(
            "sample_rate={rate}:sample_fmt={sample}:time_base={}/{}:channels={channels}{order}",
            tick.0, tick.1
        );
        Self::build(("abuffer", "abuffersink"), &arguments, spec)
    }

    fn build((from, to): (&str, &str), arguments: &str, spec: &str) -> Result<Self, Error> {
        let mut graph = filter::Graph::new();
        // SAFETY: the graph was just made. One thread: the encoders have the machine's others.
        unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
        let source = graph.add(&filter::find(from).ok_or(Error::FilterNotFound)?, "in", arguments)?;
        let sink = graph.add(&filter::find(to).ok_or(Error::FilterNotFound)?, "out", "")?;
        graph.output("in", 0)?.input("out", 0)?.parse(spec)?;
        graph.validate()?;
        Ok(Self { source, sink, _graph: graph })
    }

    /// The ticks of what comes out.
    pub fn tick(&mut self) -> (i32, i32) {
        let tick = self.sink.sink().time_base();
        (tick.numerator(), tick.denominator())
    }

    pub fn push(&mut self, frame: &ffmpeg_next::Frame) -> Result<(), Error> {
        self.source.source().add(frame)
    }

    /// Says that nothing more comes; what the graph still holds can be pulled.
    pub fn end(&mut self) -> Result<(), Error> {
        self.source.source().flush()
    }

    pub fn pull_picture(&mut self) -> Result<Option<Picture>, Error> {
        let mut picture = Picture::empty();
        let got = self.pull(&mut picture.0)?;
        Ok(got.then_some(picture))
    }

    pub fn pull_sound(&mut self) -> Result<Option<frame::Audio>, Error> {
        let mut sound = frame::Audio::empty();
        let got = self.pull(&mut sound)?;
        Ok(got.then_some(sound))
    }

    fn pull(&mut self, frame: &mut ffmpeg_next::Frame) -> Result<bool, Error> {
        match self.sink.sink().frame(frame) {
            Ok(()) => Ok(true),
            Err(Error::Eof) => Ok(false),
            Err(error) if is_again(error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
