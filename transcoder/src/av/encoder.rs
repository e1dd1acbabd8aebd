//! The encoders: H.264 by x264, AAC, JPEG for posters and WebP for previews.
#![allow(unsafe_code)]

use ffmpeg_next::codec::{self, Flags, encoder};
use ffmpeg_next::format::{Pixel, Sample};
use ffmpeg_next::{ChannelLayout, Dictionary, Packet, Rational, ffi};
use pinreel_runner::FrameRate;

use super::frame::Picture;
use super::{Error, is_again};
use crate::rules::colour::Colour;
use crate::rules::ladder::Size;

/// What of "veryfast" is chosen otherwise. Of the bytes at the same VMAF, as `bin/bench quality` takes them: trellis −11 %
/// for next to no time; quantisation by variance of the second kind −2 %, weaker −2 %; twice the frames looked ahead
/// −1 %. Half as good a search within a pixel gives back 2 % and takes a fifth less time.
const X264: &str = "trellis=1:aq-mode=2:aq-strength=0.8:rc-lookahead=20:subme=1";

/// An encoder of any kind: frames in, packets out.
pub struct Encoder(encoder::Encoder);

/// What an H.264 rung is made with.
#[derive(Clone, Copy, Debug)]
pub struct H264 {
    pub size: Size,
    pub rate: FrameRate,
    pub timescale: u32,
    pub max_bits_per_second: u64,
    pub crf: u32,
    /// Whether all pictures last equally long. Only then may they come in another order than they are shown, and does the
    /// stream's header tell their rate; otherwise the cap counts with how long each of them lasts.
    pub steady: bool,
    pub colour: Colour,
}

impl Encoder {
    /// Keyframes are the caller's alone: scene cuts become I pictures within a group.
    pub fn h264(wanted: H264) -> Result<Self, Error> {
        let codec = encoder::find_by_name("libx264").ok_or(Error::EncoderNotFound)?;
        let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
        video.set_width(wanted.size.width);
        video.set_height(wanted.size.height);
        video.set_format(Pixel::YUV420P);
        video.set_aspect_ratio(Rational::new(1, 1));
        video.set_time_base(Rational::new(1, wanted.timescale as i32));
        video.set_frame_rate(Some(Rational::new(wanted.rate.num as i32, wanted.rate.den as i32)));
        video.set_flags(Flags::GLOBAL_HEADER | Flags::CLOSED_GOP | Flags::BITEXACT);
        video.set_gop(1200);
        set_colour(&mut video, wanted.colour);
        let mut options = Dictionary::new();
        let bits = wanted.max_bits_per_second;
        for (name, value) in [
            ("preset", "veryfast"),
            ("profile", "high"),
            ("crf", &wanted.crf.to_string()),
            ("bf", if wanted.steady { "3" } else { "0" }),
            ("forced-idr", "1"),
            ("x264-params", &format!("{X264}:force-cfr={}", u8::from(wanted.steady))),
            ("keyint_min", "600"),
            // One, so that the same source gives the same bytes: with a capped rate, x264's threads race. The rungs
            // beside it keep two cores busy.
            ("threads", "1"),
            ("maxrate", &bits.to_string()),
            ("bufsize", &(bits * 2).to_string()),
        ] {
            options.set(name, value);
        }
        let opened = video.open_as_with(codec, options)?;
        Ok(Self(opened.0.0))
    }

    /// AAC-LC, stereo, planar floats. Its first packet is priming alone.
    pub fn aac(sample_rate: u32, bits_per_second: usize) -> Result<Self, Error> {
        let codec = encoder::find_by_name("aac").ok_or(Error::EncoderNotFound)?;
        let mut audio = codec::Context::new_with_codec(codec).encoder().audio()?;
        audio.set_rate(sample_rate as i32);
        audio.set_format(Sample::F32(ffmpeg_next::format::sample::Type::Planar));
        audio.set_channel_layout(ChannelLayout::STEREO);
        audio.set_channels(2);
        audio.set_bit_rate(bits_per_second);
        audio.set_time_base(Rational::new(1, sample_rate as i32));
        audio.set_flags(Flags::GLOBAL_HEADER | Flags::BITEXACT);
        let opened = audio.open_as_with(codec, Dictionary::new())?;
        Ok(Self(opened.0.0))
    }

    /// A JPEG of one full-range 4:2:0 picture.
    pub fn jpeg(picture: &Picture) -> Result<Vec<u8>, Error> {
        const QUALITY: i32 = 4;
        let codec = encoder::find_by_name("mjpeg").ok_or(Error::EncoderNotFound)?;
        let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
        video.set_width(picture.0.width());
        video.set_height(picture.0.height());
        video.set_format(Pixel::YUVJ420P);
        video.set_time_base(Rational::new(1, 25));
        video.set_flags(Flags::QSCALE | Flags::BITEXACT);
        video.set_global_quality(ffi::FF_QP2LAMBDA * QUALITY);
        let opened = video.open_as_with(codec, Dictionary::new())?;
        let mut encoder = Self(opened.0.0);
        let mut still = picture.share()?;
        still.stamp(0, true);
        // SAFETY: the frame is ours and valid. The encoder reads its quality from the frame.
        unsafe { (*still.0.as_mut_ptr()).quality = ffi::FF_QP2LAMBDA * QUALITY };
        encoder.send(&still.0)?;
        encoder.end()?;
        let packet = encoder.receive()?.ok_or(Error::InvalidData)?;
        Ok(packet.data().unwrap_or_default().to_vec())
    }

    /// A WebP of one limited-range 4:2:0 picture, with or without an alpha plane.
    pub fn webp(picture: &Picture) -> Result<Vec<u8>, Error> {
        const QUALITY: &str = "82";
        let codec = encoder::find_by_name("libwebp").ok_or(Error::EncoderNotFound)?;
        let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
        video.set_width(picture.0.width());
        video.set_height(picture.0.height());
        video.set_format(if picture.format().has_alpha() { Pixel::YUVA420P } else { Pixel::YUV420P });
        video.set_time_base(Rational::new(1, 25));
        video.set_flags(Flags::BITEXACT);
        let mut options = Dictionary::new();
        options.set("quality", QUALITY);
        let opened = video.open_as_with(codec, options)?;
        let mut encoder = Self(opened.0.0);
        let mut still = picture.share()?;
        still.stamp(0, true);
        encoder.send(&still.0)?;
        encoder.end()?;
        let packet = encoder.receive()?.ok_or(Error::InvalidData)?;
        Ok(packet.data().unwrap_or_default().to_vec())
    }

    pub fn send(&mut self, frame: &ffmpeg_next::Frame) -> Result<(), Error> {
        self.0.send_frame(frame)
    }

    pub fn end(&mut self) -> Result<(), Error> {
        self.0.send_eof()
    }

    /// The next packet, or nothing until more is sent (or ever, after the end).
    pub fn receive(&mut self) -> Result<Option<Packet>, Error> {
        let mut packet = Packet::empty();
        match self.0.receive_packet(&mut packet) {
            Ok(()) => Ok(Some(packet)),
            Err(Error::Eof) => Ok(None),
            Err(error) if is_again(error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn context(&self) -> &codec::Context {
        &self.0
    }

    pub fn extradata(&self) -> Vec<u8> {
        // SAFETY: the context is open; ffmpeg keeps pointer and size in step, and the bytes are copied at once.
        unsafe {
            let context = &*self.0.as_ptr();
            match usize::try_from(context.extradata_size) {
                Ok(size) if size > 0 && !context.extradata.is_null() => {
                    std::slice::from_raw_parts(context.extradata, size).to_vec()
                }
                _ => Vec::new(),
            }
        }
    }
}

fn set_colour(video: &mut encoder::video::Video, colour: Colour) {
    // Only values that every version's enumerations know: 1 to 9, and 10 to 18 for transfers.
    let known = |value: i32, most: i32| if (1..=most).contains(&value) && value != 3 { value } else { 2 };
    // SAFETY: the context isn't open yet; the fields are C enumerations of an int's size, and the values are known.
    unsafe {
        let context = video.as_mut_ptr();
        (&raw mut (*context).color_primaries).cast::<i32>().write(known(colour.primaries, 9));
        (&raw mut (*context).color_trc).cast::<i32>().write(known(colour.transfer, 18));
        (&raw mut (*context).colorspace).cast::<i32>().write(known(colour.matrix, 9));
        (&raw mut (*context).color_range).cast::<i32>().write(ffi::AVColorRange::AVCOL_RANGE_MPEG as i32);
    }
}
