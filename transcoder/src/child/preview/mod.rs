//! Previews: small pictures of a file that is neither film nor sound and is published as it is.
//!
//! They are made anew of pixels alone, so that nothing that hides in the file comes along. Failures say in a sentence why
//! there is no preview; the file is published all the same.

mod epub;
mod pdf;
mod picture;

use std::fs::File;

use pinreel_runner::{Document, Preview, PreviewSize, Transcoded};

use super::plan::Turn;
use super::segments::Folder;
use super::still::Still;
use crate::av::encoder::Encoder;
use crate::av::filter::Filter;
use crate::av::frame::Picture;
use crate::failure::Failure;
use crate::rules::sizes;

const FOLDER: &str = "preview";

/// Makes a preview in all its sizes.
pub fn make(file: File, folder: &Folder, of: Document) -> Result<Transcoded, Failure> {
    let bytes = file.metadata().map_err(|error| Failure::disk(&error))?.len();
    match of {
        Document::Picture => {
            let still = picture::read(file, bytes)?;
            let size = still.size();
            write(&still, size, folder)
        }
        Document::Pdf => {
            let page = pdf::first_page(file, bytes)?;
            write(&Still { picture: page.picture, turn: Turn::NONE }, page.points, folder)
        }
        Document::Epub => {
            let still = picture::read_cover(epub::cover(file)?)?;
            let size = still.size();
            write(&still, size, folder)
        }
    }
}

/// `(width, height)` is what the original is said to be.
fn write(still: &Still, (width, height): (u32, u32), folder: &Folder) -> Result<Transcoded, Failure> {
    let (wide, high) = still.size();
    let wanted = sizes::previews(wide, high);
    let failed = || Failure::of_file("preview_failed", "No preview could be drawn of it.");
    let largest = wanted.last().copied().unwrap_or((1, 1));
    let base = shrink(still, largest).ok_or_else(failed)?;
    folder.make(FOLDER)?;
    let mut sizes = Vec::with_capacity(wanted.len());
    for (width, height) in wanted {
        let webp = webp(&base, (width, height)).ok_or_else(failed)?;
        let file = folder.put(format!("{FOLDER}/{width}.webp"), &webp)?;
        sizes.push(PreviewSize { width, height, file });
    }
    Ok(Transcoded { preview: Some(Preview { width, height, sizes }), ..Transcoded::default() })
}

/// The picture upright and in this size, as red, green and blue; what is transparent is premultiplied, so that no colour
/// bleeds out of where nothing is seen.
fn shrink(still: &Still, (width, height): (u32, u32)) -> Option<Picture> {
    let (wide, high) = if still.turn.is_sideways() { (height, width) } else { (width, height) };
    let scale = format!("scale={wide}:{high}:flags=lanczos+accurate_rnd+full_chroma_int,setsar=1");
    let turn = still.turn.filters();
    let spec = if still.picture.format().has_alpha() {
        format!("format=gbrap,premultiply=inplace=1,{scale},{turn}format=gbrap")
    } else {
        format!("{scale},{turn}format=gbrp")
    };
    filtered(&still.picture, &spec)
}

fn webp(base: &Picture, (width, height): (u32, u32)) -> Option<Vec<u8>> {
    let scale = format!("scale={width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int");
    let spec = if base.format().has_alpha() {
        format!("{scale},unpremultiply=inplace=1,format=yuva420p")
    } else {
        format!("{scale},format=yuv420p")
    };
    let small = filtered(base, &spec)?;
    Encoder::webp(&small).ok().filter(|bytes| !bytes.is_empty())
}

fn filtered(picture: &Picture, spec: &str) -> Option<Picture> {
    let mut filter = Filter::of_pictures(picture.format(), (1, 25), spec).ok()?;
    let mut shared = picture.share().ok()?;
    shared.stamp(0, false);
    filter.push(&shared.0).ok()?;
    filter.end().ok()?;
    filter.pull_picture().ok()?
}
