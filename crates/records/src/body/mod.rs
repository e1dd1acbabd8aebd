//! Bodies: what a record says. Each kind's fields, bounds and rules stand in a file of their own.
//!
//! A body is a map with 16 random bytes `salt` and the kind's fields, nothing more: an unknown field in a known kind is
//! an error. The body of an unknown kind is kept as a value, so that a mirror can carry what it doesn't understand.

mod genesis;
mod profile;
mod rendition;
mod stream;
mod tombstone;

pub use genesis::{Genesis, KeyGrant, MAX_KEYS};
pub use profile::{Link, Profile};
pub use rendition::{AudioRung, FrameRate, Rendition, VideoRung};
pub(crate) use rendition::{CODECS, is_code};
pub use stream::{Caption, Chapter, CommentPolicy, Source, Stream, Update, Visibility};
pub use tombstone::{ReasonCode, Tombstone};

use crate::cbor::{self, Limits, Value};
use crate::error::{FieldFault, RecordError};
use crate::fields::{Fields, Writer};

/// The longest body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
const LIMITS: Limits = Limits { bytes: MAX_BODY_BYTES, depth: 8, values: 8192 };

/// Random bytes that keep a short erased text from being guessed by its hash.
pub type Salt = [u8; 16];

/// The kinds that this version understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Genesis,
    Profile,
    Stream,
    Tombstone,
    Rendition,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Genesis, Kind::Profile, Kind::Stream, Kind::Tombstone, Kind::Rendition];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Genesis => "genesis",
            Kind::Profile => "profile",
            Kind::Stream => "stream",
            Kind::Tombstone => "tombstone",
            Kind::Rendition => "rendition",
        }
    }

    /// `None` for kinds of other versions.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a tombstone may name such a record: the rest holds the channel together and has no free text.
    pub fn is_erasable(self) -> bool {
        matches!(self, Kind::Profile | Kind::Stream)
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Genesis(Genesis),
    Profile(Profile),
    Stream(Box<Stream>),
    Tombstone(Tombstone),
    Rendition(Rendition),
    /// A kind of another version, with its fields (`salt` not among them).
    Unknown {
        kind: String,
        fields: Value,
    },
}

impl Body {
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Body::Genesis(_) => Some(Kind::Genesis),
            Body::Profile(_) => Some(Kind::Profile),
            Body::Stream(_) => Some(Kind::Stream),
            Body::Tombstone(_) => Some(Kind::Tombstone),
            Body::Rendition(_) => Some(Kind::Rendition),
            Body::Unknown { .. } => None,
        }
    }

    /// The word in the header.
    pub fn kind_name(&self) -> &str {
        match self {
            Body::Unknown { kind, .. } => kind,
            known => known.kind().map_or("", Kind::name),
        }
    }

    /// The body block. What is out of bounds is found when it is read back, as [`crate::Author::sign`] does.
    pub fn encode(&self, salt: &Salt) -> Vec<u8> {
        let fields = match self {
            Body::Genesis(body) => body.write(),
            Body::Profile(body) => body.write(),
            Body::Stream(body) => body.write(),
            Body::Tombstone(body) => body.write(),
            Body::Rendition(body) => body.write(),
            Body::Unknown { fields: Value::Map(entries), .. } => {
                entries.iter().fold(Writer::default(), |writer, (name, value)| writer.put(name, value.clone()))
            }
            Body::Unknown { .. } => Writer::default(),
        };
        cbor::encode(&fields.put("salt", Value::bytes(salt)).map())
    }

    /// The body of a record of this kind.
    pub fn decode(kind: &str, bytes: &[u8]) -> Result<(Salt, Body), RecordError> {
        let value = cbor::decode(bytes, LIMITS).map_err(RecordError::BodyCbor)?;
        let mut fields = Fields::of(value, kind)?;
        let salt = fields.array("salt")?;
        let body = match Kind::from_name(kind) {
            Some(Kind::Genesis) => Body::Genesis(Genesis::read(&mut fields)?),
            Some(Kind::Profile) => Body::Profile(Profile::read(&mut fields)?),
            Some(Kind::Stream) => Body::Stream(Box::new(Stream::read(&mut fields)?)),
            Some(Kind::Tombstone) => Body::Tombstone(Tombstone::read(&mut fields)?),
            Some(Kind::Rendition) => Body::Rendition(Rendition::read(&mut fields)?),
            None => return Ok((salt, Body::Unknown { kind: kind.to_owned(), fields: fields.rest() })),
        };
        fields.done()?;
        Ok((salt, body))
    }
}

/// Reads a map inside a list or field and makes sure that nothing is left over.
pub(crate) fn read_map<T>(
    value: Value,
    path: &str,
    read: impl FnOnce(&mut Fields) -> Result<T, FieldFault>,
) -> Result<T, FieldFault> {
    let mut fields = Fields::of(value, path)?;
    let item = read(&mut fields)?;
    fields.done()?;
    Ok(item)
}

/// One text of a list.
fn read_text(value: Value, path: &str, text: crate::fields::Text) -> Result<String, FieldFault> {
    match value {
        Value::Text(value) => match text.broken(&value) {
            Some(rule) => Err(FieldFault::Rule { path: path.to_owned(), rule }),
            None => Ok(value),
        },
        _ => Err(FieldFault::Type(path.to_owned())),
    }
}
