//! Sharded directories (HAMT), as UnixFS defines them: a tree of dag-pb nodes in which an entry's place is the hash of
//! its name.
//!
//! A shard has one slot for each value of the next bits of the hash: 8 bits where we write, any power of two of slots
//! where we read. Its links are named by the slot in hexadecimal; a link to an entry has the entry's name after that,
//! a link to a further shard has not. Which shards there are follows from the names alone, so the same entries always
//! have the same root. A slot that an entry's hash doesn't lead to is malformed, and so is one that comes twice or out of
//! order, which leaves a hostile tree no way to show one entry in many places, or one that nobody finds.

use bytes::Bytes;
use cid::Cid;

use crate::{
    Error, Link, Result,
    address::{Digest, dag_pb_cid, sha256},
    dagpb,
    error::Malformed,
    unixfs::{self, Type, UnixFs},
};

/// Slots of the shards that we write.
pub(crate) const FANOUT: u64 = 256;
/// The multicodec of the hash that places names: the first half of MurmurHash3 x64 128, seed 0.
pub(crate) const MURMUR3_X64_64: u64 = 0x22;
/// The most slots that are read; Kubo's limit too.
const MOST_SLOTS: u64 = 1024;

/// An entry with the hash of its name.
struct Placed<'a> {
    hash: [u8; 8],
    name: &'a str,
    link: Link,
}

/// Encodes a sharded directory: its shards with the root last, and how a parent links to it.
pub(crate) fn encode(entries: &[(&str, Link)]) -> Result<(Vec<(Digest, Bytes)>, Link)> {
    let mut placed: Vec<_> =
        entries.iter().map(|(name, link)| Placed { hash: hash(name.as_bytes()), name, link: *link }).collect();
    placed.sort_unstable_by_key(|entry| entry.hash);
    let mut shards = Vec::new();
    let link = shard(&placed, 0, &mut shards)?;
    Ok((shards, link))
}

/// Encodes the shard of entries whose hashes agree in their first `level` bytes; at most 8 calls deep.
fn shard(entries: &[Placed<'_>], level: usize, shards: &mut Vec<(Digest, Bytes)>) -> Result<Link> {
    let (mut block, mut slots, mut tsize) = (Vec::new(), [0; FANOUT as usize / 8], 0);
    let slot_of = |entry: &Placed<'_>| entry.hash.get(level).copied();
    for group in entries.chunk_by(|a, b| slot_of(a) == slot_of(b)) {
        let slot = slot_of(&group[0]).ok_or_else(|| Error::NamesCollide(group[0].name.to_owned()))?;
        let link = match group {
            [entry] => {
                dagpb::push_link(&mut block, &entry.link.cid, &format!("{slot:02X}{}", entry.name), entry.link.tsize);
                entry.link
            }
            several => {
                let below = shard(several, level + 1, shards)?;
                dagpb::push_link(&mut block, &below.cid, &format!("{slot:02X}"), below.tsize);
                below
            }
        };
        // A number of 256 bits, its last byte being slots 0 to 7.
        slots[31 - usize::from(slot) / 8] |= 1 << (slot % 8);
        tsize += link.tsize;
    }
    dagpb::push_data(&mut block, &unixfs::shard_data(&slots, MURMUR3_X64_64, FANOUT));
    let digest = sha256(&block);
    let link = Link { cid: dag_pb_cid(digest), tsize: tsize + block.len() as u64 };
    shards.push((digest, block.into()));
    Ok(link)
}

/// How a shard that is read divides hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    bits: u32,
    /// How many characters of a link's name are its slot.
    digits: usize,
}

impl Shape {
    pub(crate) fn of(data: &UnixFs<'_>) -> Result<Self, Malformed> {
        let slots = data.fanout.unwrap_or_default();
        let usable = slots.is_power_of_two() && (8..=MOST_SLOTS).contains(&slots);
        if data.kind != Type::HamtShard || data.hash_type != Some(MURMUR3_X64_64) || !usable {
            return Err(Malformed::Shard);
        }
        let bits = slots.trailing_zeros();
        Ok(Self { bits, digits: bits.div_ceil(4) as usize })
    }
}

/// The place of a shard in its tree: what the hashes of all names in it begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Path {
    bits: u32,
    value: u64,
}

/// What a link of a shard leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    Entry(&'a str),
    Shard,
}

impl Path {
    /// What a link's name says, checked against where the shard is, and the link's own place.
    pub(crate) fn read<'a>(self, shape: Shape, name: &'a str) -> Result<(Self, Slot<'a>), Malformed> {
        let (digits, name) = name.split_at_checked(shape.digits).ok_or(Malformed::Shard)?;
        let upper = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
        let slot = u64::from_str_radix(digits, 16).ok().filter(|slot| upper && *slot < 1 << shape.bits);
        let below = self.slot(shape, slot.ok_or(Malformed::Shard)?).ok_or(Malformed::TooDeep)?;
        if name.is_empty() {
            return Ok((below, Slot::Shard));
        }
        let leads_here = place_of_name(name) >> (64 - below.bits) == below.value;
        if leads_here { Ok((below, Slot::Entry(name))) } else { Err(Malformed::Shard) }
    }

    /// What the name of a link begins with that may lead to `name`, and the place below it. `None` when the hash has no
    /// bits left.
    pub(crate) fn towards(self, shape: Shape, name: &str) -> Option<(String, Self)> {
        let left = 64u32.checked_sub(self.bits + shape.bits)?;
        let slot = (place_of_name(name) >> left) & ((1 << shape.bits) - 1);
        Some((format!("{slot:0digits$X}", digits = shape.digits), self.slot(shape, slot)?))
    }

    fn slot(self, shape: Shape, slot: u64) -> Option<Self> {
        let bits = self.bits + shape.bits;
        (bits <= 64).then_some(Self { bits, value: self.value << shape.bits | slot })
    }
}

/// A link of a shard on the way to a name.
pub(crate) enum Next {
    /// The entry itself.
    Entry(Cid, Option<u64>),
    /// A shard further down.
    Shard(Cid, Path),
    /// No entry has this name.
    Nothing,
}

/// Looks for the way to `name` in the block of a shard at `path`.
pub(crate) fn find(block: &[u8], shape: Shape, path: Path, name: &str) -> Result<Next, Malformed> {
    let Some((prefix, below)) = path.towards(shape, name) else { return Ok(Next::Nothing) };
    let Some(link) = dagpb::find_link(block, |found| found.starts_with(prefix.as_bytes()))?.0 else {
        return Ok(Next::Nothing);
    };
    Ok(match link.name.unwrap_or_default().get(shape.digits..) {
        Some("") => Next::Shard(link.cid, below),
        Some(found) if found == name => Next::Entry(link.cid, link.tsize),
        _ => Next::Nothing,
    })
}

/// Where an entry stands in every sharded directory: each shard on the way to its name goes by the next bits, from the
/// highest on.
pub fn place_of_name(name: &str) -> u64 {
    u64::from_be_bytes(hash(name.as_bytes()))
}

/// The first 64 bits of MurmurHash3 x64 128 with seed 0, its most significant byte first.
fn hash(bytes: &[u8]) -> [u8; 8] {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let first = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let (mut h1, mut h2) = (0u64, 0u64);
    let chunks = bytes.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        h1 ^= first(word(&chunk[..8]));
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= second(word(&chunk[8..]));
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    h2 ^= second(word(high));
    h1 ^= first(word(low));
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = mix(h1);
    h2 = mix(h2);
    h1.wrapping_add(h2).to_be_bytes()
}

fn mix(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ h >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Shape = Shape { bits: 8, digits: 2 };

    #[test]
    fn murmur3_is_the_published_one() {
        // From the reference implementation's own test strings, as Go's and C's libraries give them.
        let cases = [
            ("", 0),
            ("hello", 0xcbd8_a7b3_41bd_9b02),
            ("hello, world", 0x342f_ac62_3a5e_bc8e),
            ("The quick brown fox jumps over the lazy dog.", 0xcd99_481f_9ee9_02c9),
        ];
        for (text, expected) in cases {
            assert_eq!(u64::from_be_bytes(hash(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn slots_lead_to_their_names_and_nowhere_else() {
        let (prefix, below) = Path::default().towards(OURS, "hello").unwrap();
        assert_eq!((prefix.as_str(), below), ("CB", Path { bits: 8, value: 0xcb }));
        assert_eq!(below.towards(OURS, "hello").unwrap().0, "D8");
        let root = Path::default();
        assert_eq!(root.read(OURS, "CBhello"), Ok((below, Slot::Entry("hello"))));
        assert_eq!(root.read(OURS, "CB"), Ok((below, Slot::Shard)));
        for wrong in ["", "C", "cbhello", "CChello", "+Bhello", "ü"] {
            assert_eq!(root.read(OURS, wrong), Err(Malformed::Shard), "{wrong}");
        }
        let deepest = Path { bits: 64, value: 0 };
        assert_eq!(deepest.read(OURS, "CB"), Err(Malformed::TooDeep));
        assert_eq!(deepest.towards(OURS, "hello"), None);
        let narrow = Shape { bits: 4, digits: 1 };
        assert_eq!(root.read(narrow, "Chello").map(|(_, slot)| slot), Ok(Slot::Entry("hello")));
        let wide = Shape { bits: 10, digits: 3 };
        let (place, slot) = root.read(wide, "32Fhello").unwrap();
        assert_eq!((place.bits, slot), (10, Slot::Entry("hello")), "1024 slots: the first ten bits of cbd8");
        assert_eq!(root.read(wide, "400"), Err(Malformed::Shard), "no slot beyond the last");
    }

    #[test]
    fn shapes_are_those_that_kubo_reads() {
        let with = |hash_type, fanout| UnixFs {
            kind: Type::HamtShard,
            data: &[],
            file_size: None,
            block_sizes: Vec::new(),
            hash_type,
            fanout,
        };
        assert_eq!(Shape::of(&with(Some(0x22), Some(256))), Ok(OURS));
        for (hash_type, fanout) in [
            (None, Some(256)),
            (Some(0x12), Some(256)),
            (Some(0x22), None),
            (Some(0x22), Some(100)),
            (Some(0x22), Some(4)),
            (Some(0x22), Some(1 << 40)),
        ] {
            assert_eq!(Shape::of(&with(hash_type, fanout)), Err(Malformed::Shard), "{hash_type:?} {fanout:?}");
        }
    }
}
