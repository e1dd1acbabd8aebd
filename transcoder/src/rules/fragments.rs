//! Fragments of one track, as our muxer writes them: `moof`, then `mdat` with the samples in decoding order.

use super::boxes::find;

const DATA_OFFSET: u32 = 0x01;
const FIRST_FLAGS: u32 = 0x04;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;

/// How many bytes from the fragment's beginning hold its first sample, with all that a player needs to read it; `None`
/// when the fragment is of another form.
pub fn first_sample_end(fragment: &[u8]) -> Option<u32> {
    let (moof, moof_end) = find(fragment, 0, fragment.len(), b"moof")?;
    let (traf, traf_end) = find(fragment, moof + 8, moof_end, b"traf")?;
    let (trun, trun_end) = find(fragment, traf + 8, traf_end, b"trun")?;
    let body = fragment.get(trun + 8..trun_end)?;
    let flags = word(body, 0)? & 0x00ff_ffff;
    if flags & DATA_OFFSET == 0 || word(body, 4)? == 0 {
        return None;
    }
    let first = 12 + if flags & FIRST_FLAGS == 0 { 0 } else { 4 };
    let size = if flags & SIZES == 0 {
        let (tfhd, tfhd_end) = find(fragment, traf + 8, traf_end, b"tfhd")?;
        default_size(fragment.get(tfhd + 8..tfhd_end)?)?
    } else {
        word(body, first + if flags & DURATIONS == 0 { 0 } else { 4 })?
    };
    let end = u32::try_from(moof).ok()?.checked_add(word(body, 8)?)?.checked_add(size)?;
    (end as usize <= fragment.len()).then_some(end)
}

/// The size of all samples, where a track's header in a fragment has it: behind the flags and the track's number, each of
/// the fields that the flags name.
fn default_size(tfhd: &[u8]) -> Option<u32> {
    const BEFORE: [(u32, usize); 3] = [(0x01, 8), (0x02, 4), (0x08, 4)];
    const SIZE: u32 = 0x10;
    let flags = word(tfhd, 0)?;
    let before: usize = BEFORE.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, bytes)| bytes).sum();
    if flags & SIZE == 0 { None } else { word(tfhd, 8 + before) }
}

/// The big-endian number at a place.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::boxes::framed;
    use super::{DATA_OFFSET, DURATIONS, FIRST_FLAGS, SIZES, first_sample_end};

    /// A fragment of samples of 5 and 7 bytes, whose run says these things of them.
    fn fragment(flags: u32) -> Vec<u8> {
        let run = |offset: u32| {
            let mut run = vec![flags, 2];
            run.extend((flags & DATA_OFFSET != 0).then_some(offset));
            run.extend((flags & FIRST_FLAGS != 0).then_some(9));
            for size in [5, 7] {
                run.extend((flags & DURATIONS != 0).then_some(512));
                run.extend((flags & SIZES != 0).then_some(size));
            }
            let run: Vec<u8> = run.into_iter().flat_map(u32::to_be_bytes).collect();
            framed(b"moof", &framed(b"traf", &[framed(b"tfhd", b"1234"), framed(b"trun", &run)].concat()))
        };
        let offset = run(0).len() as u32 + 8;
        [framed(b"styp", b"cmfs"), run(offset), framed(b"mdat", &[0; 12])].concat()
    }

    #[test]
    fn ends_behind_the_first_sample() {
        for extra in [0, FIRST_FLAGS, DURATIONS, FIRST_FLAGS | DURATIONS] {
            let whole = fragment(DATA_OFFSET | SIZES | extra);
            assert_eq!(first_sample_end(&whole), Some(whole.len() as u32 - 7), "{extra:x}");
            for cut in 0..whole.len() - 7 {
                assert_eq!(first_sample_end(&whole[..cut]), None, "{cut}");
            }
        }
        // One size for all: behind an offset of eight bytes and a duration.
        let header: Vec<u8> = [0x19_u32, 1, 0, 0, 512, 5].into_iter().flat_map(u32::to_be_bytes).collect();
        let run = |offset: u32| [DATA_OFFSET, 2, offset].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
        let boxes = |offset| {
            framed(b"moof", &framed(b"traf", &[framed(b"tfhd", &header), framed(b"trun", &run(offset))].concat()))
        };
        let moof = boxes(boxes(0).len() as u32 + 8);
        let whole = [moof.clone(), framed(b"mdat", &[0; 10])].concat();
        assert_eq!(first_sample_end(&whole), Some(moof.len() as u32 + 8 + 5));
        assert_eq!(first_sample_end(&fragment(SIZES)), None);
        assert_eq!(first_sample_end(&fragment(DATA_OFFSET)), None);
        assert_eq!(first_sample_end(b""), None);
    }
}
