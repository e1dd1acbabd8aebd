//! The cases of the vectors, one file of them for each part of the protocol.

mod cbor;
mod growing;
mod names;
mod records;
mod sessions;
mod signatures;

use pinreel_records::cbor::Value;
use pinreel_records::{SigningKey, base64url};
use serde_json::{Value as Json, json};

/// Every file's name and text.
pub fn files() -> Vec<(&'static str, String)> {
    let files = [
        ("cbor.json", cbor::cases()),
        ("growing.json", growing::cases()),
        ("names.json", names::cases()),
        ("records.json", records::cases()),
        ("sessions.json", sessions::cases()),
        ("signatures.json", signatures::cases()),
    ];
    files.map(|(name, json)| (name, format!("{json:#}\n"))).into()
}

fn b64(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

/// A value in JSON: bytes as `{"$bytes": base64url}`, links as `{"$link": cid}`.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!({ "$bytes": b64(bytes) }),
        Value::Link(cid) => json!({ "$link": cid.to_string() }),
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}
