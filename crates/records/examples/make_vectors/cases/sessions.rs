//! Session statements, right and wrong.

use pinreel_records::cbor::{self, Value};
use pinreel_records::{Purpose, RecordId, SessionStatement, SigningKey};
use serde_json::{Value as Json, json};

use super::{b64, key};

const NOW: u64 = 1_700_000_000_000;
const ORIGIN: &str = "https://pinreel.example";

pub fn cases() -> Json {
    let valid = [ORIGIN, "http://127.0.0.1:8080", "http://[::1]:8080"].map(|origin| {
        let statement = SessionStatement { origin: origin.to_owned(), ..statement() };
        let (bytes, signature) = statement.sign(&key(4));
        json!({
            "seed": b64(&key(4).seed()), "origin": origin, "channel": statement.channel,
            "nonce": b64(&statement.nonce), "expires": statement.expires,
            "statement": b64(&bytes), "sig": b64(&signature),
        })
    });
    let invalid: Vec<Json> = invalid().into_iter().map(|case| case.json()).collect();
    json!({ "now": NOW, "site": ORIGIN, "valid": valid, "invalid": invalid })
}

fn statement() -> SessionStatement {
    SessionStatement {
        origin: ORIGIN.to_owned(),
        channel: RecordId::of(b"channel"),
        key: key(4).public(),
        nonce: [5; 32],
        expires: NOW + 60_000,
    }
}

struct Case {
    why: &'static str,
    bytes: Vec<u8>,
    purpose: Purpose,
    signer: SigningKey,
}

impl Case {
    fn of(why: &'static str, statement: &SessionStatement) -> Case {
        Case { why, bytes: statement.encode(), purpose: Purpose::Session, signer: key(4) }
    }

    fn json(self) -> Json {
        let signature = self.signer.sign(self.purpose, &self.bytes);
        let error = SessionStatement::verify(&self.bytes, &signature, &[ORIGIN], NOW).expect_err(self.why);
        json!({ "why": self.why, "statement": b64(&self.bytes), "sig": b64(&signature), "code": error.code() })
    }
}

fn invalid() -> Vec<Case> {
    let right = statement();
    let with = |why, origin: &str, expires| {
        Case::of(why, &SessionStatement { origin: origin.to_owned(), expires, ..statement() })
    };
    let map = |name: &str, value: Option<Value>| {
        let limits = cbor::Limits { bytes: 1024, depth: 1, values: 8 };
        let Ok(Value::Map(mut entries)) = cbor::decode(&statement().encode(), limits) else { return vec![] };
        entries.retain(|(key, _)| key != name);
        entries.extend(value.map(|value| (name.to_owned(), value)));
        cbor::encode(&Value::Map(entries))
    };
    let raw = |why, bytes| Case { why, bytes, purpose: Purpose::Session, signer: key(4) };
    vec![
        with("made for another site", "https://elsewhere.example", NOW + 1000),
        with("made for the site's other scheme", "http://pinreel.example", NOW + 1000),
        with("expired", ORIGIN, NOW),
        with("valid for too long", ORIGIN, NOW + 60_001),
        with("an origin with a path", "https://pinreel.example/", NOW + 1000),
        with("an origin with capitals", "https://Pinreel.example", NOW + 1000),
        with("no scheme", "pinreel.example", NOW + 1000),
        Case { purpose: Purpose::Record, ..Case::of("signed as a record", &right) },
        Case { signer: key(5), ..Case::of("signed by another key", &right) },
        raw("no nonce", map("nonce", None)),
        raw("a short nonce", map("nonce", Some(Value::bytes(&[5; 31])))),
        raw("one field more", map("handle", Some(Value::text("alice")))),
        raw("a channel that is a file", map("channel", Some(Value::Link(pinreel_records::content_cid(0x55, b"file"))))),
        raw("not CBOR", b"{}".to_vec()),
    ]
}
