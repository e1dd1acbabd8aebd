//! Reading canonical DAG-CBOR from hostile bytes: strict, bounded, and never allocating more than the input is long.

use std::cmp::Ordering;

use cid::Cid;

use super::{DAG_CBOR, DAG_PB, MAX_INT, RAW, Value, key_order};

/// How much a reader accepts, checked before anything is built.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: usize,
    /// Lists and maps inside one another; a plain value has depth 0.
    pub depth: usize,
    /// Values in all, keys not counted.
    pub values: usize,
}

/// Why bytes aren't a canonical value: one name for each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    #[error("the bytes are longer than allowed here")]
    TooLarge,
    #[error("lists and maps are nested too deeply")]
    TooDeep,
    #[error("there are too many values")]
    TooManyValues,
    #[error("the bytes end in the middle of a value")]
    Truncated,
    #[error("bytes follow the value")]
    Trailing,
    #[error("a number or length isn't in its shortest form")]
    NotShortest,
    #[error("indefinite lengths aren't canonical")]
    Indefinite,
    #[error("floating-point numbers have no place in a record")]
    Float,
    #[error("a simple value other than false, true and null")]
    SimpleUnknown,
    #[error("an integer beyond 2^53 - 1")]
    IntTooLarge,
    #[error("a text isn't UTF-8")]
    TextNotUtf8,
    #[error("a map key isn't text")]
    KeyNotText,
    #[error("map keys aren't in canonical order")]
    KeyOrder,
    #[error("a map key occurs twice")]
    KeyTwice,
    #[error("a tag other than 42")]
    TagUnknown,
    #[error("a link isn't a CIDv1 with sha2-256 over raw, dag-pb or dag-cbor")]
    LinkWrong,
}

impl CborError {
    /// A stable word for tests and logs.
    pub fn name(self) -> &'static str {
        match self {
            CborError::TooLarge => "cbor_too_large",
            CborError::TooDeep => "cbor_too_deep",
            CborError::TooManyValues => "cbor_too_many_values",
            CborError::Truncated => "cbor_truncated",
            CborError::Trailing => "cbor_trailing",
            CborError::NotShortest => "cbor_not_shortest",
            CborError::Indefinite => "cbor_indefinite",
            CborError::Float => "cbor_float",
            CborError::SimpleUnknown => "cbor_simple_unknown",
            CborError::IntTooLarge => "cbor_int_too_large",
            CborError::TextNotUtf8 => "cbor_text_not_utf8",
            CborError::KeyNotText => "cbor_key_not_text",
            CborError::KeyOrder => "cbor_key_order",
            CborError::KeyTwice => "cbor_key_twice",
            CborError::TagUnknown => "cbor_tag_unknown",
            CborError::LinkWrong => "cbor_link_wrong",
        }
    }
}

/// The one value in `bytes`, if they are its canonical form and within `limits`.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Value, CborError> {
    if bytes.len() > limits.bytes {
        return Err(CborError::TooLarge);
    }
    let mut reader = Reader { rest: bytes, values_left: limits.values };
    let value = reader.value(limits.depth)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(CborError::Trailing) }
}

struct Reader<'a> {
    rest: &'a [u8],
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth_left: usize) -> Result<Value, CborError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(CborError::TooManyValues)?;
        let (major, argument) = self.head()?;
        match major {
            0 => Ok(Value::Int(int(argument)?)),
            // -1 - argument: the same bound on both sides.
            1 => Ok(Value::Int(-int(argument.checked_add(1).ok_or(CborError::IntTooLarge)?)?)),
            2 => Ok(Value::Bytes(self.take(argument)?.to_vec())),
            3 => Ok(Value::Text(self.text(argument)?)),
            4 => self.list(argument, depth_left),
            5 => self.map(argument, depth_left),
            6 if argument == 42 => self.link(),
            6 => Err(CborError::TagUnknown),
            _ => match argument {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                _ => Err(CborError::SimpleUnknown),
            },
        }
    }

    /// Major type and argument; floats, indefinite lengths and long forms are refused here.
    fn head(&mut self) -> Result<(u8, u64), CborError> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 31);
        if major == 7 && matches!(info, 25..=27) {
            return Err(CborError::Float);
        }
        let (argument, least) = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => (self.number(1)?, if major == 7 { 32 } else { 24 }),
            25 => (self.number(2)?, 0x100),
            26 => (self.number(4)?, 0x1_0000),
            27 => (self.number(8)?, 0x1_0000_0000),
            31 => return Err(CborError::Indefinite),
            _ => return Err(CborError::SimpleUnknown),
        };
        if argument < least { Err(CborError::NotShortest) } else { Ok((major, argument)) }
    }

    fn number(&mut self, length: u64) -> Result<u64, CborError> {
        Ok(self.take(length)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn text(&mut self, length: u64) -> Result<String, CborError> {
        let bytes = self.take(length)?;
        Ok(std::str::from_utf8(bytes).map_err(|_| CborError::TextNotUtf8)?.to_owned())
    }

    fn list(&mut self, length: u64, depth_left: usize) -> Result<Value, CborError> {
        let depth_left = depth_left.checked_sub(1).ok_or(CborError::TooDeep)?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(self.value(depth_left)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, length: u64, depth_left: usize) -> Result<Value, CborError> {
        let depth_left = depth_left.checked_sub(1).ok_or(CborError::TooDeep)?;
        let mut entries: Vec<(String, Value)> = Vec::new();
        for _ in 0..length {
            let (major, argument) = self.head()?;
            if major != 3 {
                return Err(CborError::KeyNotText);
            }
            let key = self.text(argument)?;
            match entries.last().map(|(last, _)| key_order(last, &key)) {
                Some(Ordering::Equal) => return Err(CborError::KeyTwice),
                Some(Ordering::Greater) => return Err(CborError::KeyOrder),
                Some(Ordering::Less) | None => entries.push((key, self.value(depth_left)?)),
            }
        }
        Ok(Value::Map(entries))
    }

    fn link(&mut self) -> Result<Value, CborError> {
        let (major, length) = self.head()?;
        if major != 2 {
            return Err(CborError::LinkWrong);
        }
        match self.take(length)? {
            // The identity prefix, version 1, one-byte codec, sha2-256, 32 bytes: so there is only one spelling.
            bytes @ [0, 1, codec, 0x12, 0x20, ..]
                if bytes.len() == 37 && matches!(u64::from(*codec), RAW | DAG_PB | DAG_CBOR) =>
            {
                Cid::try_from(&bytes[1..]).map(Value::Link).map_err(|_| CborError::LinkWrong)
            }
            _ => Err(CborError::LinkWrong),
        }
    }
}

fn int(argument: u64) -> Result<i64, CborError> {
    i64::try_from(argument).ok().filter(|value| *value <= MAX_INT).ok_or(CborError::IntTooLarge)
}
