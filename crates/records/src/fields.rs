//! Reading and writing the maps of headers and bodies, each field once, each with its bound; a field that nobody asked
//! for is an error.

use cid::Cid;

use crate::cbor::{DAG_CBOR, DAG_PB, Value};
use crate::error::FieldFault;
use crate::id::RecordId;
use crate::keys::PublicKey;

type Result<T> = std::result::Result<T, FieldFault>;

/// A map being read.
pub(crate) struct Fields {
    path: String,
    entries: Vec<(String, Value)>,
}

/// What a text may hold.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    /// One line of words: 1 to so many characters (code points), no control characters, no direction overrides.
    Line(usize),
    /// Several lines: as above, line feeds and tabs allowed.
    Lines(usize),
    /// A predicate of its own and the rule in words.
    Rule(fn(&str) -> bool, &'static str),
}

impl Fields {
    pub fn of(value: Value, path: &str) -> Result<Fields> {
        match value {
            Value::Map(entries) => Ok(Fields { path: path.to_owned(), entries }),
            _ => Err(FieldFault::Type(path.to_owned())),
        }
    }

    pub fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    pub fn rule<T>(&self, name: &str, rule: &'static str) -> Result<T> {
        Err(FieldFault::Rule { path: self.path(name), rule })
    }

    /// All fields must have been read.
    pub fn done(self) -> Result<()> {
        match self.entries.first() {
            Some((name, _)) => Err(FieldFault::Unknown(self.path(name))),
            None => Ok(()),
        }
    }

    /// All fields not read yet, of a kind that nobody here knows.
    pub fn rest(self) -> Value {
        Value::Map(self.entries)
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.entries.iter().position(|(key, _)| key == name)?;
        Some(self.entries.remove(index).1)
    }

    /// A required field, by the reader of an optional one.
    pub fn need<T>(&mut self, name: &str, read: impl FnOnce(&mut Self, &str) -> Result<Option<T>>) -> Result<T> {
        read(self, name)?.ok_or_else(|| FieldFault::Missing(self.path(name)))
    }

    fn wrong<T>(&self, name: &str) -> Result<T> {
        Err(FieldFault::Type(self.path(name)))
    }

    pub fn opt_int(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Int(value)) if range.contains(&value) => Ok(Some(value)),
            Some(Value::Int(_)) => self.rule(name, "out of range"),
            Some(_) => self.wrong(name),
        }
    }

    pub fn opt_uint(&mut self, name: &str) -> Result<Option<u64>> {
        Ok(self.opt_int(name, 0..=crate::cbor::MAX_INT)?.map(i64::unsigned_abs))
    }

    pub fn uint(&mut self, name: &str) -> Result<u64> {
        self.need(name, Self::opt_uint)
    }

    pub fn uint_in(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<u64> {
        self.need(name, |fields, name| fields.opt_int(name, range)).map(i64::unsigned_abs)
    }

    pub fn bool(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None => Err(FieldFault::Missing(self.path(name))),
            Some(Value::Bool(value)) => Ok(value),
            Some(_) => self.wrong(name),
        }
    }

    pub fn opt_text(&mut self, name: &str, text: Text) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(value)) => match text.broken(&value) {
                Some(rule) => self.rule(name, rule),
                None => Ok(Some(value)),
            },
            Some(_) => self.wrong(name),
        }
    }

    pub fn text(&mut self, name: &str, text: Text) -> Result<String> {
        self.need(name, |fields, name| fields.opt_text(name, text))
    }

    pub fn opt_array<const N: usize>(&mut self, name: &str) -> Result<Option<[u8; N]>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bytes(bytes)) => match bytes.try_into() {
                Ok(array) => Ok(Some(array)),
                Err(_) => self.rule(name, "wrong length"),
            },
            Some(_) => self.wrong(name),
        }
    }

    pub fn array<const N: usize>(&mut self, name: &str) -> Result<[u8; N]> {
        self.need(name, Self::opt_array)
    }

    pub fn opt_key(&mut self, name: &str) -> Result<Option<PublicKey>> {
        match self.opt_array(name)?.map(PublicKey::from_bytes) {
            Some(key) if !key.is_usable() => self.rule(name, "not a usable Ed25519 public key"),
            key => Ok(key),
        }
    }

    pub fn key(&mut self, name: &str) -> Result<PublicKey> {
        self.need(name, Self::opt_key)
    }

    pub fn opt_link(&mut self, name: &str) -> Result<Option<Cid>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Link(cid)) => Ok(Some(cid)),
            Some(_) => self.wrong(name),
        }
    }

    /// A link to a header or body: dag-cbor.
    pub fn opt_record(&mut self, name: &str) -> Result<Option<RecordId>> {
        match self.opt_link(name)? {
            None => Ok(None),
            Some(cid) => match RecordId::try_from(&cid) {
                Ok(id) => Ok(Some(id)),
                Err(_) => self.rule(name, "not a dag-cbor CID"),
            },
        }
    }

    /// A link to a file: raw or dag-pb.
    pub fn opt_file(&mut self, name: &str) -> Result<Option<Cid>> {
        match self.opt_link(name)? {
            Some(cid) if cid.codec() == DAG_CBOR => self.rule(name, "not the CID of a file (raw or dag-pb)"),
            cid => Ok(cid),
        }
    }

    pub fn file(&mut self, name: &str) -> Result<Cid> {
        self.need(name, Self::opt_file)
    }

    /// A link to a folder: dag-pb.
    pub fn opt_folder(&mut self, name: &str) -> Result<Option<Cid>> {
        match self.opt_link(name)? {
            Some(cid) if cid.codec() != DAG_PB => self.rule(name, "not the CID of a folder (dag-pb)"),
            cid => Ok(cid),
        }
    }

    /// A list of 1 to `most` items; absent stands for none, so that there is one way to say it.
    pub fn opt_list<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(Value, &str) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) if items.is_empty() || items.len() > most => {
                self.rule(name, "an empty list (leave the field out) or too many items")
            }
            Some(Value::List(items)) => {
                let path = self.path(name);
                items.into_iter().enumerate().map(|(index, item)| read(item, &format!("{path}[{index}]"))).collect()
            }
            Some(_) => self.wrong(name),
        }
    }

    pub fn list<T>(&mut self, name: &str, most: usize, read: impl FnMut(Value, &str) -> Result<T>) -> Result<Vec<T>> {
        let items = self.opt_list(name, most, read)?;
        if items.is_empty() { Err(FieldFault::Missing(self.path(name))) } else { Ok(items) }
    }

    /// One of a fixed set of words.
    pub fn opt_word<T: Copy>(&mut self, name: &str, words: &[(&'static str, T)]) -> Result<Option<T>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(word)) => match words.iter().find(|(known, _)| *known == word) {
                Some((_, value)) => Ok(Some(*value)),
                None => self.rule(name, "not one of the known words"),
            },
            Some(_) => self.wrong(name),
        }
    }
}

impl Text {
    /// The rule that `value` breaks.
    pub fn broken(self, value: &str) -> Option<&'static str> {
        match self {
            Text::Line(most) => bounded(value, most, |c| c.is_control() || matches!(c, '\u{202d}' | '\u{202e}')),
            Text::Lines(most) => bounded(value, most, |c| c.is_control() && c != '\n' && c != '\t'),
            Text::Rule(keeps, rule) => (!keeps(value)).then_some(rule),
        }
    }
}

fn bounded(value: &str, most: usize, refused: fn(char) -> bool) -> Option<&'static str> {
    match value.chars().count() {
        0 => Some("empty (leave the field out)"),
        count if count > most => Some("too long"),
        _ if value.chars().any(refused) => Some("has a control character"),
        _ => None,
    }
}

/// Whether all characters of a bounded ASCII word are allowed.
pub(crate) fn ascii_word(value: &str, most: usize, allowed: fn(u8) -> bool) -> bool {
    (1..=most).contains(&value.len()) && value.bytes().all(allowed)
}

/// A map being written; absent values leave no trace.
#[derive(Default)]
pub(crate) struct Writer(Vec<(String, Value)>);

impl Writer {
    pub fn put(mut self, name: &str, value: Value) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }

    pub fn opt(self, name: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    pub fn uint(self, name: &str, value: u64) -> Self {
        self.put(name, Value::uint(value))
    }

    pub fn text(self, name: &str, value: &str) -> Self {
        self.put(name, Value::text(value))
    }

    pub fn opt_text(self, name: &str, value: Option<&str>) -> Self {
        self.opt(name, value.map(Value::text))
    }

    pub fn link(self, name: &str, cid: Cid) -> Self {
        self.put(name, Value::Link(cid))
    }

    pub fn opt_link(self, name: &str, cid: Option<Cid>) -> Self {
        self.opt(name, cid.map(Value::Link))
    }

    /// A list, left out when it is empty.
    pub fn list<T>(self, name: &str, items: &[T], write: impl Fn(&T) -> Value) -> Self {
        let items: Vec<Value> = items.iter().map(write).collect();
        self.opt(name, (!items.is_empty()).then_some(Value::List(items)))
    }

    pub fn map(self) -> Value {
        Value::Map(self.0)
    }
}
