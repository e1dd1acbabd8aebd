//! DAG-CBOR and DAG-JSON, as far as a gateway needs them: their links, and what a path of names meets in them.
//!
//! Nothing is built from a block's values, so that a small block can't ask for much memory; nesting costs no stack
//! beyond what a fixed limit allows.

pub(crate) mod cbor;
mod json;

use cid::Cid;

use crate::{
    address::{DAG_CBOR, DAG_JSON},
    error::Malformed,
};

/// What a path of names meets inside a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Met {
    /// A link, once this many names are used.
    Link { cid: Box<Cid>, names: usize },
    /// A value that is no link, with all names used.
    Value,
    /// No such name, or nothing that has names, once this many are used.
    Nothing { names: usize },
}

/// Follows names into a block, up to the first link. `None` for codecs that no names lead into.
pub(crate) fn follow<S: AsRef<str>>(cid: &Cid, block: &[u8], names: &[S]) -> Result<Option<Met>, Malformed> {
    match cid.codec() {
        DAG_CBOR => cbor::follow(block, names).map(Some),
        DAG_JSON => json::follow(block, names).map(Some),
        _ => Ok(None),
    }
}

/// All links of a block, in order. `None` for codecs that have none.
pub(crate) fn links(cid: &Cid, block: &[u8]) -> Result<Option<Vec<Cid>>, Malformed> {
    match cid.codec() {
        DAG_CBOR => cbor::links(block).map(Some),
        DAG_JSON => json::links(block).map(Some),
        _ => Ok(None),
    }
}

/// A name as the place in a list that it means.
fn place_in_list(name: &str) -> Option<u64> {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if digits { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{address::raw_cid, sha256};

    fn leaf() -> Cid {
        raw_cid(sha256(b"leaf"))
    }

    /// `{"a": {"b": [1, LINK, "x"]}, "l": LINK, "n": null}`, in both codecs.
    fn samples() -> [(Cid, Vec<u8>); 2] {
        let text = leaf().to_string();
        let json = format!(r#"{{"a":{{"b":[1,{{"/":"{text}"}},"x"]}},"l":{{"/":"{text}"}},"n":null}}"#).into_bytes();
        let bytes = leaf().to_bytes();
        let link = [&[0xd8, 0x2a, 0x58, bytes.len() as u8 + 1, 0][..], &bytes].concat();
        let cbor = [
            &[0xa3, 0x61, b'a', 0xa1, 0x61, b'b', 0x83, 1][..],
            &link,
            &[0x61, b'x', 0x61, b'l'],
            &link,
            &[0x61, b'n', 0xf6],
        ]
        .concat();
        let of = |codec, block: &[u8]| Cid::new_v1(codec, *raw_cid(sha256(block)).hash());
        [(of(DAG_CBOR, &cbor), cbor), (of(DAG_JSON, &json), json)]
    }

    #[test]
    fn names_lead_to_links_values_or_nothing() {
        let link = |names| Met::Link { cid: Box::new(leaf()), names };
        let cases: [(&[&str], Met); 13] = [
            (&["l"], link(1)),
            (&["l", "more"], link(1)),
            (&["a", "b", "1"], link(3)),
            (&["a", "b", "1", "x", "y"], link(3)),
            (&["a"], Met::Value),
            (&["a", "b"], Met::Value),
            (&["a", "b", "0"], Met::Value),
            (&["n"], Met::Value),
            (&["n", "x"], Met::Nothing { names: 1 }),
            (&["a", "b", "3"], Met::Nothing { names: 2 }),
            (&["a", "b", "+1"], Met::Nothing { names: 2 }),
            (&["a", "x", "b"], Met::Nothing { names: 1 }),
            (&[""], Met::Nothing { names: 0 }),
        ];
        for (cid, block) in samples() {
            for (names, expected) in &cases {
                assert_eq!(follow(&cid, &block, names), Ok(Some(expected.clone())), "{names:?} in {cid}");
            }
            assert_eq!(links(&cid, &block), Ok(Some(vec![leaf(), leaf()])), "{cid}");
        }
    }

    #[test]
    fn what_is_malformed_has_a_name() {
        let json = |text: &str| links(&Cid::new_v1(DAG_JSON, *leaf().hash()), text.as_bytes());
        for text in ["", "{", "{} x", r#"{"/":"no cid"}"#, "\u{0}", r#"{"a":}"#] {
            assert_eq!(json(text), Err(Malformed::DagJson), "{text}");
        }
        assert_eq!(json(&"[".repeat(1_000_000)), Err(Malformed::DagJson), "nesting costs no stack");
        assert_eq!(json(r#"{"/":{"bytes":"AQ"}}"#), Ok(Some(vec![])), "bytes are no link");
        let cid = Cid::new_v1(DAG_CBOR, *leaf().hash());
        assert_eq!(follow(&cid, &[0xa1, 0x61, b'a'], &["a"]), Err(Malformed::DagCbor));
        assert_eq!(
            follow(&cid, &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &["7"]),
            Err(Malformed::DagCbor)
        );
    }

    proptest! {
        #[test]
        fn hostile_blocks_never_panic(block in prop::collection::vec(any::<u8>(), 0..200), name in "[a-z0-9]{0,3}") {
            for codec in [DAG_CBOR, DAG_JSON] {
                let cid = Cid::new_v1(codec, *leaf().hash());
                let _ = links(&cid, &block);
                let _ = follow(&cid, &block, &[&name, "x"]);
            }
        }

        /// Text that is nearly JSON gets further than random bytes.
        #[test]
        fn hostile_json_never_panics(text in r#"[\[\]{}",:/a0 ]{0,60}"#) {
            let cid = Cid::new_v1(DAG_JSON, *leaf().hash());
            let _ = links(&cid, text.as_bytes());
            let _ = follow(&cid, text.as_bytes(), &["a", "0"]);
        }
    }
}
