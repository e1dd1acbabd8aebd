//! The dag-pb codec: nodes of links and data, as in <https://ipld.io/specs/codecs/dag-pb/spec/>.
//!
//! Encoding is canonical: links come before data, and each link has hash, name (present, maybe empty) and Tsize.
//! Decoding takes what the specification's decoders take: data before links too, but no unknown fields.

use cid::Cid;

use crate::error::Malformed;

/// A decoded node; it borrows from the block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PbNode<'a> {
    pub links: Vec<PbLink<'a>>,
    pub data: Option<&'a [u8]>,
}

/// A link of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbLink<'a> {
    pub cid: Cid,
    pub name: Option<&'a str>,
    pub tsize: Option<u64>,
}

/// Appends one link to a node's bytes. Links come before [`push_data`].
pub fn push_link(out: &mut Vec<u8>, cid: &Cid, name: &str, tsize: u64) {
    out.push(0x12);
    push_varint(out, link_body_bytes(cid, name, tsize) as u64);
    push_bytes(out, 0x0a, &cid.to_bytes());
    push_bytes(out, 0x12, name.as_bytes());
    out.push(0x18);
    push_varint(out, tsize);
}

/// How many bytes [`push_link`] appends.
pub(crate) fn link_bytes(cid: &Cid, name: &str, tsize: u64) -> usize {
    let body = link_body_bytes(cid, name, tsize);
    1 + varint_bytes(body as u64) + body
}

fn link_body_bytes(cid: &Cid, name: &str, tsize: u64) -> usize {
    let field = |bytes: usize| 1 + varint_bytes(bytes as u64) + bytes;
    field(cid.encoded_len()) + field(name.len()) + 1 + varint_bytes(tsize)
}

/// Appends the node's data.
pub fn push_data(out: &mut Vec<u8>, data: &[u8]) {
    push_bytes(out, 0x0a, data);
}

pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn push_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Decodes a block.
pub fn decode(block: &[u8]) -> Result<PbNode<'_>, Malformed> {
    let mut links = Vec::new();
    let data = each_link(block, |link| links.push(link))?;
    Ok(PbNode { links, data })
}

/// Decodes a block whose links needn't be in memory together, and gives its data.
pub(crate) fn each_link<'a>(
    block: &'a [u8],
    mut on_link: impl FnMut(PbLink<'a>),
) -> Result<Option<&'a [u8]>, Malformed> {
    let (mut data, mut has_links, mut links_ended) = (None, false, false);
    let mut fields = Fields(block);
    while let Some(field) = fields.next()? {
        match field {
            (2, Value::Bytes(link)) if !links_ended => {
                on_link(RawLink::parse(link)?.decode()?);
                has_links = true;
            }
            (2, Value::Bytes(_)) => return Err(Malformed::LinksTwice),
            (1, Value::Bytes(_)) if data.is_some() => return Err(Malformed::DataTwice),
            (1, Value::Bytes(bytes)) => {
                data = Some(bytes);
                links_ended = has_links;
            }
            _ => return Err(Malformed::UnknownField),
        }
    }
    Ok(data)
}

/// Reads the next link behind `at`, and moves `at` behind it: for blocks that were looked through before.
pub(crate) fn next_link<'a>(block: &'a [u8], at: &mut usize) -> Result<Option<PbLink<'a>>, Malformed> {
    let mut fields = Fields(block.get(*at..).unwrap_or_default());
    while let Some(field) = fields.next()? {
        *at = block.len() - fields.0.len();
        if let (2, Value::Bytes(link)) = field {
            return RawLink::parse(link)?.decode().map(Some);
        }
    }
    Ok(None)
}

/// Finds the first link whose name is wanted, decoding no other, and the node's data: for directories of many entries.
pub(crate) fn find_link<'a>(
    block: &'a [u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<(Option<PbLink<'a>>, Option<&'a [u8]>), Malformed> {
    let (mut found, mut data) = (None, None);
    let mut fields = Fields(block);
    while let Some(field) = fields.next()? {
        match field {
            (2, Value::Bytes(body)) if found.is_none() => {
                let link = RawLink::parse(body)?;
                if wanted(link.name.unwrap_or_default()) {
                    found = Some(link.decode()?);
                }
            }
            (2, Value::Bytes(_)) => {}
            (1, Value::Bytes(bytes)) if data.is_none() => data = Some(bytes),
            _ => return Err(Malformed::UnknownField),
        }
    }
    Ok((found, data))
}

/// A link whose fields are told apart but not yet looked into.
struct RawLink<'a> {
    hash: &'a [u8],
    name: Option<&'a [u8]>,
    tsize: Option<u64>,
}

impl<'a> RawLink<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (mut hash, mut name, mut tsize) = (None, None, None);
        let mut fields = Fields(body);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) if hash.is_none() && name.is_none() && tsize.is_none() => hash = Some(bytes),
                (2, Value::Bytes(text)) if name.is_none() && tsize.is_none() => name = Some(text),
                (3, Value::Number(size)) if tsize.is_none() => tsize = Some(size),
                (1..=3, _) => return Err(Malformed::LinkFields),
                _ => return Err(Malformed::UnknownField),
            }
        }
        Ok(Self { hash: hash.ok_or(Malformed::LinkFields)?, name, tsize })
    }

    fn decode(self) -> Result<PbLink<'a>, Malformed> {
        let name = self.name.map(std::str::from_utf8).transpose().map_err(|_| Malformed::NameNotUtf8)?;
        let cid = Cid::try_from(self.hash).map_err(|_| Malformed::LinkCid)?;
        Ok(PbLink { cid, name, tsize: self.tsize })
    }
}

/// A field's value: the two wire types that dag-pb and UnixFS use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A fixed-width field, which only unknown fields of UnixFS have.
    Fixed,
}

/// The fields of a protobuf message, one after the other.
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| Malformed::Truncated)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(Malformed::UnknownField),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let (value, rest) = read_varint(self.0)?;
        self.0 = rest;
        Ok(value)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Reads a varint of at most 64 bits.
pub(crate) fn read_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        if index == 9 && *byte > 1 {
            return Err(Malformed::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < 10 { Malformed::Truncated } else { Malformed::Varint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        for value in (0..64).map(|bits| 1u64 << bits).flat_map(|edge| [edge - 1, edge]).chain([u64::MAX]) {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_bytes(value));
            assert_eq!(read_varint(&bytes), Ok((value, &[][..])));
            assert_eq!(read_varint(&bytes[..bytes.len() - 1]), Err(Malformed::Truncated));
        }
        assert_eq!(read_varint(&[0xff; 10]), Err(Malformed::Varint), "more than 64 bits");
    }

    #[test]
    fn what_is_no_node_is_refused_by_name() {
        let cases: [(&[u8], Malformed); 7] = [
            (&[0x0a], Malformed::Truncated),
            (&[0x0a, 5, 1], Malformed::Truncated),
            (&[0x1a, 0], Malformed::UnknownField),
            (&[0x0a, 0, 0x0a, 0], Malformed::DataTwice),
            (&[0x12, 0], Malformed::LinkFields),
            (&[0x12, 4, 0x0a, 2, 0xff, 0xff], Malformed::LinkCid),
            (&[0x12, 2, 0x22, 0], Malformed::UnknownField),
        ];
        for (block, reason) in cases {
            assert_eq!(decode(block), Err(reason), "{block:?}");
        }
        assert_eq!(decode(&[]), Ok(PbNode::default()), "an empty block is an empty node");
    }

    #[test]
    fn a_link_is_found_by_its_whole_name() {
        let [one, two] = [b"1", b"2"].map(|content| crate::raw_cid(crate::sha256(content)));
        let mut block = Vec::new();
        push_link(&mut block, &one, "a", 1);
        push_link(&mut block, &two, "ab", 2);
        push_data(&mut block, b"data");
        for (name, cid) in [("a", Some(one)), ("ab", Some(two)), ("b", None), ("", None)] {
            let (link, data) = find_link(&block, |found| found == name.as_bytes()).unwrap();
            assert_eq!((link.map(|link| link.cid), data), (cid, Some(&b"data"[..])), "{name}");
        }
    }
}
