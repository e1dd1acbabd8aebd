//! The header of a record: the small part that is signed, counted in the log and kept for ever.

use std::fmt;
use std::str::FromStr;

use cid::Cid;

use crate::cbor::{self, Limits, Value};
use crate::error::RecordError;
use crate::fields::{Fields, Text, Writer, ascii_word};
use crate::id::RecordId;
use crate::keys::{PublicKey, Purpose, Signature, SigningKey};

/// The longest header.
pub const MAX_HEADER_BYTES: usize = 1024;
/// The longest kind.
pub const MAX_KIND_CHARS: usize = 24;
const LIMITS: Limits = Limits { bytes: MAX_HEADER_BYTES, depth: 1, values: 16 };

/// A header with all its fields. `sig` covers the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `[a-z-]{1,24}`, known or not.
    pub kind: String,
    /// The channel's `genesis`; absent in that one.
    pub channel: Option<RecordId>,
    pub key: PublicKey,
    /// The newest `genesis`, `key` or `recover` header that the writer knows; absent in a `genesis`.
    pub keys: Option<RecordId>,
    /// The place in the key's own chain, from 0.
    pub seq: u64,
    /// The key's header before this one; absent exactly where `seq` is 0.
    pub prev: Option<RecordId>,
    /// The writer's clock, ms since 1970.
    pub at: u64,
    /// The CID of the body block.
    pub body: RecordId,
    pub sig: Signature,
}

impl Header {
    /// Reads the bytes and checks everything that can be checked without the signature.
    pub fn decode(bytes: &[u8]) -> Result<Header, RecordError> {
        let value = cbor::decode(bytes, LIMITS).map_err(RecordError::HeaderCbor)?;
        let mut fields = Fields::of(value, "header")?;
        if fields.uint("v")? != 1 {
            return Ok(fields.rule("v", "only version 1 is known")?);
        }
        let header = Header {
            kind: fields.text("kind", Text::Rule(is_kind, "1 to 24 of a-z and -"))?,
            channel: fields.opt_record("channel")?,
            key: fields.key("key")?,
            keys: fields.opt_record("keys")?,
            seq: fields.uint("seq")?,
            prev: fields.opt_record("prev")?,
            at: fields.uint("at")?,
            body: fields.need("body", Fields::opt_record)?,
            sig: fields.array("sig")?,
        };
        let genesis = header.kind == "genesis";
        if header.prev.is_some() != (header.seq > 0) {
            return Ok(fields.rule("prev", "present exactly where seq is above 0")?);
        }
        if genesis && header.seq != 0 {
            return Ok(fields.rule("seq", "a genesis is the first record of its key")?);
        }
        if genesis == header.channel.is_some() {
            return Ok(fields.rule("channel", "present in every kind but genesis")?);
        }
        if genesis == header.keys.is_some() {
            return Ok(fields.rule("keys", "present in every kind but genesis")?);
        }
        fields.done()?;
        Ok(header)
    }

    /// The header's bytes, of which its id is the hash.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&self.fields().put("sig", Value::bytes(&self.sig)).map())
    }

    /// What is signed: the header without `sig`.
    pub fn payload(&self) -> Vec<u8> {
        cbor::encode(&self.fields().map())
    }

    /// The same header with `key`'s signature.
    pub fn signed(mut self, key: &SigningKey) -> Header {
        self.sig = key.sign(Purpose::Record, &self.payload());
        self
    }

    /// Whether `sig` is `key`'s over the rest, strictly.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        self.key.verify(Purpose::Record, &self.payload(), &self.sig)
    }

    /// The channel that the header belongs to: a genesis founds its own.
    pub fn channel_or(&self, own: RecordId) -> RecordId {
        self.channel.unwrap_or(own)
    }

    fn fields(&self) -> Writer {
        let link = |id: RecordId| Cid::from(id);
        Writer::default()
            .uint("v", 1)
            .text("kind", &self.kind)
            .opt_link("channel", self.channel.map(link))
            .put("key", Value::bytes(self.key.as_bytes()))
            .opt_link("keys", self.keys.map(link))
            .uint("seq", self.seq)
            .opt_link("prev", self.prev.map(link))
            .uint("at", self.at)
            .link("body", self.body.cid())
    }
}

fn is_kind(kind: &str) -> bool {
    ascii_word(kind, MAX_KIND_CHARS, |byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The name of a log (`[a-z0-9.-]`, 1 to 253 characters, no port): what a channel's home and a foreign handle name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

/// A text that can't name a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a log: 1 to 253 of a-z, 0-9, dot and hyphen")]
pub struct OriginError;

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn allows(text: &str) -> bool {
        ascii_word(text, 253, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if Origin::allows(text) { Ok(Origin(text.to_owned())) } else { Err(OriginError) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
