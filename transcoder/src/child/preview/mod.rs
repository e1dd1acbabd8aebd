//! Previews: small pictures of a file that is neither film nor sound and is published as it is.
//!
//! They are made anew of pixels alone, so that nothing that hides in the file comes along. Failures say in a sentence why
//! there is no preview; the file is published all the same.

mod epub;
mod pdf;
mod picture;

use std::fs::File;

use pinreel_runner::{Document, Preview, PreviewSize, Transcoded};

use super::segments::Folder;
use super::still::{Still, filtered};
use crate::av::encoder::Encoder;
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
            write(&Still::plain(page.picture), page.points, folder)
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
    let base = still.shrunk(largest).ok_or_else(failed)?;
    folder.make(FOLDER)?;
    let mut sizes = Vec::with_capacity(wanted.len());
    for (width, height) in wanted {
        let webp = webp(&base, (width, height)).ok_or_else(failed)?;
        let file = folder.put(format!("{FOLDER}/{width}.webp"), &webp)?;
        sizes.push(PreviewSize { width, height, file });
    }
    Ok(Transcoded { preview: Some(Preview { width, height, sizes }), ..Transcoded::default() })
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
