//! Opening a file from strangers: a whitelist of formats, limits on probing, no way to open anything else.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{Dictionary, Packet, Rational, codec, ffi, media};

use super::Error;
use crate::rules::clock::rescale;

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
    pub bytes: u64,
    pub tracks: Vec<Track>,
    /// Starts, ends and titles, in microseconds of the source's own time.
    pub chapters: Vec<(i64, i64, String)>,
    /// In microseconds, when the header tells it (rather than a guess from the bit rate).
    pub duration_us: Option<i64>,
}

/// A track of an opened file.
#[derive(Clone)]
pub struct Track {
    pub index: usize,
    pub medium: media::Type,
    pub codec: String,
    pub parameters: codec::Parameters,
    pub tick: Rational,
    /// In ticks, when known.
    pub start: Option<i64>,
    pub cover_art: bool,
    /// Subtitles to be shown also to those who asked for none.
    pub forced: bool,
    pub language: Option<String>,
    pub title: Option<String>,
    /// ffmpeg's guesses: the finest grid of all times, and the average.
    pub rates: ((i32, i32), (i32, i32)),
    pub width: u32,
    pub height: u32,
    pub aspect: (i32, i32),
    pub fields: Fields,
    /// The display matrix's upper left four numbers, as turns of 65536.
    pub matrix: Option<[i32; 4]>,
    pub sample_rate: u32,
    pub channels: u32,
    pub coding: Coding,
}

/// Whether pictures are made of two fields of different instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fields {
    Unknown,
    None,
    TopFirst,
    BottomFirst,
}

/// How a track is coded, as far as a decision to copy it needs.
#[derive(Clone, Debug, Default)]
pub struct Coding {
    /// The decoder's header; empty when it is missing or absurdly long.
    pub header: Vec<u8>,
    /// ffmpeg's number.
    pub profile: i32,
    /// ffmpeg's name of the pixel format; empty when unknown.
    pub pixels: String,
    /// A number of H.273.
    pub transfer: i32,
    pub full_range: bool,
    pub encrypted: bool,
    /// Whether it is of text, if it is of subtitles.
    pub text: bool,
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
    pub fn of<R>(file: R, bytes: u64, formats: &[&str], limits: Limits) -> Result<Self, Refusal>
    where
        R: Read + Seek + Send + 'static,
    {
        let position = Arc::new(AtomicU64::new(0));
        let io = StreamIo::from_read_seek_with_capacity(Counted { file, position: position.clone() }, 1 << 18);
        let mut io = io.map_err(Refusal::Unreadable)?;
        let format = probe(&mut io, limits.probe_bytes)?;
        // SAFETY: a found format is a static of the library, its name a C string.
        let name = unsafe { CStr::from_ptr((*format).name) }.to_string_lossy().into_owned();
        if !formats.contains(&name.as_str()) {
            return Err(Refusal::NotAllowed(name));
        }
        let input = open(io, format, formats, limits)?;
        let tracks = tracks(&input);
        let attached = tracks.iter().filter(|track| track.medium == media::Type::Attachment).count();
        if tracks.len() - attached > limits.streams || attached > limits.attachments {
            return Err(Refusal::TooManyStreams);
        }
        let (duration_us, chapters) = (duration(&input), chapters(&input));
        Ok(Self { input, position, bytes, tracks, chapters, duration_us })
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

    /// The next packet, or nothing at the end. Broken parts of the file are errors; reading may go on after them.
    pub fn read(&mut self) -> Result<Option<Packet>, Error> {
        let mut packet = Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) => Ok(Some(packet)),
            Err(Error::Eof) => Ok(None),
            Err(error) => Err(error),
        }
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
    // freed after the call, which may have changed the dictionaries but not the array.
    let code = unsafe {
        let context = input.as_mut_ptr();
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
        code
    };
    if code < 0 { Err(Refusal::Unreadable(Error::from(code))) } else { Ok(()) }
}

fn duration(input: &Input) -> Option<i64> {
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

fn tracks(input: &Input) -> Vec<Track> {
    input.streams().map(|stream| track(&stream)).collect()
}

fn track(stream: &ffmpeg_next::Stream<'_>) -> Track {
    let parameters = stream.parameters();
    let pair = |r: Rational| (r.numerator(), r.denominator());
    // SAFETY: the stream and its parameters are valid while the input is; enumerations are read as numbers.
    let (width, height, aspect, field_order, (sample_rate, channels), name) = unsafe {
        let raw = &*parameters.as_ptr();
        let order = (&raw const raw.field_order).cast::<u32>().read();
        let name = ffi::avcodec_get_name(raw.codec_id);
        let own = (*stream.as_ptr()).sample_aspect_ratio;
        let aspect = if own.num > 0 { own } else { raw.sample_aspect_ratio };
        let name = CStr::from_ptr(name).to_string_lossy().into_owned();
        (raw.width, raw.height, (aspect.num, aspect.den), order, (raw.sample_rate, raw.channels), name)
    };
    Track {
        index: stream.index(),
        medium: parameters.medium(),
        codec: name,
        tick: stream.time_base(),
        start: Some(stream.start_time()).filter(|start| *start != ffi::AV_NOPTS_VALUE),
        cover_art: stream.disposition().contains(ffmpeg_next::format::stream::Disposition::ATTACHED_PIC),
        forced: stream.disposition().contains(ffmpeg_next::format::stream::Disposition::FORCED),
        language: tag(stream, c"language"),
        title: tag(stream, c"title"),
        rates: (pair(stream.rate()), pair(stream.avg_frame_rate())),
        width: u32::try_from(width).unwrap_or(0),
        height: u32::try_from(height).unwrap_or(0),
        aspect,
        fields: fields(field_order),
        matrix: matrix(stream),
        sample_rate: u32::try_from(sample_rate).unwrap_or(0),
        channels: u32::try_from(channels).unwrap_or(0),
        coding: coding(&parameters),
        parameters,
    }
}

/// From ffmpeg's number, by the order in which fields are shown.
fn fields(order: u32) -> Fields {
    use ffi::AVFieldOrder::{AV_FIELD_BB, AV_FIELD_BT, AV_FIELD_PROGRESSIVE, AV_FIELD_TB, AV_FIELD_TT};
    match order {
        order if order == AV_FIELD_PROGRESSIVE as u32 => Fields::None,
        order if order == AV_FIELD_TT as u32 || order == AV_FIELD_BT as u32 => Fields::TopFirst,
        order if order == AV_FIELD_BB as u32 || order == AV_FIELD_TB as u32 => Fields::BottomFirst,
        _ => Fields::Unknown,
    }
}

fn coding(parameters: &codec::Parameters) -> Coding {
    /// Larger headers aren't video's or sound's: fonts, for instance.
    const MOST: i32 = 1 << 16;
    const ENCRYPTED: [&[u8; 4]; 2] = [b"encv", b"enca"];
    // SAFETY: the parameters are valid; enumerations are read as numbers; the header is copied by its own size; the
    // number of a pixel format is checked before it becomes one, and its name is a static of the library, or null.
    unsafe {
        let raw = &*parameters.as_ptr();
        let known = (1..=MOST).contains(&raw.extradata_size) && !raw.extradata.is_null();
        let header = if known { std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize) } else { &[] };
        let is_picture = parameters.medium() == media::Type::Video;
        let is_format = is_picture && (0..ffi::AVPixelFormat::AV_PIX_FMT_NB as i32).contains(&raw.format);
        let format = is_format.then(|| std::mem::transmute::<i32, ffi::AVPixelFormat>(raw.format));
        let description = format.map_or(ptr::null(), |format| ffi::av_pix_fmt_desc_get(format));
        let name = if description.is_null() { ptr::null() } else { (*description).name };
        let pixels = if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() };
        Coding {
            header: header.to_vec(),
            profile: raw.profile,
            pixels,
            transfer: (&raw const raw.color_trc).cast::<i32>().read(),
            full_range: (&raw const raw.color_range).cast::<i32>().read() == ffi::AVColorRange::AVCOL_RANGE_JPEG as i32,
            text: {
                let description = ffi::avcodec_descriptor_get(raw.codec_id);
                !description.is_null() && (*description).props & ffi::AV_CODEC_PROP_TEXT_SUB != 0
            },
            encrypted: ENCRYPTED.iter().any(|tag| u32::from_le_bytes(**tag) == raw.codec_tag),
        }
    }
}

/// A metadata entry; what isn't UTF-8 in it is replaced.
fn tag(stream: &ffmpeg_next::Stream<'_>, key: &CStr) -> Option<String> {
    // SAFETY: the stream is valid, and so is its dictionary.
    unsafe { entry((*stream.as_ptr()).metadata, key) }
}

/// # Safety
/// The dictionary must be valid, or null.
unsafe fn entry(dictionary: *mut ffi::AVDictionary, key: &CStr) -> Option<String> {
    // SAFETY: by the caller; an entry's value is a C string, copied at once.
    unsafe {
        let entry = ffi::av_dict_get(dictionary, key.as_ptr(), ptr::null(), 0);
        (!entry.is_null()).then(|| CStr::from_ptr((*entry).value).to_string_lossy().into_owned())
    }
}

fn matrix(stream: &ffmpeg_next::Stream<'_>) -> Option<[i32; 4]> {
    let mut size = 0_usize;
    // SAFETY: the stream is valid; the side data is copied out after its size was checked, byte by byte aligned.
    unsafe {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let data = ffi::av_stream_get_side_data(stream.as_ptr(), kind, &mut size);
        if data.is_null() || size < 9 * 4 {
            return None;
        }
        let number = |at: usize| data.cast::<i32>().add(at).read_unaligned();
        Some([number(0), number(1), number(3), number(4)])
    }
}
