//! Reading still pictures of strangers: few decoders, and a size that is looked at before anything is decoded.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use crate::av::input::Limits;
use crate::child::still::{FORMATS, Still, Unusable, check_size};
use crate::failure::Failure;
use crate::rules::webp;

/// Larger files get no preview: 100 megapixels with 16 bits for each of four colours, and some.
const MAX_BYTES: u32 = 1 << 30;
/// Of a moving picture so much is read to find the first.
const MAX_MOVING_BYTES: u64 = 128 << 20;
const START_BYTES: u64 = 32;
/// Pictures with more pixels than this get no preview.
const MAX_PIXELS: u64 = 100_000_000;

const LIMITS: Limits = Limits {
    streams: 4,
    attachments: 4,
    // A picture is known only once it was read to its end.
    probe_bytes: MAX_BYTES,
    // Decoders count the padding of each row as well.
    max_pixels: MAX_PIXELS + MAX_PIXELS / 20,
    decoders: &["png", "apng", "mjpeg", "gif", "webp", "bmp", "tiff", "libdav1d", "libaom-av1", "av1"],
};

/// The picture that a file is.
pub fn read(mut file: File, bytes: u64) -> Result<Still, Failure> {
    let at_start = |error: io::Error| Failure::disk(&error);
    if bytes > u64::from(MAX_BYTES) {
        let text = format!("Previews are made of pictures of up to {} MiB.", MAX_BYTES >> 20);
        return Err(Failure::of_file("picture_too_large", text));
    }
    check_size(BufReader::new(&mut file), MAX_PIXELS).map_err(refused)?;
    file.seek(SeekFrom::Start(0)).map_err(at_start)?;
    if let Some(first) = first_of_moving(&mut file).map_err(at_start)? {
        let length = first.len() as u64;
        return Still::read(Cursor::new(first), length, &FORMATS, LIMITS).map_err(refused);
    }
    Still::read(file, bytes, &FORMATS, LIMITS).map_err(refused)
}

/// The first picture of a moving WebP as a file; otherwise the file is at its beginning again.
fn first_of_moving(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if !webp::is_moving(&start) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_MOVING_BYTES).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(webp::first_picture(&bytes))
}

/// The picture that a book holds.
pub fn read_cover(bytes: Vec<u8>) -> Result<Still, Failure> {
    check_size(Cursor::new(&bytes), MAX_PIXELS).map_err(refused)?;
    let length = bytes.len() as u64;
    Still::read(Cursor::new(bytes), length, &FORMATS, LIMITS).map_err(refused)
}

fn refused(why: Unusable) -> Failure {
    match why {
        Unusable::TooLarge { width, height } => {
            let most = MAX_PIXELS / 1_000_000;
            let text =
                format!("The picture is {width} by {height} pixels; previews are made of up to {most} megapixels.");
            Failure::of_file("picture_too_large", text)
        }
        Unusable::Unreadable => {
            let text = "The picture is damaged or incomplete, or of a kind that can't be read here.";
            Failure::of_file("picture_unusable", text)
        }
    }
}
