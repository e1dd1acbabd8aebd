//! The poster: an early picture that is neither black nor flat nor blurred, or a sound file's cover, as a JPEG.

use ffmpeg_next::Packet;

use super::rung::encoding;
use crate::av::decoder::Decoder;
use crate::av::encoder::Encoder;
use crate::av::filter::Filter;
use crate::av::frame::Picture;
use crate::av::track::Track;
use crate::failure::Failure;

/// Pictures later than this aren't looked at.
const SECONDS: i64 = 30;
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
        if ticks < self.next || ticks > last {
            return Ok(());
        }
        self.next = ticks + self.timescale / A_SECOND;
        let (mean, deviation) = picture.brightness();
        // Contrast, and detail: what is blurred or still fading in has little.
        let score = deviation.min(64.0) + 6.0 * picture.sharpness().min(16.0);
        let score = if (36.0..220.0).contains(&mean) { score } else { score / 4.0 };
        // The very first picture is often a fade's beginning; and of equals, the earlier one.
        let score = if ticks == 0 { score / 2.0 } else { score * (1.0 - 0.2 * ticks as f64 / last as f64) };
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, picture.share().map_err(encoding)?));
        }
        Ok(())
    }

    /// The chosen picture; none if it can't be made, for a poster is not worth a job.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let (_, picture) = self.best.take()?;
        jpeg(&picture, "")
    }
}

/// A sound file's attached picture as a JPEG, if it can be read.
pub fn cover(track: &Track, packet: Option<Packet>) -> Option<Vec<u8>> {
    let mut decoder = Decoder::open(track, super::formats::LIMITS, 1).ok()?;
    decoder.send(&packet?).ok()?;
    decoder.end().ok()?;
    let picture = decoder.receive_picture().ok()??;
    jpeg(&picture, "")
}

/// A picture that fits, after these filters, each followed by a comma.
pub fn jpeg(picture: &Picture, filters: &str) -> Option<Vec<u8>> {
    let format = picture.format();
    let (width, height) = (u32::try_from(format.width).ok()?, u32::try_from(format.height).ok()?);
    let longest = width.max(height).max(1);
    let fit = |side: u32| (side * SIDE.min(longest) / longest).max(super::plan::SMALLEST) & !1;
    // A filter may turn it.
    let (wide, high) = if filters.contains("transpose") { (height, width) } else { (width, height) };
    let spec = format!("{filters}scale={}:{}:out_range=pc,setsar=1,format=yuvj420p", fit(wide), fit(high));
    let mut filter = Filter::of_pictures(format, (1, 25), &spec).ok()?;
    let mut still = picture.share().ok()?;
    still.stamp(0, false);
    filter.push(&still.0).ok()?;
    filter.end().ok()?;
    let scaled = filter.pull_picture().ok()??;
    Encoder::jpeg(&scaled).ok().filter(|bytes| !bytes.is_empty())
}
