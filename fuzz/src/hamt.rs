//! Sharded folders: true ones, and such as tell lies about slots, shapes and depth.

use pinreel_content::place_of_name;

use super::dag::{Blocks, absent, inline, publish_some, push_varint, store_of, walk};
use super::input::Input;

const MOST_SHARDS: usize = 24;
const MOST_LINKS: usize = 24;
/// Names that are tried for one input.
const MOST_TRIES: u32 = 2048;
const WIDTHS: [u64; 6] = [256, 8, 16, 64, 1024, 256];

/// A shard with its place: how many bits lead to it, and a name that is in it.
struct Shard {
    cid: cid::Cid,
    bits: u32,
    name: String,
}

pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (mut blocks, mut shards) = (Blocks::default(), Vec::<Shard>::new());
    let (mut sought, mut tries) = (String::from("a"), MOST_TRIES);
    while !input.is_empty() && shards.len() < MOST_SHARDS {
        let lies = input.byte();
        let width = if lies & 1 == 0 { WIDTHS[input.index(WIDTHS.len())] } else { input.number() };
        let slot_bits = width.checked_ilog2().unwrap_or(0).clamp(1, 16);
        let level = u32::from(input.byte()) % 24;
        let bits = level * slot_bits;
        let digits = slot_bits.div_ceil(4) as usize;
        let (mut links, mut first) = (Vec::new(), None::<String>);
        for _ in 0..input.index(MOST_LINKS) {
            let below = shards.iter().rposition(|shard| shard.bits == bits + slot_bits);
            let (cid, rest, within) = match (input.byte(), below) {
                (0..=99, Some(below)) => {
                    let shard = &shards[below - usize::from(input.byte()) % (below + 1)];
                    (shard.cid, String::new(), shard.name.clone())
                }
                (number, _) => {
                    let name = String::from_utf8_lossy(input.take(3)).into_owned();
                    let name = match &first {
                        Some(first) => beside(first, bits, name, &mut tries),
                        None => name,
                    };
                    (if number % 2 == 0 { absent() } else { inline(&[number]) }, name.clone(), name)
                }
            };
            let slot = if lies & 2 == 0 { slot_of(&within, bits, slot_bits) } else { input.number() };
            links.push((cid, format!("{slot:0digits$X}{rest}"), 1));
            first.get_or_insert(within);
        }
        if lies & 8 == 0 {
            links.sort_by(|one, other| one.1.cmp(&other.1));
        }
        if lies & 16 == 0 {
            links.dedup_by(|one, other| one.1.get(..digits) == other.1.get(..digits));
        }
        let mut data = vec![0x08, 0x05, 0x12, 0x00];
        let function = if lies & 4 == 0 { 0x22 } else { input.number() };
        for (tag, number) in [(0x28, function), (0x30, width)] {
            data.push(tag);
            push_varint(&mut data, number);
        }
        let name = first.unwrap_or_default();
        sought.clone_from(&name);
        shards.push(Shard { cid: blocks.push_node(&links, &data), bits, name });
    }
    let store = store_of(&blocks);
    for shard in &shards {
        walk(&store, &shard.cid, &sought);
    }
    if let Some(last) = shards.last() {
        publish_some(&store, &last.cid, bytes);
    }
}

/// A name that may stand in the same shard, if one is found soon.
fn beside(first: &str, bits: u32, name: String, tries: &mut u32) -> String {
    let place = place_of_name(first);
    let mut candidate = name.clone();
    while *tries > 0 {
        if (place_of_name(&candidate) ^ place).leading_zeros() >= bits {
            return candidate;
        }
        candidate = format!("{name}{tries}");
        *tries -= 1;
    }
    name
}

/// The slot that leads on to a name.
fn slot_of(name: &str, bits: u32, slot_bits: u32) -> u64 {
    let rest = place_of_name(name).checked_shl(bits).unwrap_or(0);
    rest >> (64 - slot_bits)
}
