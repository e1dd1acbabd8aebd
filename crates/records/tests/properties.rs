//! Properties: what is written reads back the same, what is bent is refused, and an independent codec agrees.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use pinreel_records::cbor::{self, DAG_CBOR, DAG_PB, Limits, MAX_INT, RAW, Value};
use pinreel_records::{
    Address, Author, Body, KeyEntry, KeyFile, Located, Name, RecordId, Signed, content_cid, skeleton, slug_from_title,
    with_suffix,
};
use proptest::prelude::*;

const LIMITS: Limits = Limits { bytes: 1 << 16, depth: 8, values: 8192 };

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-MAX_INT..=MAX_INT).prop_map(Value::Int),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<String>().prop_map(Value::Text),
        (any::<[u8; 4]>(), prop::sample::select(vec![RAW, DAG_PB, DAG_CBOR]))
            .prop_map(|(bytes, codec)| Value::Link(content_cid(codec, &bytes))),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

fn oracle_of(value: &Value) -> Ipld {
    match value {
        Value::Null => Ipld::Null,
        Value::Bool(value) => Ipld::Bool(*value),
        Value::Int(value) => Ipld::Integer(i128::from(*value)),
        Value::Bytes(bytes) => Ipld::Bytes(bytes.clone()),
        Value::Text(text) => Ipld::String(text.clone()),
        Value::List(items) => Ipld::List(items.iter().map(oracle_of).collect()),
        Value::Map(entries) => {
            Ipld::Map(entries.iter().map(|(key, value)| (key.clone(), oracle_of(value))).collect::<BTreeMap<_, _>>())
        }
        Value::Link(cid) => Ipld::Link(*cid),
    }
}

fn record() -> Signed {
    let mut author = Author::new(common::key(1));
    let genesis = author.sign(&author.genesis(common::home()), &[1; 16], common::T0).unwrap();
    author.accepted(&genesis);
    author.sign(&Body::Stream(Box::new(common::stream("first", "First"))), &[2; 16], common::T0).unwrap()
}

/// Deterministic: each bit once, no sampling.
#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    let right = record();
    right.verify().unwrap();
    for at in 0..right.header_bytes.len() * 8 {
        let mut bent = right.clone();
        bent.header_bytes[at / 8] ^= 1 << (at % 8);
        assert!(bent.verify().is_err(), "bit {at} of the header");
    }
    for at in 0..right.body_bytes.len() * 8 {
        let mut bent = right.clone();
        bent.body_bytes[at / 8] ^= 1 << (at % 8);
        assert_eq!(bent.verify().unwrap_err().code(), "body_mismatch", "bit {at} of the body");
    }
}

#[test]
fn every_truncation_of_a_record_is_refused() {
    let right = record();
    for length in 0..right.header_bytes.len() {
        let bent = Signed { header_bytes: right.header_bytes[..length].to_vec(), ..right.clone() };
        assert!(bent.verify().is_err(), "{length} bytes");
    }
}

/// The derivation from case mappings against the folding table of another implementation (its `C` and `F` rows, for
/// the alphabets that names are made of).
#[test]
fn names_fold_like_unicode() {
    for (input, folded) in [
        ("Ꭰ", "Ꭰ"),
        ("ꭰ", "Ꭰ"),
        ("ᏸ", "Ᏸ"),
        ("ı", "ı"),
        ("I", "i"),
        ("ẞ", "ss"),
        ("ΐ", "ΐ"),
        ("Ω", "ω"),
        ("K", "k"),
        ("ß", "ss"),
        ("և", "եւ"),
        ("ǰ", "ǰ"),
        ("Ꙁ", "ꙁ"),
        ("𐐀", "𐐨"),
        ("Ϊ", "ϊ"),
        ("ς", "σ"),
        ("ῼ", "ωι"),
    ] {
        assert_eq!(Name::parse(input).unwrap().as_str(), folded, "{input}");
    }
}

#[test]
fn look_alikes_share_a_skeleton() {
    let skeleton_of = |text: &str| skeleton(&Name::parse(text).unwrap());
    for (a, b) in [("paypal", "раураl"), ("alice", "аlice"), ("bob", "b0b"), ("rn", "m"), ("w1ll", "wlll")] {
        assert_eq!(skeleton_of(a), skeleton_of(b), "{a} and {b}");
    }
    for (a, b) in [("alice", "bob"), ("a-b", "ab"), ("日本", "日木"), ("a1", "a2")] {
        assert_ne!(skeleton_of(a), skeleton_of(b), "{a} and {b}");
    }
}

#[test]
fn a_key_file_reads_back() {
    let entry = KeyEntry {
        origin: Some("pinreel.example".parse().unwrap()),
        channel: Some(RecordId::of(b"channel")),
        handle: Some(Name::parse("alice").unwrap()),
        pending: Some(record()),
        ..KeyEntry::new(common::key(7))
    };
    let file = KeyFile { entries: vec![entry, KeyEntry::new(common::key(8))] };
    let again = KeyFile::parse(&file.format()).unwrap();
    assert_eq!(again.format(), file.format());
    assert_eq!(again.entries[0].key.seed(), [7; 32]);
    assert_eq!(again.entries[0].pending, Some(record()));
    for (text, message) in [
        ("", "isn't JSON"),
        (r#"{"format":"pinreel-keys/2","warning":"","keys":[]}"#, "has the format"),
        (r#"{"format":"pinreel-keys/1","warning":"","keys":[{"seed":"AAAA"}]}"#, "the seed of entry 1"),
    ] {
        assert!(KeyFile::parse(text).unwrap_err().to_string().contains(message), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cbor_reads_back_and_agrees_with_another_codec(value in values()) {
        let bytes = cbor::encode(&value);
        let again = cbor::decode(&bytes, LIMITS).unwrap();
        prop_assert_eq!(cbor::encode(&again), bytes.clone());
        prop_assert_eq!(serde_ipld_dagcbor::to_vec(&oracle_of(&value)).unwrap(), bytes.clone());
        prop_assert_eq!(serde_ipld_dagcbor::from_slice::<Ipld>(&bytes).unwrap(), oracle_of(&again));
    }

    /// Whatever we take from hostile bytes is canonical, and the other codec reads the same.
    #[test]
    fn what_is_read_is_canonical(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = cbor::encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = cbor::decode(&bytes, LIMITS) {
            prop_assert_eq!(cbor::encode(&read), bytes.clone());
            prop_assert_eq!(serde_ipld_dagcbor::from_slice::<Ipld>(&bytes).unwrap(), oracle_of(&read));
        }
    }

    #[test]
    fn hostile_bytes_never_panic(header in prop::collection::vec(any::<u8>(), 0..200), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Signed { header_bytes: header, body_bytes: body.clone() }.verify();
        let _ = Body::decode("stream", &body);
    }

    #[test]
    fn normal_forms_are_stable(text in "\\PC{0,12}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            prop_assert!(Name::parse(with_suffix(&name, 12).as_str()).is_ok());
            let address = Address::claim(name.clone(), None, name);
            prop_assert_eq!(Located::parse(&address.to_string()).unwrap().address, address.clone());
            prop_assert_eq!(Located::parse(&address.path()).unwrap().address, address);
        }
    }

    #[test]
    fn slugs_are_names(title in "\\PC{0,120}") {
        if let Some(slug) = slug_from_title(&title) {
            prop_assert!(Name::is_normal(slug.as_str()));
            prop_assert!(!slug.as_str().starts_with('-') && !slug.as_str().ends_with('-'));
        }
    }

    #[test]
    fn addresses_never_panic(text in ".{0,60}") {
        if let Ok(located) = Located::parse(&text) {
            prop_assert_eq!(located.address.to_string().parse(), Ok(located.address));
        }
    }
}
