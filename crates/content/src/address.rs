//! Digests and CIDs: the few combinations this node makes, and those it takes.

use cid::{Cid, Version};
use multihash::Multihash;
use sha2::{Digest as _, Sha256};

/// The codec of plain bytes.
pub const RAW: u64 = 0x55;
/// The codec of UnixFS files of several blocks, and of directories.
pub const DAG_PB: u64 = 0x70;
/// The codec of signed records.
pub const DAG_CBOR: u64 = 0x71;
/// The codec of JSON with links.
pub const DAG_JSON: u64 = 0x0129;
/// The multihash code of SHA-256.
pub(crate) const SHA2_256: u64 = 0x12;
/// The multihash code of data that is its own hash.
pub(crate) const IDENTITY: u64 = 0x00;

/// A SHA-256 digest: what the index is keyed by, so that CID versions and codecs don't matter to it.
pub type Digest = [u8; 32];

/// A CID in 40 bytes instead of 96, for lists of many; those that no file of ours has take more.
pub(crate) enum PackedCid {
    V0(Digest),
    V1 { codec: u32, digest: Digest },
    Other(Box<Cid>),
}

impl From<Cid> for PackedCid {
    fn from(cid: Cid) -> Self {
        match (digest_of(&cid), cid.version(), u32::try_from(cid.codec())) {
            (Some(digest), Version::V0, _) => Self::V0(digest),
            (Some(digest), Version::V1, Ok(codec)) => Self::V1 { codec, digest },
            _ => Self::Other(Box::new(cid)),
        }
    }
}

impl From<PackedCid> for Cid {
    fn from(packed: PackedCid) -> Self {
        match packed {
            PackedCid::V0(digest) => Cid::new_v0(multihash_of(digest)).expect("a SHA-256 hash makes a CIDv0"),
            PackedCid::V1 { codec, digest } => Cid::new_v1(codec.into(), multihash_of(digest)),
            PackedCid::Other(cid) => *cid,
        }
    }
}

/// Hashes bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The CIDv1 of a raw block with this digest.
pub fn raw_cid(digest: Digest) -> Cid {
    Cid::new_v1(RAW, multihash_of(digest))
}

/// The CIDv1 of a dag-pb block with this digest.
pub fn dag_pb_cid(digest: Digest) -> Cid {
    Cid::new_v1(DAG_PB, multihash_of(digest))
}

/// The SHA-256 digest in a CID, or `None` if the CID has another hash function.
pub fn digest_of(cid: &Cid) -> Option<Digest> {
    match cid.hash().code() {
        SHA2_256 => cid.hash().digest().try_into().ok(),
        _ => None,
    }
}

/// Parses a CID from text: CIDv0, or CIDv1 in any multibase.
pub fn parse_cid(text: &str) -> Option<Cid> {
    text.parse().ok()
}

/// The data of an identity CID, which carries its block in itself.
pub(crate) fn identity_data(cid: &Cid) -> Option<&[u8]> {
    (cid.hash().code() == IDENTITY).then(|| cid.hash().digest())
}

fn multihash_of(digest: Digest) -> Multihash<64> {
    Multihash::wrap(SHA2_256, &digest).expect("32 bytes fit into 64")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_packed_cid_is_the_same(
            digest in any::<Digest>(),
            codec in any::<u64>(),
            (code, bytes) in (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..=64)),
        ) {
            let hash = multihash_of(digest);
            let other = Multihash::wrap(code, &bytes).unwrap();
            for cid in [Cid::new_v0(hash).unwrap(), Cid::new_v1(DAG_PB, hash), Cid::new_v1(codec, hash), Cid::new_v1(codec, other)] {
                prop_assert_eq!(Cid::from(PackedCid::from(cid)), cid);
            }
        }
    }
}
