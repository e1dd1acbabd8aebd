//! Rows in the pages of an index, found without its trees.
//!
//! redb keeps rows in leaf pages, each at a multiple of 4 KiB in the file: a byte 1, a byte of nothing, the number of rows
//! in two bytes, the ends of the keys (unless all are of one length) and of the values in four bytes each, counted from
//! the page's beginning, then the keys, then the values. Where a tree is torn, its other pages are there still, and pages
//! of rows that were removed or replaced since are there, too: a row that is found here is proven by its hash or not at
//! all, and may be an old one.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::{Error, Result, limits};

const PAGE_BYTES: usize = 4096;
const LEAF: u8 = 1;
/// As far as a page's rows are followed: a block of the largest size, and what may stand beside it.
const LONGEST_PAGE: usize = 2 * limits::BLOCK_BYTES;
const READ_BYTES: usize = 4 * LONGEST_PAGE;

/// Shows every place where a leaf page may begin, with what follows it, to `look`. It says how many bytes of that are proven
/// to be rows: nothing is looked for within them.
pub(super) fn scan(path: &Path, mut look: impl FnMut(&[u8]) -> Result<usize>) -> Result<()> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let length = file.metadata().map_err(Error::io("look at", path))?.len();
    let (mut begin, mut buffer) = (0, vec![0; READ_BYTES + LONGEST_PAGE]);
    while begin < length {
        let held = read_at(&file, &mut buffer, begin).map_err(Error::io("read", path))?;
        let mut at = 0;
        while at < READ_BYTES && at < held {
            let page = &buffer[at..held.min(at + LONGEST_PAGE)];
            let proven = if page[0] == LEAF { look(page)? } else { 0 };
            at += proven.div_ceil(PAGE_BYTES).max(1) * PAGE_BYTES;
        }
        begin += at as u64;
    }
    Ok(())
}

/// Fills the buffer as far as the file goes. A sector that the disk can't read is nothing but zeros.
fn read_at(file: &File, buffer: &mut [u8], begin: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let end = buffer.len().min(done + PAGE_BYTES);
        match file.read_at(&mut buffer[done..], begin + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                buffer[done..end].fill(0);
                done = end;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The rows of what may be a leaf page, each with where it ends; those that lie outside of what is there are left out.
/// `key_bytes` is how long each key is, if all are of one length.
pub(super) fn rows(page: &[u8], key_bytes: Option<usize>) -> impl Iterator<Item = (&[u8], &[u8], usize)> {
    let count = page.get(2..4).map_or(0, |count| usize::from(u16::from_le_bytes([count[0], count[1]])));
    let value_ends = if key_bytes.is_some() { 4 } else { 4 + 4 * count };
    let keys = value_ends + 4 * count;
    let key_end = move |row: usize| match key_bytes {
        Some(length) => Some(keys + length * (row + 1)),
        None => number(page, 4 + 4 * row),
    };
    let end_before = move |row: usize, first: usize, end: &dyn Fn(usize) -> Option<usize>| match row {
        0 => Some(first),
        _ => end(row - 1),
    };
    (0..count).filter_map(move |row| {
        let value_end = |row: usize| number(page, value_ends + 4 * row);
        let key = page.get(end_before(row, keys, &key_end)?..key_end(row)?)?;
        let end = value_end(row)?;
        let value = page.get(end_before(row, key_end(count - 1)?, &value_end)?..end)?;
        Some((key, value, end))
    })
}

fn number(page: &[u8], at: usize) -> Option<usize> {
    page.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_kinds_are_read_and_those_cut_off_left_out() {
        // Two rows, "ab" → "x" and "cd" → "yz".
        let fixed = [&[1, 0, 2, 0][..], &[17, 0, 0, 0, 19, 0, 0, 0], b"abcdxyz"].concat();
        let fixed_rows = [(&b"ab"[..], &b"x"[..], 17), (b"cd", b"yz", 19)];
        assert_eq!(rows(&fixed, Some(2)).collect::<Vec<_>>(), fixed_rows);
        let ends = [22, 24, 25, 27].map(u32::to_le_bytes).concat();
        let varied = [&[1, 0, 2, 0][..], &ends, b"abcdxyz"].concat();
        assert_eq!(
            rows(&varied, None).map(|(key, value, _)| (key, value)).collect::<Vec<_>>(),
            [(&b"ab"[..], &b"x"[..]), (b"cd", b"yz")]
        );
        assert_eq!(rows(&fixed[..18], Some(2)).count(), 1);
        for garbage in [&[1][..], &[1, 0, 255, 255], &[1, 0, 1, 0, 255, 255, 255, 255], &[1; 4096]] {
            assert_eq!(rows(garbage, Some(32)).count() + rows(garbage, None).count(), 0, "{garbage:?}");
        }
    }
}
