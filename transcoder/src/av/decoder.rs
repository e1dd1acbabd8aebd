//! Decoders, with limits on what a file may make them do.
#![allow(unsafe_code)]

use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::{Dictionary, Packet, ffi, frame, threading};

use super::frame::Picture;
use super::input::Limits;
use super::track::Track;
use super::{Error, is_again};

/// The decoder of one track.
pub struct Decoder(decoder::Opened);

/// The codecs, by ffmpeg's names, that these decoders read as far as this ffmpeg has them.
pub fn codecs(decoders: &[&str]) -> Vec<String> {
    let found = decoders.iter().filter_map(|name| decoder::find_by_name(name));
    let mut codecs: Vec<String> = found.map(|decoder| decoder.id().name().to_owned()).collect();
    codecs.sort();
    codecs.dedup();
    codecs
}

impl Decoder {
    /// Only one of the limits' decoders, within their size of a picture; `threads` the decoder's own.
    pub fn open(track: &Track, limits: Limits, threads: usize) -> Result<Self, Error> {
        let mut context = codec::Context::from_parameters(track.parameters.clone())?;
        context.set_threading(threading::Config { kind: threading::Type::Frame, count: threads, safe: false });
        // ffmpeg's own decoders of these look at the colours alone.
        let transparent = match track.codec.as_str() {
            "vp8" if track.alpha_beside => decoder::find_by_name("libvpx"),
            "vp9" if track.alpha_beside => decoder::find_by_name("libvpx-vp9"),
            _ => None,
        };
        let codec = transparent.or_else(|| decoder::find(context.id())).ok_or(Error::DecoderNotFound)?;
        if !limits.decoders.contains(&codec.name()) {
            return Err(Error::DecoderNotFound);
        }
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(track.tick);
        // SAFETY: the context isn't open yet. Both kinds of threads: some codecs know only one.
        unsafe { (*decoder.as_mut_ptr()).thread_type = ffi::FF_THREAD_FRAME | ffi::FF_THREAD_SLICE };
        let mut options = Dictionary::new();
        options.set("max_pixels", &limits.max_pixels.to_string());
        Ok(Self(decoder.open_as_with(codec, options)?))
    }

    /// Hands a packet over. An error means that this packet was broken, not that the next one will be.
    pub fn send(&mut self, packet: &Packet) -> Result<(), Error> {
        self.0.send_packet(packet)
    }

    pub fn end(&mut self) -> Result<(), Error> {
        self.0.send_eof()
    }

    pub fn receive_picture(&mut self) -> Result<Option<Picture>, Error> {
        let mut picture = Picture::empty();
        let got = self.receive(&mut picture.0)?;
        Ok(got.then_some(picture))
    }

    pub fn receive_sound(&mut self) -> Result<Option<frame::Audio>, Error> {
        let mut sound = frame::Audio::empty();
        let got = self.receive(&mut sound)?;
        Ok(got.then_some(sound))
    }

    fn receive(&mut self, frame: &mut ffmpeg_next::Frame) -> Result<bool, Error> {
        match self.0.receive_frame(frame) {
            Ok(()) => Ok(true),
            Err(Error::Eof) => Ok(false),
            Err(error) if is_again(error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
