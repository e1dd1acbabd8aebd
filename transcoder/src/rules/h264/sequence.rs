//! Parameter sets read bit by bit, as far as a decision to copy needs what they say.

use crate::rules::colour::Colour;

/// Profiles whose sequence sets tell chroma and depth.
pub const HIGH_PROFILES: [u8; 4] = [100, 110, 122, 244];

/// What a sequence parameter set says of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub profile: u8,
    pub constraints: u8,
    pub level: u8,
    /// 1 is 4:2:0.
    pub chroma: u32,
    pub depth: u32,
    /// No pictures of interlaced fields.
    pub frames_only: bool,
    /// A pixel's width to its height, if it is told.
    pub aspect: Option<(u32, u32)>,
    pub full_range: bool,
    pub colour: Colour,
}

impl Sequence {
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let mut bits = Bits::of(unit);
        let profile = u8::try_from(bits.number(8)?).ok()?;
        let constraints = u8::try_from(bits.number(8)?).ok()?;
        let level = u8::try_from(bits.number(8)?).ok()?;
        bits.golomb()?;
        let (mut chroma, mut depth) = (1, 8);
        if HIGH_PROFILES.contains(&profile) {
            chroma = bits.golomb()?;
            if chroma == 3 {
                bits.bit()?;
            }
            depth = 8 + bits.golomb()?.max(bits.golomb()?);
            bits.bit()?;
            if bits.bit()? == 1 {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.bit()? == 1 {
                        bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.golomb()?;
        match bits.golomb()? {
            0 => drop(bits.golomb()?),
            1 => {
                bits.bit()?;
                bits.golomb()?;
                bits.golomb()?;
                for _ in 0..bits.golomb()?.min(256) {
                    bits.golomb()?;
                }
            }
            _ => {}
        }
        bits.golomb()?;
        bits.bit()?;
        bits.golomb()?;
        bits.golomb()?;
        let frames_only = bits.bit()? == 1;
        if !frames_only {
            bits.bit()?;
        }
        bits.bit()?;
        if bits.bit()? == 1 {
            for _side in 0..4 {
                bits.golomb()?;
            }
        }
        let told = bits.bit()? == 1;
        let aspect = if told && bits.bit()? == 1 { aspect(&mut bits)? } else { None };
        let (full_range, colour) = if told { signal(&mut bits)? } else { (false, Colour::UNTOLD) };
        Some(Self { profile, constraints, level, chroma, depth, frames_only, aspect, full_range, colour })
    }
}

/// The range and the colours, behind what is said of the screen's edges.
fn signal(bits: &mut Bits) -> Option<(bool, Colour)> {
    if bits.bit()? == 1 {
        bits.bit()?;
    }
    if bits.bit()? == 0 {
        return Some((false, Colour::UNTOLD));
    }
    bits.number(3)?;
    let full_range = bits.bit()? == 1;
    if bits.bit()? == 0 {
        return Some((full_range, Colour::UNTOLD));
    }
    let mut number = || i32::try_from(bits.number(8)?).ok();
    Some((full_range, Colour { primaries: number()?, transfer: number()?, matrix: number()? }))
}

/// What a number of H.264's table E-1, or the two numbers behind it, say of a pixel.
fn aspect(bits: &mut Bits) -> Option<Option<(u32, u32)>> {
    const TOLD: usize = 255;
    const USUAL: [(u32, u32); 16] = [
        (1, 1),
        (12, 11),
        (10, 11),
        (16, 11),
        (40, 33),
        (24, 11),
        (20, 11),
        (32, 11),
        (80, 33),
        (18, 11),
        (15, 11),
        (64, 33),
        (160, 99),
        (4, 3),
        (3, 2),
        (2, 1),
    ];
    let told = match bits.number(8)? as usize {
        TOLD => Some((bits.number(16)?, bits.number(16)?)),
        number => number.checked_sub(1).and_then(|place| USUAL.get(place).copied()),
    };
    Some(told.filter(|(width, height)| *width > 0 && *height > 0))
}

/// A picture parameter set's number of slice groups, less one.
pub fn slice_groups(unit: &[u8]) -> Option<u32> {
    let mut bits = Bits::of(unit);
    bits.golomb()?;
    bits.golomb()?;
    bits.number(2)?;
    bits.golomb()
}

/// Bits of a unit behind its first byte, most significant first, without the bytes that keep start codes out.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn of(unit: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for byte in unit.iter().skip(1) {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |sum, _| Some(sum << 1 | self.bit()?))
    }

    /// An Exp-Golomb code.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    fn skip_scaling_list(&mut self, size: u32) -> Option<()> {
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..size {
            if next != 0 {
                let code = i64::from(self.golomb()?);
                let delta = if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 };
                next = (last + delta).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }
}
