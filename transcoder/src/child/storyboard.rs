//! The storyboard: small pictures by time, in sheets of JPEG with a WebVTT file beside them.

use pinreel_runner::{FileRef, Storyboard};

use super::rung::encoding;
use super::segments::Folder;
use crate::av::encoder::Encoder;
use crate::av::filter::Filter;
use crate::av::frame::{Picture, PictureFormat};
use crate::failure::Failure;
use crate::rules::ladder::Size;
use crate::rules::storyboard::{COLUMNS, FINEST_MS, MOST, ON_SHEET, index, sheet_name, sheet_size, thumbnail};

const FOLDER: &str = "storyboard";

/// Gathers thumbnails while pictures pass; bounded, however long the work is.
pub struct Storyboards {
    timescale: u64,
    gap_ms: u64,
    next_ms: u64,
    scaler: Option<(PictureFormat, Filter)>,
    size: Option<Size>,
    taken: Vec<(u64, Picture)>,
}

impl Storyboards {
    pub fn new(timescale: u32) -> Self {
        let timescale = u64::from(timescale.max(1));
        Self { timescale, gap_ms: FINEST_MS, next_ms: 0, scaler: None, size: None, taken: Vec::new() }
    }

    /// Takes a picture if one is due.
    pub fn offer(&mut self, picture: &Picture, ticks: i64) -> Result<(), Failure> {
        let at_ms = u64::try_from(ticks).unwrap_or(0) * 1000 / self.timescale;
        if at_ms < self.next_ms {
            return Ok(());
        }
        let small = self.scale(picture)?;
        self.taken.push((at_ms, small));
        if self.taken.len() > MOST {
            let mut place = 0;
            self.taken.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.gap_ms *= 2;
        }
        // On a grid, so that a late picture doesn't make the next one late.
        self.next_ms = (at_ms / self.gap_ms + 1) * self.gap_ms;
        Ok(())
    }

    fn scale(&mut self, picture: &Picture) -> Result<Picture, Failure> {
        let format = picture.format();
        if self.scaler.as_ref().is_none_or(|(known, _)| *known != format) {
            let side = |side: i32| u32::try_from(side).unwrap_or(1);
            let size =
                *self.size.get_or_insert(thumbnail(Size { width: side(format.width), height: side(format.height) }));
            let (width, height) = (size.width, size.height);
            let spec = format!("scale={width}:{height}:flags=area:out_range=pc,format=yuvj420p");
            self.scaler = Some((format, Filter::of_pictures(format, (1, 1000), &spec).map_err(encoding)?));
        }
        let Some((_, scaler)) = &mut self.scaler else { return Err(Failure::internal("no scaler")) };
        // A pushed frame is taken away.
        let shared = picture.share().map_err(encoding)?;
        scaler.push(&shared.0).map_err(encoding)?;
        scaler.pull_picture().map_err(encoding)?.ok_or_else(|| Failure::internal("the scaler kept a picture"))
    }

    /// The files; none for a work without a picture.
    pub fn finish(self, folder: &Folder, end: i64) -> Result<Option<Storyboard>, Failure> {
        let Some(size) = self.size else { return Ok(None) };
        folder.make(FOLDER)?;
        let mut sheets: Vec<FileRef> = Vec::new();
        for (number, thumbnails) in self.taken.chunks(ON_SHEET).enumerate() {
            let jpeg = sheet(thumbnails, size).map_err(encoding)?;
            sheets.push(folder.put(format!("{FOLDER}/{}", sheet_name(number)), &jpeg)?);
        }
        let times: Vec<u64> = self.taken.iter().map(|(at, _)| *at).collect();
        let end_ms = u64::try_from(end).unwrap_or(0) * 1000 / self.timescale;
        let text = index(&times, end_ms, size);
        let index = folder.put(format!("{FOLDER}/index.vtt"), text.as_bytes())?;
        Ok(Some(Storyboard { index, sheets }))
    }
}

fn sheet(thumbnails: &[(u64, Picture)], size: Size) -> Result<Vec<u8>, crate::av::Error> {
    let whole = sheet_size(thumbnails.len(), size);
    let mut sheet = Picture::black(whole.width, whole.height)?;
    for (place, (_, picture)) in thumbnails.iter().enumerate() {
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        sheet.paste(picture, column * size.width as usize, row * size.height as usize);
    }
    Encoder::jpeg(&sheet)
}
