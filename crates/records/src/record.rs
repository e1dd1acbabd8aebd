//! A record as it travels (two byte strings) and as it is trusted (verified).

use crate::body::{Body, Kind, Salt};
use crate::error::RecordError;
use crate::header::Header;
use crate::id::RecordId;

/// The bytes of a record, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub header_bytes: Vec<u8>,
    pub body_bytes: Vec<u8>,
}

/// A header whose form and signature hold. Its place in the channel isn't checked yet: see [`crate::chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHeader {
    pub id: RecordId,
    pub header: Header,
}

/// A record whose form, signature and body hold. Its place in the channel isn't checked yet: see [`crate::chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub id: RecordId,
    pub header: Header,
    pub salt: Salt,
    pub body: Body,
}

impl Signed {
    pub fn id(&self) -> RecordId {
        RecordId::of(&self.header_bytes)
    }

    /// Checks in this order: header's form, signature, body's hash, body's form.
    pub fn verify(&self) -> Result<Verified, RecordError> {
        VerifiedHeader::of(&self.header_bytes)?.with_body(&self.body_bytes)
    }
}

impl VerifiedHeader {
    pub fn of(header_bytes: &[u8]) -> Result<VerifiedHeader, RecordError> {
        let header = Header::decode(header_bytes)?;
        if !header.signature_holds() {
            return Err(RecordError::SignatureWrong);
        }
        Ok(VerifiedHeader { id: RecordId::of(header_bytes), header })
    }

    pub fn with_body(self, body_bytes: &[u8]) -> Result<Verified, RecordError> {
        if RecordId::of(body_bytes) != self.header.body {
            return Err(RecordError::BodyMismatch);
        }
        let (salt, body) = Body::decode(&self.header.kind, body_bytes)?;
        Ok(Verified { id: self.id, header: self.header, salt, body })
    }

    pub fn channel(&self) -> RecordId {
        self.header.channel_or(self.id)
    }
}

impl Verified {
    /// The channel that the record belongs to: a genesis founds its own.
    pub fn channel(&self) -> RecordId {
        self.header.channel_or(self.id)
    }

    pub fn kind(&self) -> Option<Kind> {
        self.body.kind()
    }
}
