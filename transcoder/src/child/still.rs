//! Still pictures: a file's only one, or the first of those that move.

use std::io::{BufRead, Read, Seek};

use super::profile::Profile;
use super::told::Told;
use crate::av::decoder::Decoder;
use crate::av::filter::Filter;
use crate::av::frame::Picture;
use crate::av::input::{Limits, Source};
use crate::av::track::Track;
use crate::rules::turn::Turn;

/// ffmpeg's names of the formats that a picture may have; AVIF is a kind of the last.
pub const FORMATS: [&str; 8] =
    ["jpeg_pipe", "png_pipe", "apng", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif", "mov,mp4,m4a,3gp,3g2,mj2"];
/// Packets that may come before the first picture that can be read.
const MAX_PACKETS: u32 = 64;

/// A decoded picture, how it is to be turned to stand upright, and the way to usual colours.
pub struct Still {
    picture: Picture,
    turn: Turn,
    profile: Option<Profile>,
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
        let mut file = file;
        let told = Told::read(&mut file).map_err(|_| Unusable::Unreadable)?;
        if told.misleads {
            return Err(Unusable::Unreadable);
        }
        let mut source = Source::of(file, bytes, formats, limits).map_err(|_| Unusable::Unreadable)?;
        let track = source.tracks.iter().find(|track| track.width > 0).cloned().ok_or(Unusable::Unreadable)?;
        if u64::from(track.width) * u64::from(track.height) > limits.max_pixels {
            return Err(Unusable::TooLarge { width: track.width, height: track.height });
        }
        let picture = first(&mut source, &track, limits).ok_or(Unusable::Unreadable)?;
        let noted = picture.noted("Orientation").map(|number| Turn::of_exif(number as u16));
        let turn = noted.or(told.turn).or_else(|| track.matrix.map(Turn::of)).unwrap_or_default();
        let profile = match picture.profile().or(told.profile.as_deref()) {
            Some(icc) => Profile::of_icc(icc, picture.format().is_grey()),
            None => Profile::of_primaries(picture.colour().primaries),
        };
        Ok(Self { picture, turn, profile })
    }

    /// One that needs neither turning nor other colours.
    pub fn plain(picture: Picture) -> Self {
        Self { picture, turn: Turn::NONE, profile: None }
    }

    /// The picture upright and in this size, as planar sRGB; what is transparent is premultiplied, so that no colour bleeds
    /// out of where nothing is seen.
    pub fn shrunk(&self, (width, height): (u32, u32)) -> Option<Picture> {
        let (wide, high) = if self.turn.is_sideways() { (height, width) } else { (width, height) };
        let scale = format!("scale={wide}:{high}:flags=lanczos+accurate_rnd+full_chroma_int,setsar=1");
        let turn = self.turn.filters();
        let has_alpha = self.picture.format().has_alpha();
        let spec = if has_alpha {
            format!("format=gbrap,premultiply=inplace=1,{scale},{turn}format=gbrap")
        } else {
            format!("{scale},{turn}format=gbrp")
        };
        let mut small = filtered(&self.picture, &spec)?;
        let Some(profile) = &self.profile else { return Some(small) };
        if !has_alpha {
            profile.convert(&mut small)?;
            return Some(small);
        }
        let mut straight = filtered(&small, "unpremultiply=inplace=1,format=gbrap")?;
        profile.convert(&mut straight)?;
        filtered(&straight, "premultiply=inplace=1,format=gbrap")
    }

    /// Width and height once it stands upright.
    pub fn size(&self) -> (u32, u32) {
        let format = self.picture.format();
        let (width, height) = (format.width.unsigned_abs(), format.height.unsigned_abs());
        if self.turn.is_sideways() { (height, width) } else { (width, height) }
    }
}

/// One picture through a filter.
pub fn filtered(picture: &Picture, spec: &str) -> Option<Picture> {
    let mut filter = Filter::of_pictures(picture.format(), (1, 25), spec).ok()?;
    let mut shared = picture.share().ok()?;
    shared.stamp(0, false);
    filter.push(&shared.0).ok()?;
    filter.end().ok()?;
    filter.pull_picture().ok()?
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
