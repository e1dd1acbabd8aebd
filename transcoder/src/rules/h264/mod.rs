//! H.264 streams as their bytes: units, parameter sets, and what of them goes into a copied rendition. Pure.
//!
//! Only what a decision or a copy needs is read. Anything unexpected is `None` or an [`Odd`], never a guess.

mod sequence;

use sequence::{HIGH_PROFILES, slice_groups};

pub use sequence::Sequence;

/// How units are told apart in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each behind its length in so many bytes, as mp4 and Matroska have it.
    Lengths(usize),
    /// Behind start codes, as transport streams have it.
    StartCodes,
}

/// A stream's parameter sets, from its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sets {
    pub framing: Framing,
    pub sequence: Vec<Vec<u8>>,
    pub picture: Vec<Vec<u8>>,
}

/// Why a packet can't be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// Its units don't add up to it, or it has no picture.
    Broken,
    /// It brings parameter sets that the header doesn't have.
    NewSets,
    /// It has units of a kind that common players don't take.
    Unit(u8),
}

/// What a copied rendition has of a packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept<'p> {
    units: Vec<&'p [u8]>,
    /// Whether decoding can begin here and nothing after it refers to anything before: an IDR picture.
    pub is_start: bool,
}

impl Kept<'_> {
    /// How many bytes its units take, each behind its length.
    pub fn len(&self) -> usize {
        self.units.iter().map(|unit| LENGTH_BYTES + unit.len()).sum()
    }

    /// Writes its units, each behind its length; `to` is as long as [`Kept::len`] says.
    pub fn write(&self, mut to: &mut [u8]) {
        for unit in &self.units {
            let (length, rest) = to.split_at_mut(LENGTH_BYTES);
            length.copy_from_slice(&(unit.len() as u32).to_be_bytes());
            let (bytes, rest) = rest.split_at_mut(unit.len());
            bytes.copy_from_slice(unit);
            to = rest;
        }
    }
}

/// A unit's length, as it is written.
const LENGTH_BYTES: usize = 4;
const SLICE: u8 = 1;
const IDR: u8 = 5;
const SEQUENCE_SET: u8 = 7;
const PICTURE_SET: u8 = 8;
/// Messages for the decoder, delimiters, ends, filling: players need none of them, and messages can hold anything,
/// a camera's place on earth included.
const LEFT_OUT: [u8; 5] = [6, 9, 10, 11, 12];

impl Sets {
    /// From a container's header, in avcC form or as Annex B.
    pub fn parse(extradata: &[u8]) -> Option<Self> {
        if extradata.first() == Some(&1) { Self::of_avcc(extradata) } else { Self::of_annex_b(extradata) }
    }

    fn of_avcc(bytes: &[u8]) -> Option<Self> {
        let framing = Framing::Lengths(usize::from(bytes.get(4)? & 3) + 1);
        let (sequence, at) = listed(bytes, 6, usize::from(bytes.get(5)? & 31))?;
        let (picture, _) = listed(bytes, at + 1, usize::from(*bytes.get(at)?))?;
        Some(Self { framing, sequence, picture })
    }

    fn of_annex_b(bytes: &[u8]) -> Option<Self> {
        let units: Vec<&[u8]> = units(bytes, Framing::StartCodes)?;
        let of = |kind: u8| units.iter().filter(|unit| unit[0] & 31 == kind).map(|unit| unit.to_vec()).collect();
        Some(Self { framing: Framing::StartCodes, sequence: of(SEQUENCE_SET), picture: of(PICTURE_SET) })
    }

    /// The header for units behind lengths of four bytes.
    pub fn avcc(&self) -> Option<Vec<u8>> {
        let first = self.sequence.first()?;
        let mut out = vec![1, *first.get(1)?, *first.get(2)?, *first.get(3)?, 0xff];
        let mut put = |marker: u8, sets: &[Vec<u8>]| -> Option<()> {
            out.push(marker | u8::try_from(sets.len()).ok().filter(|count| *count < 32)?);
            for set in sets {
                out.extend_from_slice(&u16::try_from(set.len()).ok()?.to_be_bytes());
                out.extend_from_slice(set);
            }
            Some(())
        };
        put(0xe0, &self.sequence)?;
        put(0, &self.picture)?;
        if HIGH_PROFILES.contains(&out[1]) {
            // Chroma 4:2:0 and 8 bits, for nothing else is copied.
            out.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]);
        }
        Some(out)
    }

    /// What the only sequence set says; `None` when there are several, or it can't be read.
    pub fn sequence(&self) -> Option<Sequence> {
        let [set] = self.sequence.as_slice() else { return None };
        Sequence::parse(set)
    }

    /// Whether all slices cover the picture in the usual order: no groups of slices, which only Baseline has.
    pub fn has_plain_slices(&self) -> bool {
        !self.picture.is_empty() && self.picture.iter().all(|set| slice_groups(set) == Some(0))
    }

    /// The packet's pictures and nothing else.
    pub fn keep<'p>(&self, packet: &'p [u8]) -> Result<Kept<'p>, Odd> {
        let mut kept = Kept { units: Vec::new(), is_start: true };
        for unit in units(packet, self.framing).ok_or(Odd::Broken)? {
            match unit[0] & 31 {
                kind @ (SLICE | IDR) => {
                    kept.is_start &= kind == IDR;
                    kept.units.push(unit);
                }
                SEQUENCE_SET if !self.sequence.iter().any(|known| known == unit) => return Err(Odd::NewSets),
                PICTURE_SET if !self.picture.iter().any(|known| known == unit) => return Err(Odd::NewSets),
                SEQUENCE_SET | PICTURE_SET => {}
                kind if LEFT_OUT.contains(&kind) => {}
                kind => return Err(Odd::Unit(kind)),
            }
        }
        if kept.units.is_empty() { Err(Odd::Broken) } else { Ok(kept) }
    }
}

/// So many sets from `at` on, each behind its length in two bytes, and where they end.
fn listed(bytes: &[u8], mut at: usize, count: usize) -> Option<(Vec<Vec<u8>>, usize)> {
    let mut sets = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        sets.push(bytes.get(at + 2..at + 2 + length)?.to_vec());
        at += 2 + length;
    }
    Some((sets, at))
}

/// A packet's units, none of them empty; `None` when their framing is broken.
fn units(bytes: &[u8], framing: Framing) -> Option<Vec<&[u8]>> {
    match framing {
        Framing::Lengths(size) => behind_lengths(bytes, size),
        Framing::StartCodes => behind_start_codes(bytes),
    }
}

fn behind_lengths(mut rest: &[u8], size: usize) -> Option<Vec<&[u8]>> {
    let mut units = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_at_checked(size)?;
        let length = length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let (unit, behind) = behind.split_at_checked(length)?;
        if !unit.is_empty() {
            units.push(unit);
        }
        rest = behind;
    }
    Some(units)
}

fn behind_start_codes(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let starts: Vec<usize> = bytes.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at).collect();
    let before = bytes.get(..*starts.first()?)?;
    if before.iter().any(|byte| *byte != 0) {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let units = starts.iter().zip(ends).map(|(start, end)| {
        // A unit never ends in zeros: those belong to the next start code, or fill.
        let unit = &bytes[start + 3..end];
        &unit[..unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
    });
    Some(units.filter(|unit| !unit.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::{Framing, Kept, Odd, Sequence, Sets};
    use crate::rules::colour::{BT709, Colour};

    /// Headers that x264 wrote: constrained baseline, interlaced high, pixels of 16:11 and of 7:5,
    /// full-range BT.709, and 10-bit 4:2:2.
    const PLAIN: &str = "0142c00affe100156742c00ada11ec0440000003004000000c83c489a801000468ce0fc8";
    const FIELDS: &str = "01640015ffe1001967640015acd9444fcb808800000300080000030190f8a14cb001000668fba3cb22c0fdf8f800";
    const OBLONG: &str = "0142c00affe100156742c00ada11ec1040000003004000000c83c489a801000468ce0fc8";
    const TOLD: &str = "0142c00affe100196742c00ada11effc001c001440000003004000000c83c489a801000468ce0fc8";
    const NAMED: &str = "0142c00affe1001a6742c00ada11ec05b808080a000003000200000300641e244d4001000468ce0fc8";
    const DEEP: &str = "017a000affe10018677a000ab6cd9447b0110000030001000003003 20f122596010006 68ebe3cb22c0fefafa00";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
        digits.chunks(2).map(pair).collect()
    }

    fn sets(hex: &str) -> Sets {
        Sets::parse(&bytes(hex)).expect("a header")
    }

    #[test]
    fn headers_say_what_the_pictures_are() {
        let sequence = |profile, constraints, level, chroma, depth, frames_only| Sequence {
            profile,
            constraints,
            level,
            chroma,
            depth,
            frames_only,
            aspect: Some((1, 1)),
            full_range: false,
            colour: Colour::UNTOLD,
        };
        assert_eq!(sets(PLAIN).sequence(), Some(sequence(66, 0xc0, 10, 1, 8, true)));
        assert_eq!(sets(FIELDS).sequence(), Some(sequence(100, 0, 21, 1, 8, false)));
        assert_eq!(sets(DEEP).sequence(), Some(sequence(122, 0, 10, 2, 10, true)));
        let aspect = |hex| sets(hex).sequence().and_then(|sequence| sequence.aspect);
        assert_eq!((aspect(OBLONG), aspect(TOLD)), (Some((16, 11)), Some((7, 5))));
        let named = sets(NAMED).sequence().expect("a set");
        assert_eq!((named.colour, named.full_range), (BT709, true));
        assert!(sets(PLAIN).has_plain_slices() && sets(FIELDS).has_plain_slices());
        assert_eq!(sets(PLAIN).framing, Framing::Lengths(4));
    }

    #[test]
    fn headers_survive_being_written_again() {
        for header in [PLAIN, FIELDS] {
            assert_eq!(sets(header).avcc().as_deref(), Some(bytes(header).as_slice()));
        }
    }

    #[test]
    fn a_cut_header_is_no_header() {
        let whole = bytes(FIELDS);
        for cut in 0..whole.len() - 4 {
            let sequence = Sets::parse(&whole[..cut]).and_then(|sets| sets.sequence());
            let complete = cut >= 8 + 0x19 && sequence.is_some();
            assert!(sequence.is_none() || complete, "{cut}");
        }
    }

    #[test]
    fn both_framings_keep_the_same_pictures() {
        let mp4 = sets(PLAIN);
        let mut annex_b = vec![0, 0, 0, 1];
        annex_b.extend_from_slice(&mp4.sequence[0]);
        annex_b.extend_from_slice(&[0, 0, 1]);
        annex_b.extend_from_slice(&mp4.picture[0]);
        let stream = Sets::parse(&annex_b).expect("a header");
        assert_eq!((&stream.sequence, &stream.picture), (&mp4.sequence, &mp4.picture));

        let wanted = [0, 0, 0, 3, 0x65, 7, 8];
        let behind_lengths = [&[0, 0, 0, 3, 0x06, 1, 0x80], &wanted[..]].concat();
        let written = |kept: Kept<'_>| {
            let mut bytes = vec![0; kept.len()];
            kept.write(&mut bytes);
            (bytes, kept.is_start)
        };
        assert_eq!(mp4.keep(&behind_lengths).map(written), Ok((wanted.to_vec(), true)));
        let behind_codes =
            [&[0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1][..], &annex_b[4..], &[0, 0, 1, 0x65, 7, 8, 0]].concat();
        assert_eq!(stream.keep(&behind_codes).map(written), Ok((wanted.to_vec(), true)));
    }

    #[test]
    fn what_cannot_be_copied_is_told() {
        let sets = sets(PLAIN);
        let cases: [(&[u8], Odd); 7] = [
            (&[], Odd::Broken),
            (&[0, 0, 0, 9, 0x65, 1], Odd::Broken),
            (&[0, 0, 0], Odd::Broken),
            (&[0, 0, 0, 2, 0x06, 1], Odd::Broken),
            (&[0, 0, 0, 2, 0x67, 1], Odd::NewSets),
            (&[0, 0, 0, 2, 0x68, 1], Odd::NewSets),
            (&[0, 0, 0, 2, 0x74, 1], Odd::Unit(20)),
        ];
        for (packet, odd) in cases {
            assert_eq!(sets.keep(packet), Err(odd), "{packet:?}");
        }
        let later = sets.keep(&[0, 0, 0, 2, 0x41, 1]).expect("a picture");
        assert!(!later.is_start);
    }
}
