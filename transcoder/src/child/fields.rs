//! Whether a source is interlaced, for those that don't tell: old captures, mostly, whose codecs have no word for it.

use std::fs::File;

use super::formats::{ALLOWED, LIMITS, refused};
use super::plan::Plan;
use super::upright::FLAGGING;
use crate::av::decoder::Decoder;
use crate::av::filter::Filter;
use crate::av::frame::Picture;
use crate::av::input::Source;
use crate::av::track::{Fields, Track};
use crate::failure::Failure;

/// Pictures that are looked at.
const LOOKED_AT: u32 = 80;
/// Packets that are read for them, of all tracks.
const MAX_PACKETS: u32 = 2000;
/// The heights of television's formats: nothing else was ever made of fields.
const HEIGHTS: [u32; 5] = [480, 486, 576, 608, 1080];

/// Looks at the first pictures, if the file leaves it open.
pub fn find(file: File, plan: &mut Plan) -> Result<(), Failure> {
    let Some(picture) = &mut plan.picture else { return Ok(()) };
    let track = &picture.track;
    let open = track.fields == Fields::Unknown && !FLAGGING.contains(&track.codec.as_str());
    if open && HEIGHTS.contains(&track.height) {
        let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
        let source = Source::open(file, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
        // What can't be decoded here is told where it is decoded for good.
        picture.track.fields = look(source, track).unwrap_or(Fields::Unknown);
    }
    Ok(())
}

fn look(mut source: Source, track: &Track) -> Option<Fields> {
    let mut decoder = Decoder::open(track, LIMITS, 1).ok()?;
    let mut filter: Option<Filter> = None;
    let mut last: Option<Picture> = None;
    let mut seen = 0;
    for _ in 0..MAX_PACKETS {
        let Ok(Some(packet)) = source.read() else { break };
        if packet.stream() != track.index || decoder.send(&packet).is_err() {
            continue;
        }
        while let Ok(Some(mut picture)) = decoder.receive_picture() {
            if filter.is_none() {
                filter = Filter::of_pictures(picture.format(), (1, 25), "idet").ok();
            }
            let idet = filter.as_mut()?;
            picture.0.set_pts(Some(i64::from(seen)));
            seen += 1;
            idet.push(&picture.0).ok()?;
            while let Ok(Some(noted)) = idet.pull_picture() {
                last = Some(noted);
            }
        }
        if seen >= LOOKED_AT {
            break;
        }
    }
    last.map(|last| judge(|order| last.noted(&format!("lavfi.idet.multiple.{order}")).unwrap_or(0.0)))
}

/// Most pictures must show fields in one order.
fn judge(count: impl Fn(&str) -> f64) -> Fields {
    let (top, bottom, whole) = (count("tff"), count("bff"), count("progressive"));
    match () {
        () if top > 2.0 * (bottom + whole) && top >= 3.0 => Fields::TopFirst,
        () if bottom > 2.0 * (top + whole) && bottom >= 3.0 => Fields::BottomFirst,
        () => Fields::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, judge};

    #[test]
    fn most_pictures_must_agree() {
        let cases = [
            ((60.0, 0.0, 5.0), Fields::TopFirst),
            ((0.0, 30.0, 2.0), Fields::BottomFirst),
            ((10.0, 10.0, 0.0), Fields::Unknown),
            ((20.0, 0.0, 40.0), Fields::Unknown),
            ((2.0, 0.0, 0.0), Fields::Unknown),
            ((0.0, 0.0, 0.0), Fields::Unknown),
        ];
        for ((top, bottom, whole), wanted) in cases {
            let count = |order: &str| match order {
                "tff" => top,
                "bff" => bottom,
                _ => whole,
            };
            assert_eq!(judge(count), wanted, "{top} {bottom} {whole}");
        }
    }
}
