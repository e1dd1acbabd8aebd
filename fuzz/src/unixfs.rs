//! UnixFS files and folders made of any blocks in any way: wrong sizes, wrong types, holes, shared and deep trees.

use cid::Cid;
use pinreel_content::{DAG_CBOR, DAG_JSON, DAG_PB, RAW, limits};

use super::dag::{Blocks, absent, inline, publish_some, push_varint, read, store_of, walk};
use super::input::Input;

const MOST_BLOCKS: usize = 48;
const MOST_LINKS: usize = 24;
/// What a well-formed file may have for its bytes to be compared.
const MOST_BYTES: usize = 16 * 1024;

/// A block, what a reader must find in it if it is a well-formed file, and how deep it is.
#[derive(Clone)]
struct Made {
    cid: Cid,
    content: Option<Vec<u8>>,
    depth: usize,
}

pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let name = String::from_utf8_lossy(input.take(2)).into_owned();
    let (mut blocks, mut made) = (Blocks::default(), Vec::<Made>::new());
    while !input.is_empty() && made.len() < MOST_BLOCKS {
        let next = match input.byte() % 8 {
            0 => raw(&mut input, &mut blocks),
            1..=3 => file(&mut input, &mut blocks, &made),
            4 => folder(&mut input, &mut blocks, &made),
            5 => any(DAG_PB, &mut input, &mut blocks),
            6 => any(DAG_CBOR, &mut input, &mut blocks),
            _ => any(DAG_JSON, &mut input, &mut blocks),
        };
        made.push(next);
    }
    let store = store_of(&blocks);
    for made in &made {
        if let Some(content) = &made.content {
            assert_eq!(read(&store, &made.cid, 1000).as_ref(), Some(content), "{}", made.cid);
        }
        walk(&store, &made.cid, &name);
    }
    if let Some(last) = made.last() {
        publish_some(&store, &last.cid, bytes);
    }
}

fn raw(input: &mut Input<'_>, blocks: &mut Blocks) -> Made {
    let content = input.bytes().to_vec();
    Made { cid: blocks.push(RAW, content.clone()), content: Some(content), depth: 0 }
}

fn any(codec: u64, input: &mut Input<'_>, blocks: &mut Blocks) -> Made {
    Made { cid: blocks.push(codec, input.bytes().to_vec()), content: None, depth: 0 }
}

/// One of the blocks before, or one that isn't held, or that is in its own CID.
fn child(input: &mut Input<'_>, made: &[Made]) -> Made {
    match input.byte() {
        0 => Made { cid: absent(), content: None, depth: 0 },
        1 => {
            let content = input.bytes();
            let content = content[..content.len().min(64)].to_vec();
            Made { cid: inline(&content), content: Some(content), depth: 0 }
        }
        number if made.is_empty() => {
            let content = vec![number; usize::from(number) % 64];
            Made { cid: inline(&content), content: Some(content), depth: 0 }
        }
        number => made[made.len() - 1 - usize::from(number) % made.len()].clone(),
    }
}

fn file(input: &mut Input<'_>, blocks: &mut Blocks, made: &[Made]) -> Made {
    let lies = input.byte();
    let inside = if lies & 1 == 0 { &[][..] } else { input.bytes() };
    let children: Vec<Made> = (0..input.index(MOST_LINKS)).map(|_| child(input, made)).collect();
    let (mut content, mut depth, mut total) = (Some(inside.to_vec()), 0, inside.len() as u64);
    let (mut sizes, mut links) = (Vec::new(), Vec::new());
    for child in &children {
        let true_size = child.content.as_ref().map(|content| content.len() as u64);
        let size = match true_size {
            Some(size) if lies & 2 == 0 => size,
            _ => input.number(),
        };
        content = match (content, &child.content) {
            (Some(before), Some(more)) if true_size == Some(size) && before.len() + more.len() <= MOST_BYTES => {
                Some([&before[..], more].concat())
            }
            _ => None,
        };
        depth = depth.max(child.depth + 1);
        total = total.wrapping_add(size);
        sizes.push(size);
        links.push((child.cid, String::new(), size));
    }
    let kind = if lies & 4 == 0 { 2 } else { input.number() };
    let told = if lies & 8 == 0 { Some(total) } else { (lies & 16 == 0).then(|| input.number()) };
    let data = unixfs_data(kind, inside, told, &sizes, lies & 32 != 0);
    let well_formed = matches!(kind, 0 | 2) && told.is_none_or(|told| told == total) && depth <= limits::DEPTH;
    Made { cid: blocks.push_node(&links, &data), content: content.filter(|_| well_formed), depth }
}

fn unixfs_data(kind: u64, inside: &[u8], total: Option<u64>, sizes: &[u64], packed: bool) -> Vec<u8> {
    let mut data = vec![0x08];
    push_varint(&mut data, kind);
    if !inside.is_empty() {
        data.push(0x12);
        push_varint(&mut data, inside.len() as u64);
        data.extend_from_slice(inside);
    }
    if let Some(total) = total {
        data.push(0x18);
        push_varint(&mut data, total);
    }
    let mut list = Vec::new();
    for size in sizes {
        if !packed {
            list.push(0x20);
        }
        push_varint(&mut list, *size);
    }
    if packed && !sizes.is_empty() {
        data.push(0x22);
        push_varint(&mut data, list.len() as u64);
    }
    data.extend(list);
    data
}

fn folder(input: &mut Input<'_>, blocks: &mut Blocks, made: &[Made]) -> Made {
    let mut links = Vec::new();
    for _ in 0..input.index(MOST_LINKS) {
        let name = String::from_utf8_lossy(input.take(2)).into_owned();
        links.push((child(input, made).cid, name, input.number()));
    }
    Made { cid: blocks.push_node(&links, &[0x08, 0x01]), content: None, depth: 0 }
}
