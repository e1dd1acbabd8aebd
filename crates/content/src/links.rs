//! The CIDs that a block links to, in order: for dag-pb, DAG-CBOR and DAG-JSON; other codecs have none that are followed.

use cid::Cid;

use crate::{address::DAG_PB, dagpb, data, error::Malformed};

/// All links of a block.
pub(crate) fn links_of(cid: &Cid, block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    let mut links = Vec::new();
    each_link(cid, block, |link| links.push(link))?;
    Ok(links)
}

/// The same for whoever keeps them otherwise. Some are told before an error.
pub(crate) fn each_link(cid: &Cid, block: &[u8], mut on_link: impl FnMut(Cid)) -> Result<(), Malformed> {
    if cid.codec() == DAG_PB {
        return dagpb::each_link(block, |link| on_link(link.cid)).map(drop);
    }
    data::links(cid, block)?.unwrap_or_default().into_iter().for_each(on_link);
    Ok(())
}

/// The links of a block of DAG-CBOR or DAG-JSON, in order; none for other codecs.
///
/// # Errors
/// A [`Malformed`] that says what is wrong with the block.
pub fn links_of_data(cid: &Cid, block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    Ok(data::links(cid, block)?.unwrap_or_default())
}
