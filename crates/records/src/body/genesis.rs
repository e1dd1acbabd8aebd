//! `genesis`: founds a channel, names its home and its first signing keys. No free text, never erased.

use super::read_map;
use crate::cbor::Value;
use crate::chain::{Home, Scope, Scopes};
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer};
use crate::header::Origin;
use crate::keys::PublicKey;

/// Signing keys that one genesis may name.
pub const MAX_KEYS: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The only log in which this channel's headers count.
    pub home: Home,
    /// In the order of their bytes; the key that signs the genesis is among them, with publish and keys.
    pub keys: Vec<KeyGrant>,
    /// The key that may revoke all others; it signs nothing else.
    pub recovery: Option<PublicKey>,
}

/// A signing key and what it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    pub key: PublicKey,
    pub scopes: Scopes,
}

impl Genesis {
    /// A channel of one key that may sign everything, at `home`.
    pub fn of_one_key(home: Home, key: PublicKey) -> Genesis {
        Genesis { home, keys: vec![KeyGrant { key, scopes: Scopes::ALL }], recovery: None }
    }

    pub(super) fn write(&self) -> Writer {
        let home = Writer::default()
            .text("origin", self.home.origin.as_str())
            .put("key", Value::bytes(self.home.key.as_bytes()))
            .map();
        Writer::default()
            .put("home", home)
            .list("keys", &self.keys, KeyGrant::write)
            .opt("recovery", self.recovery.map(|key| Value::bytes(key.as_bytes())))
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Genesis, FieldFault> {
        let home = fields.take("home").ok_or_else(|| FieldFault::Missing(fields.path("home")))?;
        let home = read_map(home, &fields.path("home"), |home| {
            let origin = home.text("origin", Text::Rule(Origin::allows, "not the name of a log"))?;
            let origin = origin.parse().map_err(|_| FieldFault::Type(home.path("origin")))?;
            Ok(Home { origin, key: home.key("key")? })
        })?;
        let keys = fields.list("keys", MAX_KEYS, |item, path| read_map(item, path, KeyGrant::read))?;
        let recovery = fields.opt_key("recovery")?;
        if !keys.is_sorted_by(|a, b| a.key < b.key) {
            return fields.rule("keys", "not in the order of their bytes, or one twice");
        }
        if recovery.is_some_and(|recovery| keys.iter().any(|grant| grant.key == recovery)) {
            return fields.rule("recovery", "is a signing key, too");
        }
        Ok(Genesis { home, keys, recovery })
    }
}

impl KeyGrant {
    fn write(&self) -> Value {
        let scopes: Vec<Scope> = self.scopes.iter().collect();
        Writer::default()
            .put("key", Value::bytes(self.key.as_bytes()))
            .list("scopes", &scopes, |scope| Value::text(scope.name()))
            .map()
    }

    fn read(fields: &mut Fields) -> Result<KeyGrant, FieldFault> {
        let key = fields.key("key")?;
        let words = fields.list("scopes", Scope::ALL.len(), |item, path| match item {
            Value::Text(word) => Scope::from_name(&word)
                .ok_or(FieldFault::Rule { path: path.to_owned(), rule: "not one of the known words" }),
            _ => Err(FieldFault::Type(path.to_owned())),
        })?;
        // Alphabetic, so that one set has one spelling.
        if !words.is_sorted_by(|a, b| a.name() < b.name()) {
            return fields.rule("scopes", "not in alphabetic order, or one twice");
        }
        Ok(KeyGrant { key, scopes: words.into_iter().collect() })
    }
}
