//! What a container says of its tracks, read out of ffmpeg's structures.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Rational, codec, ffi, media};

use crate::rules::clock::rescale;
use crate::rules::colour::Colour;

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
    /// In microseconds, when its header tells it.
    pub duration_us: Option<i64>,
    pub cover_art: bool,
    /// The one to be played, of several of its kind.
    pub default: bool,
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
    /// Matroska's word that each picture has another one beside it, of its opacity.
    pub alpha_beside: bool,
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
#[derive(Clone, Debug)]
pub struct Coding {
    /// The decoder's header; empty when it is missing or absurdly long.
    pub header: Vec<u8>,
    /// ffmpeg's number.
    pub profile: i32,
    /// ffmpeg's name of the pixel format; empty when unknown.
    pub pixels: String,
    pub colour: Colour,
    pub full_range: bool,
    pub encrypted: bool,
    /// Whether it is of text, if it is of subtitles.
    pub text: bool,
}

/// All tracks of an opened file.
pub fn of(input: &Input) -> Vec<Track> {
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
        duration_us: duration_us(stream),
        cover_art: stream.disposition().contains(ffmpeg_next::format::stream::Disposition::ATTACHED_PIC),
        default: stream.disposition().contains(ffmpeg_next::format::stream::Disposition::DEFAULT),
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
        alpha_beside: tag(stream, c"alpha_mode").is_some_and(|mode| mode == "1"),
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
            colour: Colour {
                primaries: (&raw const raw.color_primaries).cast::<i32>().read(),
                transfer: (&raw const raw.color_trc).cast::<i32>().read(),
                matrix: (&raw const raw.color_space).cast::<i32>().read(),
            },
            full_range: (&raw const raw.color_range).cast::<i32>().read() == ffi::AVColorRange::AVCOL_RANGE_JPEG as i32,
            text: {
                let description = ffi::avcodec_descriptor_get(raw.codec_id);
                !description.is_null() && (*description).props & ffi::AV_CODEC_PROP_TEXT_SUB != 0
            },
            encrypted: ENCRYPTED.iter().any(|tag| u32::from_le_bytes(**tag) == raw.codec_tag),
        }
    }
}

/// How long a track says it is, by its header or by Matroska's tag, in microseconds.
fn duration_us(stream: &ffmpeg_next::Stream<'_>) -> Option<i64> {
    let tick = (stream.time_base().numerator(), stream.time_base().denominator());
    let said = Some(stream.duration()).filter(|ticks| *ticks > 0).map(|ticks| rescale(ticks, tick, 1_000_000));
    said.or_else(|| clock_us(&tag(stream, c"DURATION")?)).filter(|us| *us > 0)
}

/// A time as `00:00:04.040000000`.
fn clock_us(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, ':');
    let (hours, minutes) = (parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?);
    let seconds = parts.next()?.parse::<f64>().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
    Some((i64::from(hours) * 3600 + i64::from(minutes) * 60) * 1_000_000 + (seconds * 1e6) as i64)
}

/// A metadata entry; what isn't UTF-8 in it is replaced.
fn tag(stream: &ffmpeg_next::Stream<'_>, key: &CStr) -> Option<String> {
    // SAFETY: the stream is valid, and so is its dictionary.
    unsafe { entry((*stream.as_ptr()).metadata, key) }
}

/// A dictionary's entry as text.
///
/// # Safety
/// The dictionary must be valid, or null.
pub unsafe fn entry(dictionary: *mut ffi::AVDictionary, key: &CStr) -> Option<String> {
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
