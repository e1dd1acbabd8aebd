//! The CIDs that a block links to, in order: for dag-pb and DAG-CBOR; other codecs have none that are followed.

use cid::Cid;

use crate::{
    address::{DAG_CBOR, DAG_PB},
    dagpb,
    error::Malformed,
    limits,
};

/// All links of a block.
pub(crate) fn links_of(cid: &Cid, block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    match cid.codec() {
        DAG_PB => Ok(dagpb::decode(block)?.links.into_iter().map(|link| link.cid).collect()),
        DAG_CBOR => {
            let (items, rest) = cbor_items(block)?;
            if !rest.is_empty() {
                return Err(Malformed::DagCbor);
            }
            Ok(items.iter().filter_map(CborItem::link).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// An item of DAG-CBOR, nested ones following the array or map that they are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CborItem<'a> {
    Unsigned(u64),
    /// Negative numbers, byte strings, floats, booleans, null: nothing that is needed here.
    Other,
    Text(&'a [u8]),
    Array(u64),
    /// How many pairs of key and value follow.
    Map(u64),
    Link(Box<Cid>),
}

impl CborItem<'_> {
    pub(crate) fn link(&self) -> Option<Cid> {
        match self {
            Self::Link(cid) => Some(**cid),
            _ => None,
        }
    }
}

/// Splits one value into its items and what follows it: a flat loop with a count of open items, so that nesting
/// costs no stack.
pub(crate) fn cbor_items(mut rest: &[u8]) -> Result<(Vec<CborItem<'_>>, &[u8]), Malformed> {
    let mut items = Vec::new();
    let mut open: Vec<u64> = vec![1];
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        let (major, argument, after) = cbor_head(rest)?;
        rest = after;
        items.push(match major {
            0 => CborItem::Unsigned(argument),
            2 => take(&mut rest, argument).map(|_| CborItem::Other)?,
            3 => CborItem::Text(take(&mut rest, argument)?),
            4 => {
                open.push(argument);
                CborItem::Array(argument)
            }
            5 => {
                open.push(argument.checked_mul(2).ok_or(Malformed::DagCbor)?);
                CborItem::Map(argument)
            }
            6 => {
                let (2, length, after) = cbor_head(rest)? else { return Err(Malformed::DagCbor) };
                rest = after;
                let [0, cid @ ..] = take(&mut rest, length)? else { return Err(Malformed::DagCbor) };
                CborItem::Link(Box::new(Cid::try_from(cid).map_err(|_| Malformed::LinkCid)?))
            }
            _ => CborItem::Other,
        });
        if open.len() > limits::DEPTH * 4 {
            return Err(Malformed::TooDeep);
        }
    }
    Ok((items, rest))
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(length).map_err(|_| Malformed::DagCbor)?;
    let (taken, after) = rest.split_at_checked(length).ok_or(Malformed::DagCbor)?;
    *rest = after;
    Ok(taken)
}

/// Major type, argument, and what follows. Tags other than 42 aren't DAG-CBOR.
fn cbor_head(bytes: &[u8]) -> Result<(u8, u64, &[u8]), Malformed> {
    let (first, rest) = bytes.split_first().ok_or(Malformed::DagCbor)?;
    let (major, low) = (first >> 5, first & 31);
    let width = match low {
        0..=23 => 0,
        24..=27 => 1 << (low - 24),
        _ => return Err(Malformed::DagCbor),
    };
    let (argument, rest) = rest.split_at_checked(width).ok_or(Malformed::DagCbor)?;
    let argument = match width {
        0 => u64::from(low),
        _ => argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
    };
    if major == 6 && argument != 42 { Err(Malformed::DagCbor) } else { Ok((major, argument, rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dag_cbor_is_refused() {
        let cases: [&[u8]; 8] = [
            &[],
            &[0x82, 1],             // an item is missing
            &[1, 1],                // an item too many
            &[0x62, b'a'],          // a text that ends early
            &[0x9f, 0xff],          // indefinite length
            &[0xc1, 1],             // a tag other than 42
            &[0xd8, 0x2a, 0x41, 1], // a link without its leading zero
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for bytes in cases {
            let whole = cbor_items(bytes).is_ok_and(|(_, rest)| rest.is_empty());
            assert!(!whole, "{bytes:?}");
        }
        let claim = [0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(cbor_items(&claim), Err(Malformed::DagCbor), "a long array costs only what is there");
    }
}
