//! Still pictures: a file's only one, or the first of those that move.

use std::io::{BufRead, Read, Seek};

use super::plan::Turn;
use crate::av::decoder::Decoder;
use crate::av::frame::Picture;
use crate::av::input::{Limits, Source};
use crate::av::track::Track;

/// ffmpeg's names of the formats that a picture may have; AVIF is a kind of the last.
pub const FORMATS: [&str; 7] =
    ["jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif", "mov,mp4,m4a,3gp,3g2,mj2"];
/// Packets that may come before the first picture that can be read.
const MAX_PACKETS: u32 = 64;

/// A decoded picture, and how it is to be turned to stand upright.
pub struct Still {
    pub picture: Picture,
    pub turn: Turn,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has more pixels than the limits allow.
    TooLarge {
        width: u32,
        height: u32,
    },
    Unreadable,
}

/// A header that claims too many pixels is refused with its numbers. One that can't be read here may still be by the
/// decoder, which has a limit of its own.
pub fn check_size(reader: impl BufRead + Seek, max_pixels: u64) -> Result<(), Unusable> {
    let Ok(size) = imagesize::reader_size(reader) else { return Ok(()) };
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(size.width), side(size.height));
    if u64::from(width).saturating_mul(height.into()) > max_pixels {
        return Err(Unusable::TooLarge { width, height });
    }
    Ok(())
}

impl Still {
    /// Reads the first picture of a file of so many `bytes`, in one of these formats and within these limits.
    pub fn read<R>(file: R, bytes: u64, formats: &[&str], limits: Limits) -> Result<Self, Unusable>
    where
        R: Read + Seek + Send + 'static,
    {
        let mut source = Source::of(file, bytes, formats, limits).map_err(|_| Unusable::Unreadable)?;
        let track = source.tracks.iter().find(|track| track.width > 0).cloned().ok_or(Unusable::Unreadable)?;
        if u64::from(track.width) * u64::from(track.height) > limits.max_pixels {
            return Err(Unusable::TooLarge { width: track.width, height: track.height });
        }
        let picture = first(&mut source, &track, limits).ok_or(Unusable::Unreadable)?;
        let turn =
            picture.noted("Orientation").map_or_else(|| track.matrix.map_or(Turn::NONE, Turn::of), Turn::of_exif);
        Ok(Self { picture, turn })
    }

    /// Width and height once it stands upright.
    pub fn size(&self) -> (u32, u32) {
        let format = self.picture.format();
        let (width, height) = (format.width.unsigned_abs(), format.height.unsigned_abs());
        if self.turn.is_sideways() { (height, width) } else { (width, height) }
    }
}

fn first(source: &mut Source, track: &Track, limits: Limits) -> Option<Picture> {
    let mut decoder = Decoder::open(track, limits, 1).ok()?;
    for _ in 0..MAX_PACKETS {
        let Ok(Some(packet)) = source.read() else { break };
        if packet.stream() == track.index
            && decoder.send(&packet).is_ok()
            && let Ok(Some(picture)) = decoder.receive_picture()
        {
            return Some(picture);
        }
    }
    decoder.end().ok()?;
    decoder.receive_picture().ok()?
}
