//! The poster: an early picture that is neither black nor flat nor blurred, or a sound file's cover, as a JPEG.

use ffmpeg_next::Packet;

use super::rung::encoding;
use super::still::filtered;
use crate::av::decoder::Decoder;
use crate::av::encoder::Encoder;
use crate::av::frame::Picture;
use crate::av::track::Track;
use crate::failure::Failure;

/// Later pictures are only looked at until one is good enough.
const SECONDS: i64 = 30;
/// What is black, or flat, scores less.
const GOOD_ENOUGH: f64 = 12.0;
/// What a picture that is neither dark nor glaring has over one that is, be it as flat.
const LIT: f64 = 8.0;
/// Candidates a second.
const A_SECOND: i64 = 2;
/// The poster fits into this square.
const SIDE: u32 = 1280;

/// Chooses while pictures pass.
pub struct Poster {
    timescale: i64,
    next: i64,
    best: Option<(f64, Picture)>,
}

impl Poster {
    pub fn new(timescale: u32) -> Self {
        Self { timescale: i64::from(timescale), next: 0, best: None }
    }

    /// Looks at a picture, if one is due.
    pub fn offer(&mut self, picture: &Picture, ticks: i64) -> Result<(), Failure> {
        let last = SECONDS * self.timescale;
        let best = self.best.as_ref().map_or(-1.0, |(best, _)| *best);
        if ticks < self.next || (ticks > last && best >= GOOD_ENOUGH) {
            return Ok(());
        }
        self.next = ticks + self.timescale / A_SECOND;
        let (mean, deviation) = picture.brightness();
        // Contrast, and detail: what is blurred or still fading in has little.
        let score = deviation.min(64.0) + 6.0 * picture.sharpness().min(16.0);
        let score = if (36.0..220.0).contains(&mean) { score } else { score / 4.0 };
        let score = score + LIT * (1.0 - (mean - 128.0).abs() / 128.0);
        // The very first picture is often a fade's beginning; and of equals, the earlier one.
        let late = ticks.min(last) as f64 / last as f64;
        let score = if ticks == 0 { score / 2.0 } else { score * (1.0 - 0.2 * late) };
        if score > best {
            self.best = Some((score, picture.share().map_err(encoding)?));
        }
        Ok(())
    }

    /// The chosen picture; none if it can't be made, for a poster is not worth a job.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let (_, picture) = self.best.take()?;
        jpeg(&picture)
    }
}

/// A sound file's attached picture as a JPEG, if it can be read.
pub fn cover(track: &Track, packet: Option<Packet>) -> Option<Vec<u8>> {
    let mut decoder = Decoder::open(track, super::formats::LIMITS, 1).ok()?;
    decoder.send(&packet?).ok()?;
    decoder.end().ok()?;
    let picture = decoder.receive_picture().ok()??;
    jpeg(&picture)
}

/// The size of a poster of a picture of this one.
pub fn fitting((width, height): (u32, u32)) -> (u32, u32) {
    let longest = width.max(height).max(1);
    let fit = |side: u32| (u64::from(side) * u64::from(SIDE.min(longest)) / u64::from(longest)) as u32;
    let even = |side: u32| fit(side).max(super::plan::SMALLEST) & !1;
    (even(width), even(height))
}

/// A picture that fits.
pub fn jpeg(picture: &Picture) -> Option<Vec<u8>> {
    let format = picture.format();
    let (wide, high) = fitting((u32::try_from(format.width).ok()?, u32::try_from(format.height).ok()?));
    // Of premultiplied colours nothing is left where nothing is seen.
    let opaque = if format.has_alpha() { "format=gbrap,format=gbrp," } else { "" };
    let spec = format!("{opaque}scale={wide}:{high}:out_range=pc,setsar=1,format=yuvj420p");
    let scaled = filtered(picture, &spec)?;
    Encoder::jpeg(&scaled).ok().filter(|bytes| !bytes.is_empty())
}
