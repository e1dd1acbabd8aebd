//! DAG-CBOR's items, one after the other. <https://ipld.io/specs/codecs/dag-cbor/spec/>

use cid::Cid;

use super::{Met, place_in_list};
use crate::{error::Malformed, limits};

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

/// Splits one value into its items. Each item costs 24 bytes: for short input.
///
/// # Errors
/// What is wrong, and the offset of the item that it is wrong with, or of what follows the value.
pub(crate) fn cbor_items(bytes: &[u8]) -> Result<Vec<CborItem<'_>>, (Malformed, usize)> {
    let (mut items, mut cursor) = (Vec::new(), Cursor(bytes));
    match each_item(&mut cursor, |item| items.push(item)) {
        Ok(()) if cursor.0.is_empty() => Ok(items),
        wrong => Err((wrong.err().unwrap_or(Malformed::DagCbor), bytes.len() - cursor.0.len())),
    }
}

pub(super) fn links(block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    let mut links = Vec::new();
    let mut cursor = Cursor(block);
    each_item(&mut cursor, |item| links.extend(item.link()))?;
    if cursor.0.is_empty() { Ok(links) } else { Err(Malformed::DagCbor) }
}

/// Visits the items of one value: a flat loop with a count of open items, so that nesting costs no stack. The cursor ends
/// behind the value, or before the item that is wrong.
fn each_item<'a>(cursor: &mut Cursor<'a>, mut visit: impl FnMut(CborItem<'a>)) -> Result<(), Malformed> {
    let mut open: Vec<u64> = vec![1];
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        let mut after = Cursor(cursor.0);
        let item = after.item()?;
        let inside = item_count(&item)?;
        *cursor = after;
        if inside > 0 {
            open.push(inside);
        }
        if open.len() > limits::DEPTH * 4 {
            return Err(Malformed::TooDeep);
        }
        visit(item);
    }
    Ok(())
}

/// Follows names up to the first link.
pub(super) fn follow<S: AsRef<str>>(block: &[u8], names: &[S]) -> Result<Met, Malformed> {
    let mut cursor = Cursor(block);
    for (used, name) in names.iter().map(AsRef::as_ref).enumerate() {
        let found = match cursor.item()? {
            CborItem::Link(cid) if used > 0 => return Ok(Met::Link { cid, names: used }),
            CborItem::Map(pairs) => cursor.enter_map(pairs, name)?,
            CborItem::Array(length) => cursor.enter_array(length, name)?,
            _ => false,
        };
        if !found {
            return Ok(Met::Nothing { names: used });
        }
    }
    Ok(match cursor.item()? {
        CborItem::Link(cid) if !names.is_empty() => Met::Link { cid, names: names.len() },
        _ => Met::Value,
    })
}

/// A place in the bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn item(&mut self) -> Result<CborItem<'a>, Malformed> {
        let (major, argument) = self.head()?;
        Ok(match major {
            0 => CborItem::Unsigned(argument),
            2 => self.take(argument).map(|_| CborItem::Other)?,
            3 => CborItem::Text(self.take(argument)?),
            4 => CborItem::Array(argument),
            5 => CborItem::Map(argument),
            6 => {
                let (2, length) = self.head()? else { return Err(Malformed::DagCbor) };
                let [0, cid @ ..] = self.take(length)? else { return Err(Malformed::DagCbor) };
                CborItem::Link(Box::new(Cid::try_from(cid).map_err(|_| Malformed::LinkCid)?))
            }
            _ => CborItem::Other,
        })
    }

    /// Goes to the value of a key; `false` if there is none.
    fn enter_map(&mut self, pairs: u64, name: &str) -> Result<bool, Malformed> {
        for _ in 0..pairs {
            if self.item()? == CborItem::Text(name.as_bytes()) {
                return Ok(true);
            }
            self.skip_value()?;
        }
        Ok(false)
    }

    /// Goes to a place in a list; `false` if there is none.
    fn enter_array(&mut self, length: u64, name: &str) -> Result<bool, Malformed> {
        let Some(place) = place_in_list(name).filter(|place| *place < length) else { return Ok(false) };
        for _ in 0..place {
            self.skip_value()?;
        }
        Ok(true)
    }

    fn skip_value(&mut self) -> Result<(), Malformed> {
        let mut left = 1u64;
        while left > 0 {
            let inside = item_count(&self.item()?)?;
            left = (left - 1).checked_add(inside).ok_or(Malformed::DagCbor)?;
        }
        Ok(())
    }

    /// Major type and argument. Tags other than 42 aren't DAG-CBOR.
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let [first] = *self.take(1)? else { return Err(Malformed::DagCbor) };
        let (major, low) = (first >> 5, first & 31);
        let width = match low {
            0..=23 => 0,
            24..=27 => 1 << (low - 24),
            _ => return Err(Malformed::DagCbor),
        };
        let argument = match self.take(width)? {
            [] => u64::from(low),
            bytes => bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
        };
        if major == 6 && argument != 42 { Err(Malformed::DagCbor) } else { Ok((major, argument)) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::DagCbor)?;
        let (taken, after) = self.0.split_at_checked(length).ok_or(Malformed::DagCbor)?;
        self.0 = after;
        Ok(taken)
    }
}

/// How many items are directly inside.
fn item_count(item: &CborItem<'_>) -> Result<u64, Malformed> {
    match item {
        CborItem::Array(length) => Ok(*length),
        CborItem::Map(pairs) => pairs.checked_mul(2).ok_or(Malformed::DagCbor),
        _ => Ok(0),
    }
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
            assert!(cbor_items(bytes).is_err(), "{bytes:?}");
        }
        let claim = [0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(cbor_items(&claim), Err((Malformed::DagCbor, 9)), "a long array costs only what is there");
        assert_eq!(links(&[&[0x81; 1000][..], &[0]].concat()), Err(Malformed::TooDeep));
    }
}
