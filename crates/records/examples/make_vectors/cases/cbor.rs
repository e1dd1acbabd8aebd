//! Canonical and other DAG-CBOR, read with limits of 4,096 bytes, depth 4 and 64 values.

use pinreel_records::cbor::{self, DAG_CBOR, DAG_PB, Limits, MAX_INT, RAW, Value};
use pinreel_records::content_cid;
use serde_json::{Value as Json, json};

use super::json_of;

const LIMITS: Limits = Limits { bytes: 4096, depth: 4, values: 64 };

pub fn cases() -> Json {
    let valid: Vec<Json> = valid()
        .into_iter()
        .map(|value| json!({ "hex": hex(&cbor::encode(&value)), "value": json_of(&value) }))
        .collect();
    let invalid: Vec<Json> = invalid()
        .into_iter()
        .map(|(hex, why)| {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("the cases are hex");
            let error = cbor::decode(&bytes, LIMITS).expect_err(why);
            json!({ "hex": hex, "why": why, "error": error.name() })
        })
        .collect();
    let limits = json!({ "bytes": LIMITS.bytes, "depth": LIMITS.depth, "values": LIMITS.values });
    json!({ "limits": limits, "valid": valid, "invalid": invalid })
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn valid() -> Vec<Value> {
    let mut values: Vec<Value> = [
        0,
        1,
        23,
        24,
        255,
        256,
        65_535,
        65_536,
        4_294_967_295,
        4_294_967_296,
        MAX_INT,
        -1,
        -24,
        -25,
        -256,
        -257,
        -MAX_INT,
    ]
    .map(Value::Int)
    .into();
    values.extend([Value::Null, Value::Bool(true), Value::Bool(false)]);
    values.extend(["", "a", "ü", "水", "𐍈", &"x".repeat(300)].map(Value::text));
    values.extend([Value::bytes(b""), Value::bytes(&[0, 255]), Value::bytes(&[7; 256])]);
    values.extend([RAW, DAG_PB, DAG_CBOR].map(|codec| Value::Link(content_cid(codec, b"pinreel"))));
    values.push(Value::List(vec![]));
    values.push(Value::List(vec![Value::Int(1), Value::List(vec![Value::text("two")])]));
    values.push(map(&[]));
    // Shorter keys first, whatever their letters; then by bytes.
    values.push(map(&[("b", Value::Int(2)), ("aa", Value::Int(3)), ("a", Value::Int(1)), ("", Value::Null)]));
    values.push(map(&[
        ("__proto__", Value::Int(1)),
        ("constructor", Value::text("c")),
        ("10", Value::Int(10)),
        ("9", Value::Int(9)),
    ]));
    values.push(map(&[("é", Value::Int(1)), ("zz", Value::Int(2)), ("水", Value::Int(3)), ("zzz", Value::Int(4))]));
    let deep = Value::List(vec![Value::List(vec![Value::List(vec![Value::List(vec![])])])]);
    values.push(deep);
    values
}

fn invalid() -> Vec<(String, &'static str)> {
    let link = |codec: u8| format!("d82a58250001{codec:02x}1220{}", "11".repeat(32));
    let mut cases: Vec<(String, &'static str)> = FIXED.iter().map(|(hex, why)| ((*hex).to_owned(), *why)).collect();
    cases.extend([
        (link(0x78), "a link to git"),
        (link(0x72), "a link to a libp2p key"),
        (link(0x71).replacen("2500", "2501", 1), "a link without its zero byte"),
        (link(0x71).replacen("0001711220", "0002711220", 1), "a CIDv2"),
        (link(0x71).replacen("711220", "711320", 1), "another hash"),
        (link(0x71).replacen("1220", "121f", 1), "a shorter hash"),
        (format!("d82a582300{}", "1220".to_owned() + &"11".repeat(32)), "a CIDv0"),
        (format!("d82a5826000181{}1220{}", "f100", "11".repeat(31)), "a codec in a long varint"),
        (format!("{}00", link(0x71).replacen("5825", "5826", 1)), "a CID with a byte after it"),
        (format!("9840{}", "00".repeat(64)), "65 values"),
        (format!("591000{}", "00".repeat(4096)), "4,099 bytes"),
    ]);
    cases
}

/// Bytes in hex, and what is wrong with them.
const FIXED: &[(&str, &str)] = &[
    ("", "no value at all"),
    ("01ff", "bytes follow"),
    ("0001", "two values"),
    ("18", "the number is cut off"),
    ("6161ff", "bytes follow a text"),
    ("62c3", "the text is cut off"),
    ("82", "the list is cut off"),
    ("a16161", "the map is cut off"),
    ("1817", "23 in two bytes"),
    ("1900ff", "255 in three bytes"),
    ("1a0000ffff", "65,535 in five bytes"),
    ("1b00000000ffffffff", "4,294,967,295 in nine bytes"),
    ("3817", "-24 in two bytes"),
    ("7801", "a length in two bytes"),
    ("580100", "a length in two bytes"),
    ("9801", "a list's length in two bytes"),
    ("b800", "a map's length in two bytes"),
    ("d92a", "a tag cut off"),
    ("d9002a", "tag 42 in three bytes"),
    ("1b0020000000000000", "2^53"),
    ("1bffffffffffffffff", "2^64 - 1"),
    ("3b001fffffffffffff", "-2^53"),
    ("3bffffffffffffffff", "-2^64"),
    ("fb3ff8000000000000", "1.5"),
    ("fb3ff0000000000000", "1.0"),
    ("f90000", "half-precision zero"),
    ("fa00000000", "single-precision zero"),
    ("f97e00", "not a number"),
    ("f7", "undefined"),
    ("e0", "a simple value"),
    ("f0", "a simple value"),
    ("f820", "a simple value of two bytes"),
    ("fc", "a reserved head"),
    ("ff", "a break"),
    ("1c", "a reserved head"),
    ("9fff", "an indefinite list"),
    ("bfff", "an indefinite map"),
    ("5f4100ff", "indefinite bytes"),
    ("7f6161ff", "an indefinite text"),
    ("61ff", "not UTF-8"),
    ("63eda080", "a surrogate"),
    ("62c080", "an overlong NUL"),
    ("a10102", "an integer key"),
    ("a1410102", "a bytes key"),
    ("a2616201616101", "keys out of order"),
    ("a262616101616201", "a longer key first"),
    ("a2616101616102", "a key twice"),
    ("c001", "tag 0"),
    ("d82b01", "tag 43"),
    ("d9d9f701", "the CBOR magic tag"),
    ("d82a01", "a link that isn't bytes"),
    ("d82a40", "an empty link"),
    ("8181818180", "five lists in one another"),
    ("9b7fffffffffffffff", "a huge list"),
    ("bb7fffffffffffffff", "a huge map"),
    ("5b7fffffffffffffff", "huge bytes"),
    ("7affffffff", "a huge text"),
];
