//! Edit lists in mp4 headers: one that says how far playing lags behind decoding, so that time 0 is the first frame.

use super::boxes::{find, framed};

/// The header of a track of fragments with an edit list that begins at `delay` of its media time; `None` when the
/// header isn't one track's `ftyp` and `moov`.
pub fn with_delay(header: &[u8], delay: i64) -> Option<Vec<u8>> {
    let (moov, moov_end) = find(header, 0, header.len(), b"moov")?;
    let (trak, trak_end) = find(header, moov + 8, moov_end, b"trak")?;
    let (_, tkhd_end) = find(header, trak + 8, trak_end, b"tkhd")?;
    let edits = edits(delay);
    let mut out = Vec::with_capacity(header.len() + edits.len());
    out.extend_from_slice(&header[..tkhd_end]);
    out.extend_from_slice(&edits);
    out.extend_from_slice(&header[tkhd_end..]);
    for (start, end) in [(moov, moov_end), (trak, trak_end)] {
        let size = u32::try_from(end - start + edits.len()).ok()?;
        out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }
    Some(out)
}

/// `edts` with a version 1 `elst` of one entry. Its duration is 0: to the end, however far that will be.
fn edits(delay: i64) -> Vec<u8> {
    const NORMAL_SPEED: u32 = 0x0001_0000;
    let mut list = Vec::new();
    list.extend_from_slice(&(1_u32 << 24).to_be_bytes());
    list.extend_from_slice(&1_u32.to_be_bytes());
    list.extend_from_slice(&0_u64.to_be_bytes());
    list.extend_from_slice(&delay.to_be_bytes());
    list.extend_from_slice(&NORMAL_SPEED.to_be_bytes());
    framed(b"edts", &framed(b"elst", &list))
}

#[cfg(test)]
mod tests {
    use super::{find, framed, with_delay};

    #[test]
    fn the_list_goes_behind_the_track_header_and_sizes_grow() {
        let trak = framed(b"trak", &[framed(b"tkhd", b"abcd"), framed(b"mdia", b"x")].concat());
        let header = [framed(b"ftyp", b""), framed(b"moov", &[framed(b"mvhd", b""), trak].concat())].concat();
        let out = with_delay(&header, 2048).expect("it is whole");
        assert_eq!(out.len(), header.len() + 44);
        let (moov, end) = find(&out, 0, out.len(), b"moov").expect("there");
        assert_eq!(end, out.len());
        let (trak, end) = find(&out, moov + 8, end, b"trak").expect("there");
        let (edts, edts_end) = find(&out, trak + 8, end, b"edts").expect("there");
        assert_eq!(find(&out, edts_end, end, b"mdia").map(|(at, _)| at), Some(edts_end));
        let elst = edts + 8;
        assert_eq!(out[elst + 24..elst + 32], 2048_i64.to_be_bytes());
        for cut in 0..header.len() {
            assert_eq!(with_delay(&header[..cut], 1), None, "{cut}");
        }
    }
}
