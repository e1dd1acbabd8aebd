//! What a still picture's file tells beside its pixels, as far as ffmpeg's readers pass it over: how it must be turned,
//! and what its colours are.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::rules::turn::Turn;
use crate::rules::{exif, heif};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What follows a chunk's data.
const PNG_CHECK_BYTES: i64 = 4;
/// Chunks of a PNG, or boxes of a HEIF, that are looked at.
const MAX_PARTS: usize = 10_000;
/// Larger blocks of EXIF, directories, and lists of properties aren't read.
const MAX_BYTES: u64 = 4 << 20;
/// Compressions of TIFF of which ffmpeg makes a black picture: JPEG inside, in its old and its new way.
const JPEG_INSIDE: [u16; 2] = [6, 7];

#[derive(Default)]
pub struct Told {
    pub turn: Option<Turn>,
    /// An ICC profile.
    pub profile: Option<Vec<u8>>,
    /// ffmpeg would make a picture of it, which isn't the right one.
    pub misleads: bool,
}

impl Told {
    /// Reads it, and leaves the file at its beginning. What is broken tells nothing.
    pub fn read<R: Read + Seek>(file: &mut R) -> io::Result<Self> {
        let told = of_file(file);
        file.rewind()?;
        match told {
            Ok(told) => Ok(told.unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

fn of_file<R: Read + Seek>(file: &mut R) -> io::Result<Option<Told>> {
    file.rewind()?;
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    if start == *PNG {
        return of_png(file);
    }
    if &start[4..] == b"ftyp" {
        return of_heif(file);
    }
    let Some((order, at)) = exif::header(&start) else { return Ok(None) };
    file.seek(SeekFrom::Start(at.into()))?;
    let directory = some(file, MAX_BYTES)?;
    Ok(Some(Told {
        turn: exif::short(order, &directory, exif::ORIENTATION).map(Turn::of_exif),
        profile: None,
        misleads: exif::short(order, &directory, exif::COMPRESSION).is_some_and(|how| JPEG_INSIDE.contains(&how)),
    }))
}

fn of_png<R: Read + Seek>(file: &mut R) -> io::Result<Option<Told>> {
    for _ in 0..MAX_PARTS {
        let (size, kind) = head(file)?;
        match &kind {
            b"eXIf" => {
                let turn = exif::orientation(&some(file, size.into())?).map(Turn::of_exif);
                return Ok(Some(Told { turn, ..Told::default() }));
            }
            b"IEND" => break,
            _ => file.seek(SeekFrom::Current(i64::from(size) + PNG_CHECK_BYTES))?,
        };
    }
    Ok(None)
}

fn of_heif<R: Read + Seek>(file: &mut R) -> io::Result<Option<Told>> {
    file.rewind()?;
    for _ in 0..MAX_PARTS {
        let (size, kind) = head(file)?;
        // What ends with the file, or is very large, is the picture itself.
        let Some(inside) = size.checked_sub(8) else { break };
        if &kind == b"meta" {
            file.seek(SeekFrom::Current(-8))?;
            let found = heif::properties(&some(file, size.into())?);
            return Ok(found.map(|found| Told {
                turn: Some(found.turn),
                profile: found.profile,
                // Its own pixels may be what nobody should see.
                misleads: found.partly,
            }));
        }
        file.seek(SeekFrom::Current(inside.into()))?;
    }
    Ok(None)
}

/// The size and the kind of what comes next.
fn head(file: &mut impl Read) -> io::Result<(u32, [u8; 4])> {
    let (mut size, mut kind) = ([0; 4], [0; 4]);
    file.read_exact(&mut size)?;
    file.read_exact(&mut kind)?;
    Ok((u32::from_be_bytes(size), kind))
}

/// So many bytes, or as many as there are.
fn some(file: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    file.take(bytes.min(MAX_BYTES)).read_to_end(&mut read)?;
    Ok(read)
}
