//! Growing streams: revisions right and wrong, the chain over their segments, and what may follow what.

use cid::Cid;
use pinreel_records::cbor::{self, Value};
use pinreel_records::growing::{EMPTY_CHAIN, extend};
use pinreel_records::{Growing, Opening, Piece, Purpose, SigningKey, content_cid};
use serde_json::{Value as Json, json};

use super::{b64, key};

pub fn cases() -> Json {
    let steps: Vec<Vec<Piece>> = (0..4).map(step).collect();
    let mut chain = EMPTY_CHAIN;
    let links = steps.iter().map(|step| {
        chain = extend(&chain, step);
        let pieces = step.iter().map(|piece| json!({ "cid": piece.cid.to_string(), "ticks": piece.ticks }));
        json!({ "step": pieces.collect::<Vec<_>>(), "chain": b64(&chain) })
    });
    let links: Vec<Json> = links.collect();
    let sound = Growing { renditions: vec![opening("a0", None)], ..revision(1, 1) };
    let valid = [revision(1, 1), revision(7, 4), Growing { ended: true, ..revision(8, 4) }, sound];
    let valid: Vec<Json> = valid.into_iter().map(|growing| valid_case(&growing)).collect();
    let invalid: Vec<Json> = invalid().into_iter().map(|case| case.json()).collect();
    json!({ "chain": links, "valid": valid, "invalid": invalid, "next": next() })
}

fn file(name: &str) -> Cid {
    content_cid(cbor::RAW, name.as_bytes())
}

fn opening(name: &str, size: Option<(u64, u64)>) -> Opening {
    Opening {
        name: name.to_owned(),
        init: file(&format!("{name} init")),
        codecs: if size.is_some() { "avc1.64001f" } else { "mp4a.40.2" }.to_owned(),
        timescale: if size.is_some() { 12_800 } else { 48_000 },
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
    }
}

fn step(number: u64) -> Vec<Piece> {
    let seconds = [1, 1, 2, 4][number as usize % 4];
    vec![
        Piece { cid: file(&format!("v480 {number}")), ticks: 12_800 * seconds },
        Piece { cid: content_cid(cbor::DAG_PB, format!("a0 {number}").as_bytes()), ticks: 48_000 * seconds + number },
    ]
}

/// A revision over the first `segments` of the steps above.
fn revision(revision: u64, segments: u64) -> Growing {
    Growing {
        key: key(6).public(),
        source: file("source"),
        recipe: "h264-aac-2".to_owned(),
        renditions: vec![opening("v480", Some((854, 480))), opening("a0", None)],
        revision,
        segments,
        chain: (0..segments).fold(EMPTY_CHAIN, |chain, number| extend(&chain, &step(number))),
        ended: false,
    }
}

fn valid_case(growing: &Growing) -> Json {
    let (statement, signature) = growing.sign(&key(6));
    json!({
        "statement": b64(&statement), "sig": b64(&signature), "key": b64(growing.key.as_bytes()),
        "source": growing.source.to_string(), "revision": growing.revision, "segments": growing.segments,
        "chain": b64(&growing.chain), "ended": growing.ended,
        "names": growing.renditions.iter().map(|opening| &opening.name).collect::<Vec<_>>(),
    })
}

struct Case {
    why: &'static str,
    bytes: Vec<u8>,
    purpose: Purpose,
    signer: SigningKey,
}

impl Case {
    fn raw(why: &'static str, bytes: Vec<u8>) -> Case {
        Case { why, bytes, purpose: Purpose::Growing, signer: key(6) }
    }

    fn of(why: &'static str, growing: &Growing) -> Case {
        Case::raw(why, growing.encode())
    }

    fn json(self) -> Json {
        let signature = self.signer.sign(self.purpose, &self.bytes);
        let error = Growing::verify(&self.bytes, &signature).expect_err(self.why);
        json!({ "why": self.why, "statement": b64(&self.bytes), "sig": b64(&signature), "code": error.code() })
    }
}

fn invalid() -> Vec<Case> {
    let right = || revision(2, 2);
    let with = |name: &str, value: Option<Value>| {
        let limits = cbor::Limits { bytes: 4096, depth: 3, values: 128 };
        let Ok(Value::Map(mut entries)) = cbor::decode(&right().encode(), limits) else { return vec![] };
        entries.retain(|(key, _)| key != name);
        entries.extend(value.map(|value| (name.to_owned(), value)));
        cbor::encode(&Value::Map(entries))
    };
    let renamed =
        |name: &str| Growing { renditions: vec![Opening { name: name.into(), ..opening("a0", None) }], ..right() };
    vec![
        Case { purpose: Purpose::Record, ..Case::of("signed as a record", &right()) },
        Case { signer: key(5), ..Case::of("signed by another key", &right()) },
        Case::of("revision 0", &Growing { revision: 0, ..right() }),
        Case::of("no renditions", &Growing { renditions: vec![], ..right() }),
        Case::of("a folder above", &renamed("..")),
        Case::of("a folder with capitals", &renamed("A0")),
        Case::of("a source that is a record", &Growing { source: content_cid(cbor::DAG_CBOR, b"x"), ..right() }),
        Case::raw("no chain", with("chain", None)),
        Case::raw("a short chain", with("chain", Some(Value::bytes(&[1; 31])))),
        Case::raw("ended as a number", with("ended", Some(Value::Int(1)))),
        Case::raw("one field more", with("title", Some(Value::text("Film")))),
        Case::raw("not CBOR", b"{}".to_vec()),
    ]
}

/// Pairs of revisions, and whether the second only adds to the first.
fn next() -> Vec<Json> {
    let ended = |number, segments| Growing { ended: true, ..revision(number, segments) };
    let other = |growing: Growing| Growing { source: file("another"), ..growing };
    let renamed = |growing: Growing| Growing { renditions: vec![opening("a0", None)], ..growing };
    let pairs = [
        ("the same again", revision(2, 2), revision(2, 2), true),
        ("more segments", revision(2, 2), revision(3, 4), true),
        ("the end", revision(2, 2), ended(3, 2), true),
        ("more segments and the end", revision(2, 2), ended(3, 4), true),
        ("an older one", revision(3, 4), revision(2, 2), false),
        ("fewer segments", revision(2, 4), revision(3, 2), false),
        ("the same number with other segments", revision(2, 2), Growing { chain: [1; 32], ..ended(3, 2) }, false),
        ("two of one number", revision(2, 2), revision(2, 3), false),
        ("nothing new", revision(2, 2), revision(3, 2), false),
        ("more after the end", ended(2, 2), ended(3, 4), false),
        ("another source", revision(2, 2), other(revision(3, 4)), false),
        ("other renditions", revision(2, 2), renamed(revision(3, 4)), false),
    ];
    let pairs = pairs.into_iter().map(|(why, before, after, adds)| {
        let signed = |growing: &Growing| {
            let (statement, signature) = growing.sign(&key(6));
            json!({ "statement": b64(&statement), "sig": b64(&signature) })
        };
        json!({ "why": why, "before": signed(&before), "after": signed(&after), "adds": adds })
    });
    pairs.collect()
}
