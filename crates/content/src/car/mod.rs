//! CAR version 1: a header that names roots, then blocks, each with its length and CID.
//! <https://ipld.io/specs/transport/car/carv1/>
//!
//! Reading checks each block against its CID and within [`crate::limits`]; an error names the offset and the CID.

mod entity;
mod read;

pub use entity::{EntityBytes, EntityBytesError};
pub use read::{Block, BlockReader};

use cid::Cid;
use multihash::Multihash;

use crate::{
    Malformed,
    address::{IDENTITY, RAW},
    dagpb::push_varint,
};

/// Why a CAR file cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarError {
    #[error("this is not a CAR file: it doesn't begin with the header of one")]
    Header,
    /// It begins as one; `offset` is where it ends.
    #[error("the CAR file ends in the middle of its header, at byte {offset}")]
    HeaderTruncated { offset: u64 },
    /// `offset` is where it begins.
    #[error(
        "the header of the CAR file, at byte {offset}, has {size_bytes} bytes; headers may have at most {}",
        crate::limits::CAR_HEADER_BYTES
    )]
    HeaderTooLarge { offset: u64, size_bytes: u64 },
    /// `offset` is where the link to it begins.
    #[error(
        "the header of the CAR file names a root, at byte {offset}, that is no CID, or that holds more than 64 bytes itself"
    )]
    HeaderRoot { offset: u64 },
    #[error("this is a CAR file of version {0}; only version 1 is read")]
    Version(u64),
    /// `offset` is where the block begins; its CID is known if the file goes on for so long.
    #[error("the CAR file ends in the middle of a block{}, which begins at byte {offset}", named(.cid))]
    Truncated { offset: u64, cid: Option<Box<Cid>> },
    #[error("the CAR file has no valid CID at byte {offset}, or one that holds more than 64 bytes itself")]
    Cid { offset: u64 },
    #[error(
        "the CAR file has a block{} of {size_bytes} bytes at byte {offset}; blocks may have at most {}",
        named(.cid), crate::limits::BLOCK_BYTES
    )]
    BlockTooLarge { offset: u64, size_bytes: u64, cid: Option<Box<Cid>> },
    #[error("the bytes of block {cid} in the CAR file, at byte {offset}, have another hash")]
    HashMismatch { offset: u64, cid: Box<Cid> },
    #[error(
        "block {cid} in the CAR file, at byte {offset}, uses a hash function that is not accepted: only sha2-256 and identity are"
    )]
    HashUnsupported { offset: u64, cid: Box<Cid> },
    #[error("block {cid} in the CAR file, at byte {offset}, is led to by none of its roots")]
    Unasked { offset: u64, cid: Box<Cid> },
    #[error("block {cid} in the CAR file, at byte {offset}, is malformed: {reason}")]
    Malformed { offset: u64, cid: Box<Cid>, reason: Malformed },
    #[error("block {cid} in the CAR file, at byte {offset}, was erased here, so its bytes are not taken again")]
    Erased { offset: u64, cid: Box<Cid> },
    #[error("could not read the CAR file at byte {offset}: {source}")]
    Io { offset: u64, source: std::io::Error },
}

/// The CID of a block, after the word for it, if it is known.
fn named(cid: &Option<Box<Cid>>) -> String {
    cid.as_ref().map(|cid| format!(" {cid}")).unwrap_or_default()
}

/// The header of a CAR file with these roots, its length included.
pub fn header(roots: &[Cid]) -> Vec<u8> {
    // DAG-CBOR {"roots": [CID…], "version": 1}: keys in the order of their length.
    let mut body = vec![0xa2, 0x65];
    body.extend_from_slice(b"roots");
    push_cbor_head(&mut body, 4, roots.len() as u64);
    for root in roots {
        let bytes = root.to_bytes();
        body.extend_from_slice(&[0xd8, 0x2a]);
        push_cbor_head(&mut body, 2, bytes.len() as u64 + 1);
        body.push(0);
        body.extend_from_slice(&bytes);
    }
    body.push(0x67);
    body.extend_from_slice(b"version");
    body.push(1);
    framed(&[&body])
}

/// A block as it stands in a CAR file, its length included.
pub fn frame(cid: &Cid, block: &[u8]) -> Vec<u8> {
    framed(&[&cid.to_bytes(), block])
}

/// What stands before a block's bytes.
pub fn frame_head(cid: &Cid, block_bytes: usize) -> Vec<u8> {
    let cid = cid.to_bytes();
    let mut out = Vec::with_capacity(cid.len() + 10);
    push_varint(&mut out, (cid.len() + block_bytes) as u64);
    out.extend_from_slice(&cid);
    out
}

/// The root of a file about what isn't there: the empty identity CID, `bafkqaaa`.
pub fn no_root() -> Cid {
    let nothing = Multihash::wrap(IDENTITY, &[]).expect("nothing fits into 64 bytes");
    Cid::new_v1(RAW, nothing)
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 10);
    push_varint(&mut out, length as u64);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

fn push_cbor_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    match argument {
        0..24 => out.push(major << 5 | argument as u8),
        24..256 => out.extend_from_slice(&[major << 5 | 24, argument as u8]),
        256..65_536 => {
            out.push(major << 5 | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        _ => {
            out.push(major << 5 | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}
