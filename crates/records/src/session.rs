//! Session statements: how a channel's key signs in to a node. The client builds the statement itself, around the
//! node's nonce, so that a node can have nothing else signed, nor use the signature at another node.

use crate::cbor::{self, Limits, Value};
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer};
use crate::id::ChannelId;
use crate::keys::{PublicKey, Purpose, Signature, SigningKey};

/// How long a statement may be valid.
pub const MAX_LIFE_MS: u64 = 60 * 1000;
/// Nonces are this long.
pub const NONCE_BYTES: usize = 32;
/// The longest statement.
pub const MAX_STATEMENT_BYTES: usize = 1024;
const LIMITS: Limits = Limits { bytes: MAX_STATEMENT_BYTES, depth: 1, values: 8 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatement {
    /// `scheme://host[:port]` as the client is connected.
    pub origin: String,
    pub channel: ChannelId,
    pub key: PublicKey,
    /// The node's.
    pub nonce: [u8; NONCE_BYTES],
    /// ms since 1970, at most 60 seconds ahead.
    pub expires: u64,
}

/// Why a statement opens no session. Whether the nonce is one of ours and unused, the node's store knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("the statement isn't canonical DAG-CBOR: {0}")]
    Cbor(#[from] cbor::CborError),
    #[error("{0}")]
    Field(#[from] FieldFault),
    #[error("the signature isn't the key's over this statement")]
    SignatureWrong,
    #[error("the statement was made for {origin}, not for this site")]
    OriginWrong { origin: String },
    #[error("the statement has expired, or is valid for longer than 60 seconds")]
    Expired,
}

impl SessionError {
    /// The word that the API answers.
    pub fn code(&self) -> &'static str {
        match self {
            SessionError::Cbor(_) | SessionError::Field(_) => "session_malformed",
            SessionError::SignatureWrong => "signature_wrong",
            SessionError::OriginWrong { .. } => "session_origin",
            SessionError::Expired => "session_expired",
        }
    }
}

impl SessionStatement {
    pub fn encode(&self) -> Vec<u8> {
        let map = Writer::default()
            .text("origin", &self.origin)
            .link("channel", self.channel.cid())
            .put("key", Value::bytes(self.key.as_bytes()))
            .put("nonce", Value::bytes(&self.nonce))
            .uint("expires", self.expires);
        cbor::encode(&map.map())
    }

    pub fn decode(bytes: &[u8]) -> Result<SessionStatement, SessionError> {
        let mut fields = Fields::of(cbor::decode(bytes, LIMITS)?, "statement")?;
        let statement = SessionStatement {
            origin: fields.text("origin", Text::Rule(is_web_origin, "not scheme://host[:port]"))?,
            channel: fields.need("channel", Fields::opt_record)?,
            key: fields.key("key")?,
            nonce: fields.array("nonce")?,
            expires: fields.uint("expires")?,
        };
        fields.done()?;
        Ok(statement)
    }

    /// The statement's bytes and the signature over them.
    pub fn sign(&self, key: &SigningKey) -> (Vec<u8>, Signature) {
        let bytes = self.encode();
        let signature = key.sign(Purpose::Session, &bytes);
        (bytes, signature)
    }

    /// A statement whose form, signature, origin and time hold. `origins` are the site's own; `now_ms` its clock.
    pub fn verify(
        bytes: &[u8],
        signature: &Signature,
        origins: &[&str],
        now_ms: u64,
    ) -> Result<SessionStatement, SessionError> {
        let statement = SessionStatement::decode(bytes)?;
        if !statement.key.verify(Purpose::Session, bytes, signature) {
            return Err(SessionError::SignatureWrong);
        }
        if !origins.contains(&statement.origin.as_str()) {
            return Err(SessionError::OriginWrong { origin: statement.origin });
        }
        if statement.expires <= now_ms || statement.expires > now_ms.saturating_add(MAX_LIFE_MS) {
            return Err(SessionError::Expired);
        }
        Ok(statement)
    }
}

/// An origin as browsers write it: lower case, no path, no user.
pub fn is_web_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        (1..=253).contains(&host.len())
            && host.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'[' | b']'))
    })
}
