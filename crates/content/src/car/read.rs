//! Reading the blocks of a CAR file, one at a time, each checked against its CID.

use std::io::Read;

use bytes::Bytes;
use cid::Cid;

use super::CarError;
use crate::{
    address::{Digest, IDENTITY, SHA2_256, digest_of, sha256},
    dagpb::read_varint,
    data::cbor::{CborItem, cbor_items},
    error::Malformed,
    limits,
};

/// The longest CID, in bytes: 4 varints and 64 bytes of digest, rounded up.
const CID_BYTES: usize = 128;

/// A checked block.
#[derive(Debug, Clone)]
pub struct Block {
    pub cid: Cid,
    pub bytes: Bytes,
    /// The digest, or `None` for identity.
    pub digest: Option<Digest>,
}

/// Reads a CAR file block by block; memory is one block.
pub struct BlockReader<R> {
    source: R,
    offset: u64,
    roots: Vec<Cid>,
}

impl<R: Read> BlockReader<R> {
    /// Reads the header. The reader should be buffered: lengths are read byte by byte.
    pub fn new(source: R) -> Result<Self, CarError> {
        let mut reader = Self { source, offset: 0, roots: Vec::new() };
        reader.roots = reader.header().map_err(|error| match error {
            CarError::Truncated { .. } => CarError::HeaderTruncated { offset: reader.offset },
            // What begins with no length is some other kind of file.
            CarError::Cid { .. } => CarError::Header,
            other => other,
        })?;
        Ok(reader)
    }

    fn header(&mut self) -> Result<Vec<Cid>, CarError> {
        let size_bytes = self.length()?.ok_or(CarError::HeaderTruncated { offset: 0 })?;
        let (offset, mut header) = (self.offset, Vec::new());
        let most_bytes = size_bytes.min(limits::CAR_HEADER_BYTES as u64);
        let read = self.source.by_ref().take(most_bytes).read_to_end(&mut header);
        self.offset += header.len() as u64;
        read.map_err(|source| CarError::Io { offset: self.offset, source })?;
        if !begins_as_header(&header) {
            return Err(CarError::Header);
        }
        match header.len() as u64 {
            length if length < most_bytes => Err(CarError::HeaderTruncated { offset: self.offset }),
            length if length < size_bytes => Err(CarError::HeaderTooLarge { offset, size_bytes }),
            _ => parse_header(&header, offset),
        }
    }

    /// The roots that the header names. Nothing says that their blocks are in the file.
    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// Where in the file the reader is.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next block, or `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Block>, CarError> {
        let offset = self.offset;
        let Some(length) = self.length()? else { return Ok(None) };
        if length > (limits::BLOCK_BYTES + CID_BYTES) as u64 {
            return Err(self.too_large(offset, length));
        }
        let frame = Bytes::from(self.take(length as usize, offset)?);
        let mut rest = &frame[..];
        let cid = Cid::read_bytes(&mut rest).map_err(|_| CarError::Cid { offset })?;
        let bytes = frame.slice_ref(rest);
        if bytes.len() > limits::BLOCK_BYTES {
            return Err(CarError::BlockTooLarge { offset, size_bytes: bytes.len() as u64, cid: Some(Box::new(cid)) });
        }
        let digest = check(&cid, &bytes, offset)?;
        Ok(Some(Block { cid, bytes, digest }))
    }

    /// Reads no more of a block that is too large than its CID.
    fn too_large(&mut self, offset: u64, length: u64) -> CarError {
        let mut head = Vec::new();
        // What can't be read has no CID: that the block is too large is known already.
        let _ = self.source.by_ref().take(CID_BYTES as u64).read_to_end(&mut head);
        let cid = cid_in(&head);
        let size_bytes = length - cid.as_ref().map_or(0, |cid| cid.encoded_len() as u64);
        CarError::BlockTooLarge { offset, size_bytes, cid }
    }

    fn length(&mut self) -> Result<Option<u64>, CarError> {
        let offset = self.offset;
        let mut bytes = Vec::with_capacity(4);
        loop {
            let mut byte = [0];
            match self.source.read(&mut byte) {
                Ok(0) if bytes.is_empty() => return Ok(None),
                Ok(0) => return Err(CarError::Truncated { offset, cid: None }),
                Ok(_) => bytes.push(byte[0]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(CarError::Io { offset: self.offset, source }),
            }
            self.offset += 1;
            if byte[0] & 0x80 == 0 || bytes.len() == 10 {
                let number = read_varint(&bytes).map(|(number, _)| number);
                return number.map(Some).map_err(|_| CarError::Cid { offset });
            }
        }
    }

    /// The bytes of the frame that begins at `frame`.
    fn take(&mut self, length: usize, frame: u64) -> Result<Vec<u8>, CarError> {
        let (mut bytes, mut done) = (vec![0; length], 0);
        while done < length {
            match self.source.read(&mut bytes[done..]) {
                Ok(0) => return Err(CarError::Truncated { offset: frame, cid: cid_in(&bytes[..done]) }),
                Ok(more) => done += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(CarError::Io { offset: self.offset + done as u64, source }),
            }
        }
        self.offset += length as u64;
        Ok(bytes)
    }
}

/// The CID that a frame begins with, as far as it is there.
fn cid_in(mut frame: &[u8]) -> Option<Box<Cid>> {
    Cid::read_bytes(&mut frame).ok().map(Box::new)
}

fn check(cid: &Cid, bytes: &[u8], offset: u64) -> Result<Option<Digest>, CarError> {
    let right = match (cid.hash().code(), digest_of(cid)) {
        (IDENTITY, _) => cid.hash().digest() == bytes,
        (SHA2_256, Some(digest)) => sha256(bytes) == digest,
        _ => return Err(CarError::HashUnsupported { offset, cid: Box::new(*cid) }),
    };
    if right { Ok(digest_of(cid)) } else { Err(CarError::HashMismatch { offset, cid: Box::new(*cid) }) }
}

/// Whether bytes are a header's as far as they go: a map whose first key is one of the two.
fn begins_as_header(header: &[u8]) -> bool {
    let begins = |start: &[u8]| header.iter().zip(start).all(|(one, other)| one == other);
    [&b"\xa2\x65roots"[..], b"\xa2\x67version", b"\xa1\x67version"].into_iter().any(begins)
}

/// Takes `{"roots": [CID…], "version": 1}` apart, its keys in either order.
fn parse_header(header: &[u8], offset: u64) -> Result<Vec<Cid>, CarError> {
    let items = cbor_items(header).map_err(|(reason, at)| match reason {
        Malformed::LinkCid => CarError::HeaderRoot { offset: offset + at as u64 },
        _ => CarError::Header,
    })?;
    let [CborItem::Map(2) | CborItem::Map(1), fields @ ..] = &items[..] else { return Err(CarError::Header) };
    let (mut roots, mut version) = (None, None);
    let mut fields = fields.iter();
    while let Some(key) = fields.next() {
        match (key, fields.next()) {
            (CborItem::Text(b"version"), Some(CborItem::Unsigned(number))) => version = Some(*number),
            (CborItem::Text(b"roots"), Some(CborItem::Array(count))) => {
                let links = fields.by_ref().take(usize::try_from(*count).map_err(|_| CarError::Header)?);
                let links: Option<Vec<Cid>> = links.map(|item| item.link()).collect();
                roots = Some(links.filter(|links| links.len() as u64 == *count).ok_or(CarError::Header)?);
            }
            _ => return Err(CarError::Header),
        }
    }
    match (version, roots) {
        (Some(1), Some(roots)) => Ok(roots),
        (Some(1) | None, _) => Err(CarError::Header),
        (Some(other), _) => Err(CarError::Version(other)),
    }
}
