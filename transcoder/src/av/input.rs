//! Opening a file from strangers: a whitelist of formats, limits on probing, no way to open anything else.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{Dictionary, Packet, Rational, ffi, media};

use super::Error;
use super::track::{self, Track, entry};
use crate::rules::clock::rescale;
use crate::rules::timeline::Timeline;
use crate::rules::{opus, wav};

/// What opening may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tracks of picture, sound and text.
    pub streams: usize,
    pub attachments: usize,
    pub probe_bytes: u32,
    pub max_pixels: u64,
    /// ffmpeg's names of the decoders that may run.
    pub decoders: &'static [&'static str],
}

/// Why a file couldn't be opened.
#[derive(Debug)]
pub enum Refusal {
    /// No format recognises it.
    Unknown,
    /// Recognised, but not on the list; the format's name.
    NotAllowed(String),
    TooManyStreams,
    /// On the list, but its header can't be read.
    Unreadable(Error),
}

/// An opened file.
pub struct Source {
    input: Input,
    position: Arc<AtomicU64>,
    /// Of a format whose clock may jump.
    timeline: Option<Timeline>,
    pub bytes: u64,
    pub tracks: Vec<Track>,
    /// Starts, ends and titles, in microseconds of the source's own time.
    pub chapters: Vec<(i64, i64, String)>,
    /// In microseconds, when the header tells it (rather than a guess from the bit rate).
    pub duration_us: Option<i64>,
}

/// Reads a file and tells how far it came.
struct Counted<R> {
    file: R,
    position: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = self.file.seek(to)?;
        self.position.store(at, Ordering::Relaxed);
        Ok(at)
    }
}

impl Source {
    /// Opens `file` as one of the `formats` (ffmpeg's names of demuxers).
    pub fn open(file: File, formats: &[&str], limits: Limits) -> Result<Self, Refusal> {
        let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
        Self::of(file, bytes, formats, limits)
    }

    /// The same of anything that reads like a file of so many `bytes`.
    pub fn of<R>(mut file: R, bytes: u64, formats: &[&str], limits: Limits) -> Result<Self, Refusal>
    where
        R: Read + Seek + Send + 'static,
    {
        let told_us = told_us(&mut file, bytes).map_err(|_| Refusal::Unreadable(Error::Unknown))?;
        let position = Arc::new(AtomicU64::new(0));
        let io = StreamIo::from_read_seek_with_capacity(Counted { file, position: position.clone() }, 1 << 18);
        let mut io = io.map_err(Refusal::Unreadable)?;
        let format = probe(&mut io, limits.probe_bytes)?;
        // SAFETY: a found format is a static of the library, its name a C string.
        let (name, jumps) = unsafe { (CStr::from_ptr((*format).name), (*format).flags & ffi::AVFMT_TS_DISCONT != 0) };
        let name = name.to_string_lossy().into_owned();
        if !formats.contains(&name.as_str()) {
            return Err(Refusal::NotAllowed(name));
        }
        let input = open(io, format, formats, limits)?;
        let tracks = track::of(&input);
        let attached = tracks.iter().filter(|track| track.medium == media::Type::Attachment).count();
        if tracks.len() - attached > limits.streams || attached > limits.attachments {
            return Err(Refusal::TooManyStreams);
        }
        let (duration_us, chapters) = (told_us.or_else(|| duration(&input, &tracks)), chapters(&input));
        let timeline = jumps.then(|| Timeline::new(tracks.len()));
        Ok(Self { input, position, timeline, bytes, tracks, chapters, duration_us })
    }

    /// Leaves a track's packets out of what is read.
    pub fn skip(&mut self, index: usize) {
        // SAFETY: the index is checked against the number of streams, which are valid while the input is.
        unsafe {
            let context = self.input.as_mut_ptr();
            if index < (*context).nb_streams as usize {
                (**(*context).streams.add(index)).discard = ffi::AVDiscard::AVDISCARD_ALL;
            }
        }
    }

    /// Goes to an entry point at or before a time of the source's own, as far as its format can; a format whose clock may
    /// jump is left where it is. What is read then may begin later than hoped.
    pub fn seek(&mut self, to_us: i64) {
        if self.timeline.is_none() {
            // SAFETY: the context is open. A failure leaves it readable.
            let _ = unsafe { ffi::avformat_seek_file(self.input.as_mut_ptr(), -1, i64::MIN, to_us, to_us, 0) };
        }
    }

    /// The next packet, or nothing at the end. Broken parts of the file are errors; reading may go on after them.
    pub fn read(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if self.is_header(&packet) => {}
                Ok(()) => {
                    self.rejoin(&mut packet);
                    return Ok(Some(packet));
                }
                Err(Error::Eof) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether it is a header of Opus: where one stream follows another, ffmpeg takes it for a second of sound.
    fn is_header(&self, packet: &Packet) -> bool {
        let is_opus = self.tracks.get(packet.stream()).is_some_and(|track| track.codec == "opus");
        is_opus && packet.data().is_some_and(opus::is_header)
    }

    /// Whether a stream of Opus was followed by one with other channels, which ffmpeg's decoder makes noise of.
    pub fn has_changed_channels(&self) -> bool {
        let now = track::of(&self.input);
        let pairs = self.tracks.iter().zip(&now).filter(|(track, _)| track.codec == "opus");
        pairs.into_iter().any(|(track, now)| !opus::are_alike(&track.coding.header, &now.coding.header))
    }

    /// Moves a packet to where it belongs if its clock jumped.
    fn rejoin(&mut self, packet: &mut Packet) {
        let (Some(timeline), Some(track)) = (&mut self.timeline, self.tracks.get(packet.stream())) else { return };
        let Some(at) = packet.dts().or(packet.pts()) else { return };
        let tick = (track.tick.numerator(), track.tick.denominator());
        let us = |ticks: i64| rescale(ticks, tick, 1_000_000);
        let sparse = !matches!(track.medium, media::Type::Video | media::Type::Audio) || track.cover_art;
        let shift = timeline.shift(track.index, (us(at), us(packet.duration())), sparse);
        let shift = rescale(shift, (tick.1, 1_000_000), 1) / i64::from(tick.0.max(1));
        packet.set_pts(packet.pts().map(|time| time.saturating_add(shift)));
        packet.set_dts(packet.dts().map(|time| time.saturating_add(shift)));
    }

    /// How long the file plays, in microseconds, as far as can be told from what was read until now.
    pub fn expected_us(&self) -> Option<i64> {
        self.duration_us.filter(|_| !self.timeline.as_ref().is_some_and(Timeline::has_jumped))
    }

    /// How much of the file was read, 0 to 1.
    pub fn fraction_read(&self) -> f64 {
        (self.position.load(Ordering::Relaxed) as f64 / self.bytes.max(1) as f64).min(1.0)
    }

    /// A track's attached picture, as the container holds it.
    pub fn cover_packet(&self, index: usize) -> Option<Packet> {
        // SAFETY: the index is checked; the attached packet belongs to the stream, and its bytes are copied.
        unsafe {
            let context = self.input.as_ptr();
            if index >= (*context).nb_streams as usize {
                return None;
            }
            let attached = &raw const (**(*context).streams.add(index)).attached_pic;
            let size = usize::try_from((*attached).size).ok().filter(|size| *size > 0)?;
            (!(*attached).data.is_null()).then(|| Packet::copy(std::slice::from_raw_parts((*attached).data, size)))
        }
    }
}

fn probe(io: &mut StreamIo, most: u32) -> Result<*const ffi::AVInputFormat, Refusal> {
    let mut format = ptr::null();
    // SAFETY: the I/O context is valid and readable; no URL, so that names decide nothing; the result is checked.
    let code =
        unsafe { ffi::av_probe_input_buffer2(io.as_mut_ptr(), &mut format, c"".as_ptr(), ptr::null_mut(), 0, most) };
    if code < 0 || format.is_null() { Err(Refusal::Unknown) } else { Ok(format) }
}

fn open(
    mut io: StreamIo,
    format: *const ffi::AVInputFormat,
    formats: &[&str],
    limits: Limits,
) -> Result<Input, Refusal> {
    let mut options = Dictionary::new();
    options.set("format_whitelist", &formats.join(","));
    options.set("protocol_whitelist", "none");
    options.set("codec_whitelist", &limits.decoders.join(","));
    options.set("max_streams", &(limits.streams + limits.attachments + 1).to_string());
    options.set("probesize", &limits.probe_bytes.to_string());
    // SAFETY: the context is ours until it is wrapped; avformat_open_input frees it when it fails, and `io` outlives
    // it in both cases (it is moved into the wrapper, or dropped after this function's last use of the context).
    unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Refusal::Unreadable(Error::Other { errno: libc::ENOMEM }));
        }
        (*context).pb = io.as_mut_ptr();
        (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
        (*context).io_open = Some(deny);
        let mut raw = options.disown();
        let code = ffi::avformat_open_input(&mut context, ptr::null(), format, &mut raw);
        drop(Dictionary::own(raw));
        if code < 0 {
            return Err(Refusal::Unreadable(Error::from(code)));
        }
        let mut input = Input::wrap_with_custom_io(context, io);
        find_streams(&mut input, limits)?;
        Ok(input)
    }
}

/// A file may name others: nothing but the one handed in is ever opened.
unsafe extern "C" fn deny(
    _: *mut ffi::AVFormatContext,
    _: *mut *mut ffi::AVIOContext,
    _: *const c_char,
    _: c_int,
    _: *mut *mut ffi::AVDictionary,
) -> c_int {
    ffi::AVERROR(libc::EACCES)
}

fn find_streams(input: &mut Input, limits: Limits) -> Result<(), Refusal> {
    // SAFETY: the context is open. The options are one dictionary a stream, as many as there are streams now, and are
    // freed after the call, which may have changed the dictionaries but not the array. Streams are added behind those
    // that were there, never taken away, and each has its parameters.
    let code = unsafe {
        let context = input.as_mut_ptr();
        let parameters = |at: usize| (**(*context).streams.add(at)).codecpar;
        let told: Vec<(i32, i32)> =
            (0..(*context).nb_streams as usize).map(|at| ((*parameters(at)).width, (*parameters(at)).height)).collect();
        let max_pixels = CString::new(limits.max_pixels.to_string()).unwrap_or_default();
        let mut options: Vec<*mut ffi::AVDictionary> = vec![ptr::null_mut(); (*context).nb_streams as usize];
        for entry in &mut options {
            ffi::av_dict_set(entry, c"max_pixels".as_ptr(), max_pixels.as_ptr(), 0);
            ffi::av_dict_set(entry, c"threads".as_ptr(), c"1".as_ptr(), 0);
        }
        let code = ffi::avformat_find_stream_info(context, options.as_mut_ptr());
        for entry in &mut options {
            ffi::av_dict_free(entry);
        }
        // A decoder forgets a size beyond the limit; whoever decides should hear of it.
        for (at, (width, height)) in told.into_iter().enumerate() {
            let parameters = parameters(at);
            let pixels = u64::try_from(i64::from(width) * i64::from(height)).unwrap_or(0);
            if (*parameters).width == 0 && pixels > limits.max_pixels {
                ((*parameters).width, (*parameters).height) = (width, height);
            }
        }
        code
    };
    if code < 0 { Err(Refusal::Unreadable(Error::from(code))) } else { Ok(()) }
}

/// How long a file says it is that was cut off, where ffmpeg doesn't tell.
fn told_us<R: Read + Seek>(file: &mut R, bytes: u64) -> std::io::Result<Option<i64>> {
    let mut head = Vec::new();
    file.take(wav::HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(wav::told_us(&head, bytes))
}

/// A container's own length counts subtitles, which may be anywhere: beside them, only tracks of picture and sound count.
fn duration(input: &Input, tracks: &[Track]) -> Option<i64> {
    if tracks.iter().any(|track| track.medium == media::Type::Subtitle) {
        let timed = tracks.iter().filter(|track| matches!(track.medium, media::Type::Video | media::Type::Audio));
        return timed.filter_map(|track| track.duration_us).max();
    }
    // SAFETY: the context is open; only plain numbers are read.
    let (duration, guessed) = unsafe {
        let context = &*input.as_ptr();
        let method = context.duration_estimation_method;
        (context.duration, method == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE)
    };
    (duration > 0 && !guessed).then_some(duration)
}

fn chapters(input: &Input) -> Vec<(i64, i64, String)> {
    const MOST: usize = 2000;
    let us = |time: i64, tick: Rational| rescale(time, (tick.numerator(), tick.denominator()), 1_000_000);
    let chapters = input.chapters().take(MOST);
    chapters
        .map(|chapter| {
            let tick = chapter.time_base();
            // SAFETY: the chapter is valid while the input is; an entry's value is a C string, copied at once.
            let title = unsafe { entry((*chapter.as_ptr()).metadata, c"title") };
            (us(chapter.start(), tick), us(chapter.end(), tick), title.unwrap_or_default())
        })
        .collect()
}
