//! What every Pinreel node, mirror, client and verifier must agree on, byte for byte: records, signatures, chains,
//! sessions, names and addresses. `docs/protocol.md` is the specification; `vectors/` holds the cases that this crate
//! and its TypeScript twin (`web/src/lib/records`) are both tested against.
//!
//! What always holds: nothing here reads a file, a socket, a clock or a random number (all are passed in), and a value
//! that came out of a `decode`, `parse` or `verify` keeps every rule of the protocol.
//!
//! Absent on purpose: the log's Merkle proofs and the `key` and `recover` kinds, which come with accounts.

pub mod address;
pub mod author;
pub mod base64url;
pub mod body;
pub mod cbor;
pub mod chain;
mod error;
mod fields;
pub mod growing;
pub mod header;
pub mod id;
pub mod keyfile;
pub mod keys;
pub mod log;
pub mod names;
pub mod record;
pub mod session;

pub use address::{Address, AddressError, ClaimPrefix, Located};
pub use author::Author;
pub use body::{
    AudioRung, Body, Caption, Chapter, CommentPolicy, FrameRate, Genesis, KeyGrant, Kind, Link, Profile, ReasonCode,
    Rendition, Salt, Source, Stream, Tombstone, Update, VideoRung, Visibility,
};
pub use chain::{ChainError, ChannelState, Context, Home, KeyHead, Scope, Scopes};
pub use error::{FieldFault, RecordError};
pub use growing::{Growing, GrowingError, Opening, Piece};
pub use header::{Header, Origin};
pub use id::{ChannelId, ClaimId, IdError, RecordId, content_cid, sha256};
pub use keyfile::{KeyEntry, KeyFile};
pub use keys::{PublicKey, Purpose, Signature, SigningKey};
pub use log::{BodyState, Entry, Fault, FaultKind, LogVerifier, Summary};
pub use names::{Name, NameError, skeleton, slug_from_title, with_suffix};
pub use record::{Signed, Verified, VerifiedHeader};
pub use session::{SessionError, SessionStatement};
