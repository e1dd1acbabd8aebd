//! Ed25519 keys and signatures, each signature bound to the purpose that it was made for.
//!
//! What is signed always starts with `pinreel/<purpose>/1` and a zero byte, so that no signature can be lifted from one
//! use to another. Verification is strict: one encoding of each key and signature, no keys or nonces of small order.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, VerifyingKey};

use crate::base64url;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Record,
    Session,
    Growing,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Record => "record",
            Purpose::Session => "session",
            Purpose::Growing => "growing",
        }
    }

    /// The bytes that are signed: prefix, zero byte, payload.
    pub fn message(self, payload: &[u8]) -> Vec<u8> {
        let mut message = format!("pinreel/{}/1", self.name()).into_bytes();
        message.push(0);
        message.extend_from_slice(payload);
        message
    }
}

/// The 64 bytes of a signature.
pub type Signature = [u8; 64];

/// A signing key. Its memory is wiped when it is dropped; it is never printed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a 32-byte secret, which the caller draws from the system's random source.
    pub fn from_seed(seed: [u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, purpose: Purpose, payload: &[u8]) -> Signature {
        self.0.sign(&purpose.message(payload)).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey of {}", self.public())
    }
}

/// A public key's 32 bytes. Any 32 bytes can be held; those that are no proper point verify nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn from_bytes(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether records may name it: a y coordinate in its one encoding, and not of small order. A key that isn't on the
    /// curve may be named; nothing verifies under it.
    pub fn is_usable(&self) -> bool {
        self.is_canonical() && !VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.is_weak())
    }

    /// Strict verification (see the module).
    #[must_use]
    pub fn verify(&self, purpose: Purpose, payload: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.is_canonical()
            && VerifyingKey::from_bytes(&self.0)
                .is_ok_and(|key| key.verify_strict(&purpose.message(payload), &signature).is_ok())
    }

    /// The y coordinate is below 2^255 - 19. Libraries differ on the others, so nobody may use them.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = &self.0;
        !(*first >= 0xed && middle.iter().all(|byte| *byte == 0xff) && last & 0x7f == 0x7f)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A text that isn't the base64url of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: 32 bytes in base64url without padding")]
pub struct PublicKeyError;

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        base64url::decode_array(text).map(PublicKey).ok_or(PublicKeyError)
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
