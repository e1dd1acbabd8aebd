//! A stream that is watched while it is still being made: the node signs each revision of it, and a revision only adds.
//!
//! What is signed stays small however long the film is: the segments so far stand in it as their number and the last
//! link of a chain of hashes. Whoever has followed the chain needs only what was added since, and can't be told later
//! that what they were shown had been something else.

use cid::Cid;

use crate::body::{CODECS, is_code, read_map};
use crate::cbor::{self, CborError, Limits, Value};
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer, ascii_word};
use crate::id::sha256;
use crate::keys::{PublicKey, Purpose, Signature, SigningKey};

/// The longest statement.
pub const MAX_STATEMENT_BYTES: usize = 4096;
/// Renditions that grow together.
pub const MAX_OPENINGS: usize = 8;
/// The chain before the first segments.
pub const EMPTY_CHAIN: [u8; 32] = [0; 32];
const LIMITS: Limits = Limits { bytes: MAX_STATEMENT_BYTES, depth: 3, values: 128 };

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The node's key, which signs this.
    pub key: PublicKey,
    pub source: Cid,
    /// As in the rendition's record later.
    pub recipe: String,
    /// What grows: a picture, a sound, or both. The same in all revisions.
    pub renditions: Vec<Opening>,
    /// From 1; grows by one.
    pub revision: u64,
    /// How many segments each rendition has.
    pub segments: u64,
    /// [`extend`]ed over all of them.
    pub chain: [u8; 32],
    /// Nothing more will be added.
    pub ended: bool,
}

/// A rendition before its first segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its folder in the root later: `[a-z0-9]{1,16}`. Segments are called `seg-00000.m4s` and on.
    pub name: String,
    /// The initialisation segment, `init.mp4`.
    pub init: Cid,
    /// RFC 6381, `[A-Za-z0-9.]{1,64}`.
    pub codecs: String,
    /// Ticks a second, for the segments' lengths.
    pub timescale: u64,
    /// Absent for sound, as the height.
    pub width: Option<u64>,
    pub height: Option<u64>,
}

/// One rendition's segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub cid: Cid,
    pub ticks: u64,
}

/// Why bytes aren't a revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrowingError {
    #[error("the statement isn't canonical DAG-CBOR: {0}")]
    Cbor(#[from] CborError),
    #[error("{0}")]
    Field(#[from] FieldFault),
    #[error("the signature isn't the key's over this statement")]
    SignatureWrong,
}

impl GrowingError {
    pub fn code(&self) -> &'static str {
        match self {
            GrowingError::Cbor(_) | GrowingError::Field(_) => "growing_malformed",
            GrowingError::SignatureWrong => "signature_wrong",
        }
    }
}

/// The chain's next link: over the one before and the segments that begin together, one of each rendition, in order.
pub fn extend(chain: &[u8; 32], step: &[Piece]) -> [u8; 32] {
    let pieces = step.iter().map(|piece| Value::List(vec![Value::Link(piece.cid), Value::uint(piece.ticks)]));
    let mut bytes = chain.to_vec();
    bytes.extend(cbor::encode(&Value::List(pieces.collect())));
    sha256(&bytes)
}

impl Growing {
    pub fn encode(&self) -> Vec<u8> {
        let map = Writer::default()
            .put("key", Value::bytes(self.key.as_bytes()))
            .link("source", self.source)
            .text("recipe", &self.recipe)
            .list("renditions", &self.renditions, Opening::write)
            .uint("revision", self.revision)
            .uint("segments", self.segments)
            .put("chain", Value::bytes(&self.chain))
            .put("ended", Value::Bool(self.ended));
        cbor::encode(&map.map())
    }

    pub fn decode(bytes: &[u8]) -> Result<Growing, GrowingError> {
        let mut fields = Fields::of(cbor::decode(bytes, LIMITS)?, "growing")?;
        let code = Text::Rule(is_code, "1 to 64 of a-z, 0-9, dot and hyphen");
        let growing = Growing {
            key: fields.key("key")?,
            source: fields.file("source")?,
            recipe: fields.text("recipe", code)?,
            renditions: fields.list("renditions", MAX_OPENINGS, |item, path| read_map(item, path, Opening::read))?,
            revision: fields.uint_in("revision", 1..=cbor::MAX_INT)?,
            segments: fields.uint("segments")?,
            chain: fields.array("chain")?,
            ended: fields.bool("ended")?,
        };
        fields.done()?;
        Ok(growing)
    }

    /// The statement's bytes and the signature over them, by the key that it names.
    pub fn sign(&self, key: &SigningKey) -> (Vec<u8>, Signature) {
        let bytes = self.encode();
        let signature = key.sign(Purpose::Growing, &bytes);
        (bytes, signature)
    }

    /// A revision whose form and signature hold. Whether its key is the node's, the node's channel says.
    pub fn verify(bytes: &[u8], signature: &Signature) -> Result<Growing, GrowingError> {
        let growing = Growing::decode(bytes)?;
        if growing.key.verify(Purpose::Growing, bytes, signature) {
            Ok(growing)
        } else {
            Err(GrowingError::SignatureWrong)
        }
    }

    /// Whether this only adds to `before`. That the chain goes on from the other's, [`extend`] tells whoever has the
    /// segments between the two.
    pub fn adds_to(&self, before: &Growing) -> bool {
        let is_same = (self.key, self.source, &self.recipe, &self.renditions)
            == (before.key, before.source, &before.recipe, &before.renditions);
        let has_grown = self.segments > before.segments || self.ended;
        is_same && (self == before || self.revision > before.revision && has_grown && self.extends(before))
    }

    fn extends(&self, before: &Growing) -> bool {
        !before.ended
            && (self.segments > before.segments || self.segments == before.segments && self.chain == before.chain)
    }
}

impl Opening {
    fn write(&self) -> Value {
        let size = |side: Option<u64>| side.map(Value::uint);
        Writer::default()
            .text("name", &self.name)
            .link("init", self.init)
            .text("codecs", &self.codecs)
            .uint("timescale", self.timescale)
            .opt("width", size(self.width))
            .opt("height", size(self.height))
            .map()
    }

    fn read(fields: &mut Fields) -> Result<Opening, FieldFault> {
        let side = |fields: &mut Fields, name: &str| {
            Ok::<_, FieldFault>(fields.opt_int(name, 1..=65_535)?.map(i64::unsigned_abs))
        };
        Ok(Opening {
            name: fields.text("name", Text::Rule(is_folder, "1 to 16 of a-z and 0-9"))?,
            init: fields.file("init")?,
            codecs: fields.text("codecs", CODECS)?,
            timescale: fields.uint_in("timescale", 1..=i64::from(u32::MAX))?,
            width: side(fields, "width")?,
            height: side(fields, "height")?,
        })
    }
}

fn is_folder(text: &str) -> bool {
    ascii_word(text, 16, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
