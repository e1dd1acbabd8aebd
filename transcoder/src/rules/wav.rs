//! What a WAV file says of its own length: ffmpeg takes a file that was cut off for one that ends there. Pure.

/// How much of a file's beginning is looked at.
pub const HEAD_BYTES: u64 = 64 << 10;

/// How many microseconds the file plays by its header, if it has fewer bytes than that tells.
pub fn told_us(head: &[u8], file_bytes: u64) -> Option<i64> {
    let is = |at: usize, word: &[u8; 4]| head.get(at..at + 4) == Some(&word[..]);
    if !is(0, b"RIFF") || !is(8, b"WAVE") {
        return None;
    }
    let number = |at: usize| head.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes));
    let (mut at, mut bytes_a_second) = (12, 0);
    loop {
        let size = number(at + 4)?;
        if is(at, b"fmt ") {
            bytes_a_second = number(at + 16)?;
        }
        if is(at, b"data") {
            let is_cut = size != u32::MAX && u64::from(size) > file_bytes.saturating_sub(at as u64 + 8);
            let us = (u64::from(size) * 1_000_000).checked_div(bytes_a_second.into())?;
            return is_cut.then(|| i64::try_from(us).ok()).flatten();
        }
        at = at.checked_add(8 + size as usize + size as usize % 2)?;
    }
}

#[cfg(test)]
mod tests {
    use super::told_us;

    /// A header that tells of so many bytes of 16-bit stereo at 44100 Hz, behind a list of odd length.
    fn header(data_bytes: u32) -> Vec<u8> {
        let mut head = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0".to_vec();
        head.extend(176_400_u32.to_le_bytes());
        head.extend(b"\x04\0\x10\0data");
        head.extend(data_bytes.to_le_bytes());
        head
    }

    #[test]
    fn a_file_that_is_cut_off_says_how_long_it_was() {
        let head = header(176_400 * 60);
        let whole = head.len() as u64 + 176_400 * 60;
        assert_eq!(told_us(&head, whole), None);
        assert_eq!(told_us(&head, whole - 1), Some(60_000_000));
        assert_eq!(told_us(&header(u32::MAX), whole), None, "it was never finished");
        for cut in 0..head.len() {
            assert_eq!(told_us(&head[..cut], 100), None, "{cut}");
        }
    }
}
