//! Properties of a HEIF file's picture (AVIF is one), of which ffmpeg's reader knows nothing. Pure.

use super::boxes::{HEAD, children, find};
use super::turn::Turn;

/// Properties that belong to the primary picture.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Properties {
    pub turn: Turn,
    /// An ICC profile.
    pub profile: Option<Vec<u8>>,
    /// Whether another picture holds its opacity, or only a part of it is to be shown.
    pub partly: bool,
}

/// With version and flags.
const FULL_HEAD: usize = HEAD + 4;
/// In the list of associations with wide indices.
const WIDE: u8 = 1;

/// The primary picture's properties, from the file's `meta` box.
pub fn properties(meta: &[u8]) -> Option<Properties> {
    let inside = |kind| find(meta, FULL_HEAD, meta.len(), kind);
    let (pitm, pitm_end) = inside(b"pitm")?;
    let [version, _, _, _, id @ ..] = meta.get(pitm + HEAD..pitm_end)? else { return None };
    let mut id = id;
    let primary = take_number(&mut id, id_bytes(*version, 1))?;
    let (iprp, iprp_end) = inside(b"iprp")?;
    let (ipco, ipco_end) = find(meta, iprp + HEAD, iprp_end, b"ipco")?;
    let (ipma, ipma_end) = find(meta, iprp + HEAD, iprp_end, b"ipma")?;
    let list = children(meta, ipco + HEAD, ipco_end);
    let is_alpha = |(kind, body): &(&[u8; 4], &[u8])| *kind == b"auxC" && body.windows(5).any(|word| word == b"alpha");
    let mut properties = Properties { partly: list.iter().any(is_alpha), ..Properties::default() };
    // Turned first, then mirrored, whatever their order.
    let (mut quarters, mut mirror) = (0, None);
    for index in associated(meta.get(ipma + HEAD..ipma_end)?, primary)? {
        let Some((kind, body)) = index.checked_sub(1).and_then(|index| list.get(index)).copied() else { continue };
        match (kind, body) {
            (b"irot", [angle, ..]) => quarters = u32::from(angle & 3),
            (b"imir", [axis, ..]) => mirror = Some(axis & 1),
            (b"colr", [b'p' | b'r', b'r' | b'I', b'o' | b'C', b'f' | b'C', profile @ ..]) => {
                properties.profile = Some(profile.to_vec());
            }
            (b"clap", _) => properties.partly = true,
            _ => {}
        }
    }
    properties.turn = match mirror {
        // Against the clock.
        None => Turn { quarters: (4 - quarters) % 4, mirrored: false },
        Some(1) => Turn { quarters, mirrored: true },
        // Upside down is left to right, turned by half.
        Some(_) => Turn { quarters: (quarters + 2) % 4, mirrored: true },
    };
    Some(properties)
}

/// A list of associations: which properties belong to an item, by their places in the list from 1 on.
fn associated(body: &[u8], item: u32) -> Option<Vec<usize>> {
    let [version, _, _, flags, rest @ ..] = body else { return None };
    let mut rest = rest;
    for _ in 0..take_number(&mut rest, 4)? {
        let is_it = take_number(&mut rest, id_bytes(*version, 1))? == item;
        let count = take_number(&mut rest, 1)?;
        let indices = (0..count).map(|_| match flags & WIDE {
            // The highest bit says whether it must be understood.
            0 => Some(take_number(&mut rest, 1)? & 0x7f),
            _ => Some(take_number(&mut rest, 2)? & 0x7fff),
        });
        let indices = indices.map(|index| index.map(|index| index as usize)).collect::<Option<Vec<_>>>()?;
        if is_it {
            return Some(indices);
        }
    }
    None
}

/// How many bytes an item's number has from a version on.
fn id_bytes(version: u8, wide_from: u8) -> usize {
    if version < wide_from { 2 } else { 4 }
}

/// The number in the next so many bytes, at most four.
fn take_number(bytes: &mut &[u8], length: usize) -> Option<u32> {
    let (number, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(number.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::super::boxes::framed;
    use super::{Properties, Turn, properties};

    /// A `meta` box whose second of two pictures is the primary one and has the properties at these places.
    fn meta(list: &[(&[u8; 4], &[u8])], places: &[u8]) -> Vec<u8> {
        let ipco = list.iter().flat_map(|(kind, body)| framed(kind, body)).collect::<Vec<_>>();
        let mut ipma = b"\0\0\0\0\0\0\0\x02\0\x01\x01\x81\0\x02".to_vec();
        ipma.push(places.len() as u8);
        ipma.extend_from_slice(places);
        let iprp = [framed(b"ipco", &ipco), framed(b"ipma", &ipma)].concat();
        let pitm = framed(b"pitm", b"\0\0\0\0\0\x02");
        framed(b"meta", &[&[0; 4][..], &framed(b"hdlr", &[0; 20]), &pitm, &framed(b"iprp", &iprp)].concat())
    }

    #[test]
    fn the_primary_picture_is_turned_and_has_its_profile() {
        let list: [(&[u8; 4], &[u8]); 5] =
            [(b"ispe", &[0; 12]), (b"irot", &[3]), (b"imir", &[1]), (b"imir", &[0]), (b"colr", b"profICC")];
        let cases: [(&[u8], u32, bool); 5] =
            [(&[1], 0, false), (&[1, 0x82], 1, false), (&[3], 0, true), (&[4], 2, true), (&[0x82, 0x83], 3, true)];
        for (places, quarters, mirrored) in cases {
            let wanted = Properties { turn: Turn { quarters, mirrored }, ..Properties::default() };
            assert_eq!(properties(&meta(&list, places)), Some(wanted), "{places:?}");
        }
        let whole = meta(&list, &[5, 9]);
        assert_eq!(properties(&whole).and_then(|told| told.profile).as_deref(), Some(&b"ICC"[..]));
        let partly = |list: &[(&[u8; 4], &[u8])]| properties(&meta(list, &[1])).is_some_and(|told| told.partly);
        assert!(
            partly(&[(b"clap", &[0; 32])]) && partly(&[(b"ispe", &[]), (b"auxC", b"\0\0\0\0urn:mpeg:hevc:alpha\0")])
        );
        assert!(!partly(&[(b"ispe", &[]), (b"auxC", b"\0\0\0\0urn:mpeg:hevc:depth\0")]));
        for cut in 0..whole.len() {
            assert_eq!(properties(&whole[..cut]), None, "{cut}");
        }
    }
}
