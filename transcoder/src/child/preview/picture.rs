//! Reading still pictures of strangers: few decoders, and a size that is looked at before anything is decoded.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek, SeekFrom};

use crate::av::input::Limits;
use crate::child::still::{FORMATS, Still, Unusable, check_size};
use crate::failure::Failure;

/// Larger files get no preview: 100 megapixels with 16 bits for each of four colours, and some.
const MAX_BYTES: u32 = 1 << 30;
/// Pictures with more pixels than this get no preview.
const MAX_PIXELS: u64 = 100_000_000;

const LIMITS: Limits = Limits {
    streams: 4,
    attachments: 4,
    // A picture is known only once it was read to its end.
    probe_bytes: MAX_BYTES,
    // Decoders count the padding of each row as well.
    max_pixels: MAX_PIXELS + MAX_PIXELS / 20,
    decoders: &["png", "mjpeg", "gif", "webp", "bmp", "tiff", "libdav1d", "libaom-av1", "av1"],
};

/// The picture that a file is.
pub fn read(mut file: File, bytes: u64) -> Result<Still, Failure> {
    let at_start = |error: std::io::Error| Failure::disk(&error);
    if bytes > u64::from(MAX_BYTES) {
        let text = format!("Previews are made of pictures of up to {} MiB.", MAX_BYTES >> 20);
        return Err(Failure::of_file("picture_too_large", text));
    }
    check_size(BufReader::new(&mut file), MAX_PIXELS).map_err(refused)?;
    file.seek(SeekFrom::Start(0)).map_err(at_start)?;
    Still::read(file, bytes, &FORMATS, LIMITS).map_err(refused)
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
