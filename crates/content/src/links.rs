//! The CIDs that a block links to, in order: for dag-pb, DAG-CBOR and DAG-JSON; other codecs have none that are followed.

use cid::Cid;

use crate::{address::DAG_PB, dagpb, data, error::Malformed};

/// All links of a block.
pub(crate) fn links_of(cid: &Cid, block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    if cid.codec() == DAG_PB {
        return Ok(dagpb::decode(block)?.links.into_iter().map(|link| link.cid).collect());
    }
    Ok(data::links(cid, block)?.unwrap_or_default())
}

/// The links of a block of DAG-CBOR or DAG-JSON, in order; none for other codecs.
///
/// # Errors
/// A [`Malformed`] that says what is wrong with the block.
pub fn links_of_data(cid: &Cid, block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    Ok(data::links(cid, block)?.unwrap_or_default())
}
