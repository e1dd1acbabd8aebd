//! `tombstone`: says that a body was erased, and by which right. A code, never words: it stays for ever.

use crate::error::FieldFault;
use crate::fields::{Fields, Writer};
use crate::id::RecordId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The record whose body, and no other, is erased. A claim whose newest version is erased is erased.
    pub target: RecordId,
    pub reason: ReasonCode,
}

/// Why a body was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// Its maker took it back.
    Withdrawn,
    Mistake,
    Privacy,
    Copyright,
    Law,
    Abuse,
}

const REASONS: [(&str, ReasonCode); 6] = [
    ("withdrawn", ReasonCode::Withdrawn),
    ("mistake", ReasonCode::Mistake),
    ("privacy", ReasonCode::Privacy),
    ("copyright", ReasonCode::Copyright),
    ("law", ReasonCode::Law),
    ("abuse", ReasonCode::Abuse),
];

impl ReasonCode {
    pub fn name(self) -> &'static str {
        REASONS.iter().find(|(_, reason)| *reason == self).map_or("", |(word, _)| word)
    }

    pub fn from_name(name: &str) -> Option<ReasonCode> {
        REASONS.iter().find(|(word, _)| *word == name).map(|(_, reason)| *reason)
    }
}

impl Tombstone {
    pub(super) fn write(&self) -> Writer {
        Writer::default().link("target", self.target.cid()).text("reason", self.reason.name())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Tombstone, FieldFault> {
        Ok(Tombstone {
            target: fields.need("target", Fields::opt_record)?,
            reason: fields.need("reason", |fields, name| fields.opt_word(name, &REASONS))?,
        })
    }
}
