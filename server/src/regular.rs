//! Files that the operator names, read without ever waiting for somebody: a pipe in their place is no file.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file.
///
/// # Errors
/// Those of opening; [`io::ErrorKind::InvalidInput`] for what is no file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Without O_NONBLOCK, a pipe would keep us waiting.
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")) }
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// Those of [`open`] and of reading; [`io::ErrorKind::FileTooLarge`].
pub fn read(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let (file, meta) = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(most_bytes)).unwrap_or(0));
    // One more, to see that there is more.
    file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let reason = || io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most_bytes} bytes"));
    if bytes.len() as u64 > most_bytes { Err(reason()) } else { Ok(bytes) }
}
