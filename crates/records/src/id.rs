//! Ids of records: the CID of a header, kept as its digest, because the rest of such a CID is always the same.

use std::fmt;
use std::str::FromStr;

use cid::Cid;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use multihash::Multihash;
use sha2::{Digest, Sha256};

use crate::cbor::{DAG_CBOR, DAG_PB, RAW, SHA2_256};

/// The id of a record: CIDv1, dag-cbor, sha2-256 of its header's bytes. Written in base32 (`bafyrei…`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 32]);

/// A channel is named by its `genesis` header.
pub type ChannelId = RecordId;
/// A claim is named by the header that created it.
pub type ClaimId = RecordId;

/// A text or CID that names no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a record: a CIDv1 in base32, dag-cbor, sha2-256")]
pub struct IdError;

impl RecordId {
    /// The id of the header with these bytes.
    pub fn of(header: &[u8]) -> RecordId {
        RecordId(sha256(header))
    }

    pub fn from_digest(digest: [u8; 32]) -> RecordId {
        RecordId(digest)
    }

    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest in lower-case hex, of which addresses quote a prefix.
    pub fn digest_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    pub fn cid(&self) -> Cid {
        cid_of(DAG_CBOR, &self.0)
    }
}

impl TryFrom<&Cid> for RecordId {
    type Error = IdError;

    fn try_from(cid: &Cid) -> Result<Self, IdError> {
        let right = cid.version() == cid::Version::V1 && cid.codec() == DAG_CBOR && cid.hash().code() == SHA2_256;
        let digest = cid.hash().digest().try_into().map_err(|_| IdError)?;
        if right { Ok(RecordId(digest)) } else { Err(IdError) }
    }
}

impl From<RecordId> for Cid {
    fn from(id: RecordId) -> Cid {
        id.cid()
    }
}

impl FromStr for RecordId {
    type Err = IdError;

    /// Base32 in lower case only, so that an id has one spelling in URLs.
    fn from_str(text: &str) -> Result<Self, IdError> {
        RecordId::try_from(&parse_cid(text).ok_or(IdError)?)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cid().fmt(f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

impl serde::Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A CID that records may hold: version 1, sha2-256, raw, dag-pb or dag-cbor, in lower-case base32.
pub fn parse_cid(text: &str) -> Option<Cid> {
    let digits = text.strip_prefix('b').filter(|digits| !digits.bytes().any(|byte| byte.is_ascii_uppercase()))?;
    let bytes = BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes()).ok()?;
    match bytes.as_slice() {
        [1, codec, 0x12, 0x20, digest @ ..] if matches!(u64::from(*codec), RAW | DAG_PB | DAG_CBOR) => {
            Some(cid_of(u64::from(*codec), digest.try_into().ok()?))
        }
        _ => None,
    }
}

/// The CIDv1 of `bytes` under a codec.
pub fn content_cid(codec: u64, bytes: &[u8]) -> Cid {
    cid_of(codec, &sha256(bytes))
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn cid_of(codec: u64, digest: &[u8; 32]) -> Cid {
    let hash = Multihash::<64>::wrap(SHA2_256, digest).expect("32 bytes fit into 64");
    Cid::new_v1(codec, hash)
}
