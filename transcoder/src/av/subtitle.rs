//! Decoders of subtitles: packets in, events of text out.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem;

use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::packet::Ref;
use ffmpeg_next::{Packet, ffi};

use super::Error;
use super::track::Track;

/// The decoder of one subtitle track.
pub struct Subtitles(decoder::Subtitle);

/// A text with its delay behind its packet's time, and how long it is shown if the file says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// As an ASS event: see [`crate::rules::vtt::plain`].
    pub event: String,
    pub delay_ms: u32,
    pub length_ms: Option<u32>,
}

impl Subtitles {
    pub fn open(track: &Track) -> Result<Self, Error> {
        let context = codec::Context::from_parameters(track.parameters.clone())?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(track.tick);
        Ok(Self(decoder.subtitle()?))
    }

    /// A packet's events. An error means that this packet was broken.
    pub fn decode(&mut self, packet: &Packet) -> Result<Vec<Shown>, Error> {
        // SAFETY: zeros are a blank subtitle.
        let mut subtitle: ffi::AVSubtitle = unsafe { mem::zeroed() };
        let mut got = 0;
        // SAFETY: decoder and packet are valid; the decoder fills the subtitle in, or leaves it blank.
        let code = unsafe {
            let packet = packet.as_ptr().cast_mut();
            ffi::avcodec_decode_subtitle2(self.0.as_mut_ptr(), &mut subtitle, &mut got, packet)
        };
        let events = if code >= 0 && got != 0 { events(&subtitle) } else { Vec::new() };
        // SAFETY: what the decoder allocated is freed once; a blank one has nothing to free.
        unsafe { ffi::avsubtitle_free(&mut subtitle) };
        if code < 0 { Err(Error::from(code)) } else { Ok(events) }
    }
}

fn events(subtitle: &ffi::AVSubtitle) -> Vec<Shown> {
    let said = Some(subtitle.end_display_time).filter(|end| *end != u32::MAX && *end > subtitle.start_display_time);
    let rects = (0..subtitle.num_rects as usize).filter_map(|number| {
        // SAFETY: the array has that many entries, none null; an event's text is a C string, copied at once.
        unsafe {
            let rect = *subtitle.rects.add(number);
            let text = if rect.is_null() { std::ptr::null() } else { (*rect).ass.cast_const() };
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    });
    rects
        .map(|event| Shown {
            event,
            delay_ms: subtitle.start_display_time,
            length_ms: said.map(|end| end - subtitle.start_display_time),
        })
        .collect()
}
