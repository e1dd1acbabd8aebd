//! Signatures that hold and that don't: other purposes, other bytes, malleable ones, keys and nonces of small order.

use pinreel_records::{PublicKey, Purpose, base64url};
use serde_json::{Value as Json, json};

use super::{b64, key};

pub fn cases() -> Json {
    let key = key(1);
    let public = *key.public().as_bytes();
    let signature = key.sign(Purpose::Record, b"payload");
    let mut malleable = signature;
    add_order(&mut malleable);
    let mut flipped = signature;
    flipped[0] ^= 1;
    let mut cases = vec![
        case("right", &public, b"payload", &signature),
        case("empty payload", &public, b"", &key.sign(Purpose::Record, b"")),
        case("other payload", &public, b"payloae", &signature),
        case("other key", super::key(2).public().as_bytes(), b"payload", &signature),
        case("made for a session", &public, b"payload", &key.sign(Purpose::Session, b"payload")),
        case("one bit flipped", &public, b"payload", &flipped),
        case("S plus the group's order", &public, b"payload", &malleable),
        case("all zero", &public, b"payload", &[0; 64]),
    ];
    cases.extend(CRAFTED.iter().map(|(why, key, signature)| {
        let key = if key.is_empty() { public } else { array(key) };
        case(why, &key, b"payload", &array(signature))
    }));
    json!({ "purpose": "record", "cases": cases })
}

fn case(why: &str, key: &[u8; 32], payload: &[u8], signature: &[u8; 64]) -> Json {
    let public = PublicKey::from_bytes(*key);
    let holds = public.verify(Purpose::Record, payload, signature);
    json!({
        "why": why, "key": base64url::encode(key), "usable": public.is_usable(), "payload": b64(payload),
        "signature": b64(signature), "holds": holds,
    })
}

/// Made with the curve's arithmetic: each verifies under a lenient rule; the last one under ours, too.
const CRAFTED: [(&str, &str, &str); 9] = [
    (
        "R of small order",
        "",
        "010000000000000000000000000000000000000000000000000000000000000080c6578f6cbb534bf107a7b445abf277c7a9b4c66f942a1ed74cc28b2a1ff109",
    ),
    (
        "R of small order, not canonical",
        "",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f1523383239bdc009edcd8f2553d0357d4df735dfd00a75ec57f278d5d600d400",
    ),
    ("the key is the identity", "0100000000000000000000000000000000000000000000000000000000000000", LENIENT),
    (
        "the key is the identity, negative zero",
        "0100000000000000000000000000000000000000000000000000000000000080",
        LENIENT,
    ),
    (
        "the key is the identity, not canonical",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        LENIENT,
    ),
    (
        "the key has order 8",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd60220200000000000000000000000000000000000000000000000000000000000000",
    ),
    ("the key isn't on the curve", "0200000000000000000000000000000000000000000000000000000000000000", LENIENT),
    (
        "the key has a part of order 8, and only the cofactored equation holds",
        "9ea3f11f5bd34f0cd7147fd0a436c088f624c6100c1df6a53c0a29e05d60cea0",
        "b862409fb5c4c4123df2abf7462b88f041ad36dd6864ce872fd5472be363c5b19af1fe6adc508f71d7c2cc98195f9878667ee56f27ae1b8b002513c845bf710e",
    ),
    (
        "the key has a part of order 8, and the equation holds",
        "9ea3f11f5bd34f0cd7147fd0a436c088f624c6100c1df6a53c0a29e05d60cea0",
        "1337036ac32d8f30d4589c3c1c595812ce0fff40e37c6f5a97ab213f318290adcb55c6261faa8d23816cf0d34b5d03a00ed245ec491ce8643e268a77c77e7605",
    ),
];

/// Verifies any message under the identity, where that is allowed as a key.
const LENIENT: &str = "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a0813930000000000000000000000000000000000000000000000000000000000000";

fn array<const N: usize>(hex: &str) -> [u8; N] {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("the cases are hex");
    bytes.try_into().expect("and as long as they must be")
}

/// S + L, which verifies wherever nobody checks S < L.
fn add_order(signature: &mut [u8; 64]) {
    let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (digit, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}
