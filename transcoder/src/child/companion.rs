//! What lies beside a film, each a job of its own: captions, the creator's picture, a frame that they chose.
//!
//! What comes out is made anew from what was read, so that nothing hides in it: clean WebVTT, or a JPEG of pixels alone.
//! Failures don't name the file: whoever shows them knows it.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use pinreel_runner::{Captions, Preset, Task, Transcoded};

use super::fields;
use super::formats::{ALLOWED, LIMITS, MAX_PIXELS, refused};
use super::job::again;
use super::plan::{PicturePlan, Plan};
use super::poster;
use super::segments::Folder;
use super::still::{Still, Unusable, check_size, filtered};
use super::upright::upright;
use crate::av::decoder::Decoder;
use crate::av::frame::Picture;
use crate::av::input::Source;
use crate::failure::Failure;
use crate::rules::beside;

/// The longest captions that are read at all.
const MAX_CAPTIONS_BYTES: u64 = 10 << 20;
/// ffmpeg's names of the formats that a creator's picture may have; AVIF is a kind of the last.
const PICTURES: [&str; 6] = ["jpeg_pipe", "png_pipe", "apng", "webp_pipe", "gif", "mov,mp4,m4a,3gp,3g2,mj2"];

/// Makes the one file that `task` asks for.
pub fn make(file: File, folder: &Folder, task: Task, preset: &Preset) -> Result<Transcoded, Failure> {
    let (jpeg, warnings) = match task {
        Task::Captions => return captions(file, folder),
        Task::Picture => (picture(file)?, Vec::new()),
        Task::Frame { at_ms } => frame(&file, at_ms, preset)?,
        Task::Renditions | Task::Preview { .. } => return Err(Failure::internal("this is no companion")),
    };
    let poster = Some(folder.put("poster.jpg".to_owned(), &jpeg)?);
    Ok(Transcoded { poster, warnings, ..Transcoded::default() })
}

fn captions(file: File, folder: &Folder) -> Result<Transcoded, Failure> {
    let mut bytes = Vec::new();
    file.take(MAX_CAPTIONS_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Failure::disk(&error))?;
    if bytes.len() as u64 > MAX_CAPTIONS_BYTES {
        let text = format!("captions may have {} MiB", MAX_CAPTIONS_BYTES >> 20);
        return Err(Failure::of_file("captions_unusable", text));
    }
    let cleaned = beside::clean(&bytes).map_err(|fault| {
        let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Failure::of_file("captions_unusable", format!("{line}{}.", fault.what))
    })?;
    let name = "s0".to_owned();
    folder.make(&name)?;
    let file = folder.put(format!("{name}/captions.vtt"), cleaned.webvtt.as_bytes())?;
    let captions = vec![Captions { name, language: None, label: String::new(), forced: false, file }];
    Ok(Transcoded { captions, warnings: cleaned.notes, ..Transcoded::default() })
}

/// A still picture, or the first of a moving one; upright.
fn picture(mut file: File) -> Result<Vec<u8>, Failure> {
    let unusable = || {
        let text = "this is no picture that can be read here: send a JPEG, PNG, WebP, AVIF or GIF.";
        Failure::of_file("picture_unusable", text)
    };
    let refused = |why| match why {
        Unusable::TooLarge { width, height } => {
            let most = MAX_PIXELS / 1_000_000;
            let text = format!("the picture is {width} by {height} pixels; a poster may have {most} megapixels.");
            Failure::of_file("picture_too_large", text)
        }
        Unusable::Unreadable => unusable(),
    };
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    check_size(BufReader::new(&mut file), MAX_PIXELS).map_err(refused)?;
    file.rewind().map_err(|error| Failure::disk(&error))?;
    let still = Still::read(file, bytes, &PICTURES, LIMITS).map_err(refused)?;
    // What is transparent is black, as in films.
    still.shrunk(poster::fitting(still.size())).and_then(|picture| poster::jpeg(&picture)).ok_or_else(unusable)
}

/// The picture that is shown at this time, and what its creator should know.
fn frame(file: &File, at_ms: u64, preset: &Preset) -> Result<(Vec<u8>, Vec<String>), Failure> {
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let open = || Source::open(again(file)?, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes));
    let mut plan = Plan::of(&open()?.tracks, preset)?;
    fields::find(again(file)?, &mut plan)?;
    let no_picture = || Failure::of_file("no_picture", "the film has no picture that could be taken.");
    let origin_us = plan.origin_us;
    let plan = plan.picture.ok_or_else(no_picture)?;
    let mut source = open()?;
    source.seek(origin_us.saturating_add(us(at_ms)));
    let found = match find(source, (&plan, origin_us), at_ms) {
        // An index may lie.
        None => find(open()?, (&plan, origin_us), at_ms),
        found => found,
    };
    let (picture, is_past_end) = found.ok_or_else(no_picture)?;
    let (spec, _) = upright(&plan, picture.format(), (&picture, picture.is_interlaced()));
    let shown = filtered(&picture, &spec).and_then(|picture| poster::jpeg(&picture));
    let note = "The film ends before the time that was chosen for the poster; its last picture is taken.";
    Ok((shown.ok_or_else(no_picture)?, is_past_end.then(|| note.to_owned()).into_iter().collect()))
}

fn us(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// The last picture that begins at `at_ms` or before, else the first; and whether the film ended before.
fn find(mut source: Source, (plan, origin_us): (&PicturePlan, i64), at_ms: u64) -> Option<(Picture, bool)> {
    for index in (0..source.tracks.len()).filter(|index| *index != plan.track.index) {
        source.skip(index);
    }
    let tick = (plan.track.tick.numerator(), plan.track.tick.denominator());
    let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let mut decoder = Decoder::open(&plan.track, LIMITS, 2).ok()?;
    let mut best: Option<Picture> = None;
    let mut is_whole = false;
    loop {
        match source.read() {
            Ok(Some(packet)) if packet.stream() == plan.track.index => drop(decoder.send(&packet)),
            Ok(Some(_)) => continue,
            Ok(None) | Err(_) if is_whole => return best.map(|best| (best, true)),
            Ok(None) | Err(_) => {
                is_whole = true;
                decoder.end().ok()?;
            }
        }
        while let Ok(Some(mut picture)) = decoder.receive_picture() {
            let time = picture.time();
            let ms = time.map_or(0, |time| Plan::since_origin(origin_us, time, tick, 1000));
            if ms > at {
                return Some((best.unwrap_or(picture), false));
            }
            picture.0.set_pts(time);
            best = Some(picture);
        }
    }
}
