//! Reading a file of foreign blocks by walking its DAG.

use std::ops::Range;

use bytes::Bytes;
use cid::Cid;

use super::{Gate, Store, nodes::decode_unixfs};
use crate::{
    Error, Malformed, Result,
    address::{DAG_PB, RAW},
    limits,
    unixfs::Type,
};

/// A block still to be visited: where its bytes begin in the file, how many its parent says, and its depth.
struct Visit {
    cid: Cid,
    begin: u64,
    size_bytes: u64,
    depth: usize,
}

/// Fills the buffer from a DAG, visiting only the blocks that the range needs, depth first, in order.
pub(super) fn read_dag(
    (store, gate): (&Store, &Gate),
    (cid, root): (&Cid, &Bytes),
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize> {
    let end = offset + buffer.len() as u64;
    let mut stack = Vec::new();
    let mut done = 0;
    let (mut blocks, mut bytes) = (limits::BLOCKS_PER_READ, limits::BYTES_PER_READ);
    let mut at = Visit { cid: *cid, begin: 0, size_bytes: u64::MAX, depth: 0 };
    let mut block = root.clone();
    loop {
        if at.depth > limits::DEPTH {
            return Err(Error::DagTooLarge(*cid));
        }
        done += visit(&at, &block, offset..end, &mut buffer[done..], &mut stack)?;
        (blocks, bytes) = (blocks - 1, bytes.saturating_sub(block.len()));
        let is_spent = blocks == 0 || bytes == 0;
        match stack.pop() {
            None => return Ok(done),
            Some(_) if is_spent && done > 0 => return Ok(done),
            Some(_) if is_spent => return Err(Error::DagTooLarge(*cid)),
            Some(next) => at = next,
        }
        let held = if gate.admits(&at.cid)? { store.block(&at.cid)? } else { None };
        block = held.ok_or(Error::BlockMissing(at.cid))?;
    }
}

/// Copies what a block itself has of the range, and stacks the children that have more of it.
fn visit(at: &Visit, block: &[u8], range: Range<u64>, out: &mut [u8], stack: &mut Vec<Visit>) -> Result<usize> {
    let known = |size: u64| {
        let right = at.depth == 0 || size == at.size_bytes;
        if right { Ok(()) } else { Err(Error::malformed(&at.cid)(Malformed::ChildSize)) }
    };
    if at.cid.codec() == RAW {
        known(block.len() as u64)?;
        return Ok(copy_overlap(block, at.begin, range, out));
    }
    if at.cid.codec() != DAG_PB {
        return Err(Error::NotAFile(at.cid));
    }
    let (node, data) = decode_unixfs(&at.cid, block)?;
    if !matches!(data.kind, Type::File | Type::Raw) {
        return Err(Error::NotAFile(at.cid));
    }
    known(data.checked_file_size(node.links.len()).map_err(Error::malformed(&at.cid))?)?;
    let mut begin = at.begin + data.data.len() as u64;
    let first = stack.len();
    for (link, &size_bytes) in node.links.iter().zip(&data.block_sizes) {
        if size_bytes > 0 && begin < range.end && begin + size_bytes > range.start {
            stack.push(Visit { cid: link.cid, begin, size_bytes, depth: at.depth + 1 });
        }
        begin += size_bytes;
    }
    stack[first..].reverse();
    Ok(copy_overlap(data.data, at.begin, range, out))
}

fn copy_overlap(bytes: &[u8], begin: u64, range: Range<u64>, out: &mut [u8]) -> usize {
    let end = begin + bytes.len() as u64;
    let (from, to) = (begin.max(range.start), end.min(range.end));
    if from >= to {
        return 0;
    }
    let part = &bytes[(from - begin) as usize..(to - begin) as usize];
    out[..part.len()].copy_from_slice(part);
    part.len()
}
