//! UnixFS: what a dag-pb node's data says about a file or a directory.
//!
//! Written: files (`Type`, `filesize`, unpacked `blocksizes`), directories and their shards, symbolic links. Read: all types; fields
//! that aren't needed (mode, mtime) are skipped.

use crate::{
    dagpb::{Fields, Value, push_varint, read_varint},
    error::Malformed,
};

/// A node's UnixFS type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Raw,
    Directory,
    File,
    Symlink,
    HamtShard,
}

/// A node's UnixFS data; it borrows from the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnixFs<'a> {
    pub(crate) kind: Type,
    pub(crate) data: &'a [u8],
    pub(crate) file_size: Option<u64>,
    pub(crate) block_sizes: Vec<u64>,
    /// Of a shard: what places names in it.
    pub(crate) hash_type: Option<u64>,
    /// Of a shard: how many slots it has.
    pub(crate) fanout: Option<u64>,
}

impl<'a> UnixFs<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (mut kind, mut data, mut file_size, mut block_sizes) = (None, &bytes[..0], None, Vec::new());
        let (mut hash_type, mut fanout) = (None, None);
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Number(number)) => kind = Some(type_of(number)?),
                (2, Value::Bytes(bytes)) => data = bytes,
                (3, Value::Number(size)) => file_size = Some(size),
                (4, Value::Number(size)) => block_sizes.push(size),
                (4, Value::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        let (size, rest) = read_varint(packed)?;
                        block_sizes.push(size);
                        packed = rest;
                    }
                }
                (5, Value::Number(code)) => hash_type = Some(code),
                (6, Value::Number(slots)) => fanout = Some(slots),
                (1..=6, _) => return Err(Malformed::UnknownField),
                _ => {}
            }
        }
        Ok(Self { kind: kind.ok_or(Malformed::NoUnixFs)?, data, file_size, block_sizes, hash_type, fanout })
    }

    /// The size of a file, checked: data and children must add up to it.
    pub(crate) fn checked_file_size(&self, links: usize) -> Result<u64, Malformed> {
        if self.block_sizes.len() != links {
            return Err(Malformed::Sizes);
        }
        let sum = self.block_sizes.iter().try_fold(self.data.len() as u64, |sum, size| sum.checked_add(*size));
        match (sum, self.file_size) {
            (Some(sum), Some(size)) if sum == size => Ok(sum),
            (Some(sum), None) => Ok(sum),
            _ => Err(Malformed::Sizes),
        }
    }
}

fn type_of(number: u64) -> Result<Type, Malformed> {
    Ok(match number {
        0 => Type::Raw,
        1 => Type::Directory,
        2 => Type::File,
        4 => Type::Symlink,
        5 => Type::HamtShard,
        _ => return Err(Malformed::UnixFsType),
    })
}

/// The data of a basic directory.
pub(crate) const DIRECTORY: [u8; 2] = [0x08, 0x01];

/// The data of a file whose bytes are all in its children.
pub(crate) fn file_data(block_sizes: impl Iterator<Item = u64>) -> Vec<u8> {
    let (mut out, mut blocks, mut total) = (vec![0x08, 0x02, 0x18], Vec::new(), 0);
    for size in block_sizes {
        total += size;
        blocks.push(0x20);
        push_varint(&mut blocks, size);
    }
    push_varint(&mut out, total);
    out.extend_from_slice(&blocks);
    out
}

/// The data of a symbolic link.
pub(crate) fn symlink_data(target: &[u8]) -> Vec<u8> {
    let mut out = vec![0x08, 0x04, 0x12];
    push_varint(&mut out, target.len() as u64);
    out.extend_from_slice(target);
    out
}

/// The data of a shard: `slots` is a number whose bit n says that slot n is taken; leading zeros aren't written.
pub(crate) fn shard_data(slots: &[u8], hash_type: u64, fanout: u64) -> Vec<u8> {
    let first = slots.iter().position(|byte| *byte != 0).unwrap_or(slots.len());
    let mut out = vec![0x08, 0x05, 0x12];
    push_varint(&mut out, (slots.len() - first) as u64);
    out.extend_from_slice(&slots[first..]);
    for (tag, number) in [(0x28, hash_type), (0x30, fanout)] {
        out.push(tag);
        push_varint(&mut out, number);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_sizes_may_be_packed_or_not_and_unknown_fields_are_skipped() {
        let unpacked = file_data([300, 5].into_iter());
        let packed = [&[0x08, 2, 0x18, 0xb1, 2, 0x22, 3, 0xac, 2, 5][..], &[0x38, 0xa4, 3, 0x42, 2, 8, 1]].concat();
        let (file_size, block_sizes) = (Some(305), vec![300, 5]);
        let expected = UnixFs { kind: Type::File, data: &[], file_size, block_sizes, hash_type: None, fanout: None };
        assert_eq!(UnixFs::decode(&unpacked), Ok(expected.clone()));
        assert_eq!(UnixFs::decode(&packed), Ok(expected.clone()), "with mode and mtime");
        assert_eq!(expected.checked_file_size(2), Ok(305));
        assert_eq!(expected.checked_file_size(3), Err(Malformed::Sizes));
        assert_eq!(UnixFs::decode(&[0x12, 0]), Err(Malformed::NoUnixFs));
        assert_eq!(UnixFs::decode(&[0x08, 9]), Err(Malformed::UnixFsType));
    }
}
