//! Canonical DAG-CBOR, the part of it that records use: what decodes here re-encodes to the same bytes.
//!
//! Values are null, booleans, integers within ±(2^53 - 1), bytes, text, lists, maps with text keys, and links (tag 42).
//! Left out on purpose: floats, every other tag, `undefined`, indefinite lengths, and links to anything but CIDv1 with
//! sha2-256 over raw, dag-pb or dag-cbor. A float in a record is refused, not rounded.

mod decode;
mod encode;

pub use decode::{CborError, Limits, decode};
pub use encode::encode;

use cid::Cid;

/// The largest integer that JavaScript, JSON and we agree on.
pub const MAX_INT: i64 = (1 << 53) - 1;

/// Multicodec of dag-cbor.
pub const DAG_CBOR: u64 = 0x71;
/// Multicodec of dag-pb.
pub const DAG_PB: u64 = 0x70;
/// Multicodec of raw bytes.
pub const RAW: u64 = 0x55;
/// Multihash code of sha2-256.
pub const SHA2_256: u64 = 0x12;

/// A decoded value. Keys of a map may stand in any order here: [`encode`] sorts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    /// Within ±[`MAX_INT`].
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
    Link(Cid),
}

impl Value {
    /// An unsigned integer. Values over [`MAX_INT`] are refused when the bytes are read back.
    pub fn uint(value: u64) -> Value {
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub fn text(value: impl Into<String>) -> Value {
        Value::Text(value.into())
    }

    pub fn bytes(value: &[u8]) -> Value {
        Value::Bytes(value.to_vec())
    }
}

/// Canonical order of map keys: shorter first, then by bytes.
fn key_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}
