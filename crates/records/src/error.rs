//! What can be wrong with a record taken alone. What can be wrong with its place in a channel is [`crate::ChainError`].

use crate::cbor::CborError;

/// A field that breaks its rule, with its path (`stream.source.cid`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    #[error("{0} is missing")]
    Missing(String),
    #[error("{0} is no field of this kind")]
    Unknown(String),
    #[error("{0} has the wrong type")]
    Type(String),
    #[error("{path} breaks its rule: {rule}")]
    Rule { path: String, rule: &'static str },
}

impl FieldFault {
    pub fn path(&self) -> &str {
        match self {
            FieldFault::Missing(path) | FieldFault::Unknown(path) | FieldFault::Type(path) => path,
            FieldFault::Rule { path, .. } => path,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            FieldFault::Missing(_) => "field_missing",
            FieldFault::Unknown(_) => "field_unknown",
            FieldFault::Type(_) => "field_type",
            FieldFault::Rule { .. } => "field_rule",
        }
    }
}

/// Why header and body bytes aren't a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the header isn't canonical DAG-CBOR: {0}")]
    HeaderCbor(CborError),
    #[error("the body isn't canonical DAG-CBOR: {0}")]
    BodyCbor(CborError),
    #[error("{0}")]
    Field(#[from] FieldFault),
    #[error("the signature isn't the key's over this header")]
    SignatureWrong,
    #[error("the body's hash isn't the one that the header names")]
    BodyMismatch,
}

impl RecordError {
    /// The word that the API answers.
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::HeaderCbor(_) | RecordError::BodyCbor(_) | RecordError::Field(_) => "record_malformed",
            RecordError::SignatureWrong => "signature_wrong",
            RecordError::BodyMismatch => "body_mismatch",
        }
    }

    /// The exact failure, as the test vectors name it.
    pub fn name(&self) -> &'static str {
        match self {
            RecordError::HeaderCbor(error) | RecordError::BodyCbor(error) => error.name(),
            RecordError::Field(fault) => fault.name(),
            RecordError::SignatureWrong => "signature_wrong",
            RecordError::BodyMismatch => "body_mismatch",
        }
    }
}
