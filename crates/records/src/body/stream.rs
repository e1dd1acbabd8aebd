//! `stream`: a publication. The first one creates a claim; an update names the claim and the version it replaces, and
//! holds all fields again.

use cid::Cid;

use super::profile::read_name;
use super::{read_map, read_text};
use crate::cbor::{MAX_INT, Value};
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer, ascii_word};
use crate::id::{ClaimId, RecordId};
use crate::names::Name;

pub const MAX_TITLE_CHARS: usize = 200;
pub const MAX_DESCRIPTION_CHARS: usize = 20_000;
pub const MAX_TAGS: usize = 20;
pub const MAX_TAG_CHARS: usize = 50;
pub const MAX_CAPTIONS: usize = 50;
pub const MAX_CHAPTERS: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Present in an update.
    pub update: Option<Update>,
    /// The slug.
    pub name: Name,
    pub title: String,
    /// Markdown.
    pub description: Option<String>,
    pub source: Source,
    /// The playback folder that the creator approves.
    pub root: Option<Cid>,
    pub poster: Option<Cid>,
    pub tags: Vec<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// An SPDX expression or words.
    pub licence: Option<String>,
    /// When the work came out, ms since 1970 (before it: negative).
    pub released_at: Option<i64>,
    /// What to tell people before it plays.
    pub warning: Option<String>,
    pub visibility: Visibility,
    pub comments: CommentPolicy,
    pub captions: Vec<Caption>,
    /// Ascending.
    pub chapters: Vec<Chapter>,
}

/// Which version of which claim an update replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The header that created the claim.
    pub claim: ClaimId,
    /// The newest version so far.
    pub replaces: RecordId,
}

/// The file as its maker uploaded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub cid: Cid,
    pub bytes: u64,
    /// Lower case, without parameters.
    pub media_type: String,
    pub file_name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    /// Not linked from anywhere; not a secret.
    Unlisted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentPolicy {
    Open,
    Followers,
    Off,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    pub language: String,
    pub cid: Cid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    pub at_ms: u64,
    pub title: String,
}

const VISIBILITIES: [(&str, Visibility); 2] = [("public", Visibility::Public), ("unlisted", Visibility::Unlisted)];
const POLICIES: [(&str, CommentPolicy); 3] =
    [("open", CommentPolicy::Open), ("followers", CommentPolicy::Followers), ("off", CommentPolicy::Off)];

impl Stream {
    /// A new public claim with nothing but what it must have.
    pub fn new(name: Name, title: impl Into<String>, source: Source) -> Stream {
        Stream {
            update: None,
            name,
            title: title.into(),
            description: None,
            source,
            root: None,
            poster: None,
            tags: vec![],
            language: None,
            licence: None,
            released_at: None,
            warning: None,
            visibility: Visibility::Public,
            comments: CommentPolicy::Open,
            captions: vec![],
            chapters: vec![],
        }
    }

    pub(super) fn write(&self) -> Writer {
        let source = Writer::default()
            .link("cid", self.source.cid)
            .uint("bytes", self.source.bytes)
            .text("media_type", &self.source.media_type)
            .opt_text("file_name", self.source.file_name.as_deref());
        Writer::default()
            .opt_link("claim", self.update.map(|update| update.claim.cid()))
            .opt_link("replaces", self.update.map(|update| update.replaces.cid()))
            .text("name", self.name.as_str())
            .text("title", &self.title)
            .opt_text("description", self.description.as_deref())
            .put("source", source.map())
            .opt_link("root", self.root)
            .opt_link("poster", self.poster)
            .list("tags", &self.tags, |tag| Value::text(tag.as_str()))
            .opt_text("language", self.language.as_deref())
            .opt_text("licence", self.licence.as_deref())
            .opt("released_at", self.released_at.map(Value::Int))
            .opt_text("warning", self.warning.as_deref())
            .text("visibility", word(&VISIBILITIES, self.visibility))
            .text("comments", word(&POLICIES, self.comments))
            .list("captions", &self.captions, |caption| {
                Writer::default().text("language", &caption.language).link("cid", caption.cid).map()
            })
            .list("chapters", &self.chapters, |chapter| {
                Writer::default().uint("at_ms", chapter.at_ms).text("title", &chapter.title).map()
            })
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Stream, FieldFault> {
        let language = Text::Rule(is_language, "not a BCP 47 language tag");
        let stream = Stream {
            update: read_update(fields)?,
            name: read_name(fields, "name")?,
            title: fields.text("title", Text::Line(MAX_TITLE_CHARS))?,
            description: fields.opt_text("description", Text::Lines(MAX_DESCRIPTION_CHARS))?,
            source: fields.need("source", |fields, name| {
                let path = fields.path(name);
                fields.take(name).map(|value| read_map(value, &path, Source::read)).transpose()
            })?,
            root: fields.opt_folder("root")?,
            poster: fields.opt_file("poster")?,
            tags: fields.opt_list("tags", MAX_TAGS, |tag, path| read_text(tag, path, Text::Line(MAX_TAG_CHARS)))?,
            language: fields.opt_text("language", language)?,
            licence: fields.opt_text("licence", Text::Line(200))?,
            released_at: fields.opt_int("released_at", -MAX_INT..=MAX_INT)?,
            warning: fields.opt_text("warning", Text::Line(200))?,
            visibility: fields.need("visibility", |fields, name| fields.opt_word(name, &VISIBILITIES))?,
            comments: fields.need("comments", |fields, name| fields.opt_word(name, &POLICIES))?,
            captions: fields.opt_list("captions", MAX_CAPTIONS, |item, path| {
                read_map(item, path, |caption| {
                    Ok(Caption { language: caption.text("language", language)?, cid: caption.file("cid")? })
                })
            })?,
            chapters: fields.opt_list("chapters", MAX_CHAPTERS, |item, path| {
                read_map(item, path, |chapter| {
                    Ok(Chapter { at_ms: chapter.uint("at_ms")?, title: chapter.text("title", Text::Line(100))? })
                })
            })?,
        };
        let mut tags: Vec<&String> = stream.tags.iter().collect();
        tags.sort_unstable();
        if tags.windows(2).any(|pair| pair[0] == pair[1]) {
            return fields.rule("tags", "one twice");
        }
        if !stream.chapters.is_sorted_by(|a, b| a.at_ms < b.at_ms) {
            return fields.rule("chapters", "not in ascending order");
        }
        Ok(stream)
    }
}

impl Source {
    fn read(fields: &mut Fields) -> Result<Source, FieldFault> {
        Ok(Source {
            cid: fields.file("cid")?,
            bytes: fields.uint("bytes")?,
            media_type: fields.text("media_type", Text::Rule(is_media_type, "not type/subtype in lower case"))?,
            file_name: fields.opt_text("file_name", Text::Rule(is_file_name, "not a plain file name"))?,
        })
    }
}

fn read_update(fields: &mut Fields) -> Result<Option<Update>, FieldFault> {
    match (fields.opt_record("claim")?, fields.opt_record("replaces")?) {
        (Some(claim), Some(replaces)) => Ok(Some(Update { claim, replaces })),
        (None, None) => Ok(None),
        _ => fields.rule("claim", "an update names both claim and replaces"),
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

pub(super) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&first.len())
        && ascii_word(first, 8, |byte| byte.is_ascii_alphabetic())
        && parts.all(|part| ascii_word(part, 8, |byte| byte.is_ascii_alphanumeric()))
}

fn is_media_type(text: &str) -> bool {
    let part = |part| {
        ascii_word(
            part,
            63,
            |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'+' | b'-' | b'_' | b'!' | b'#' | b'$' | b'&' | b'^'),
        )
    };
    text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

/// What can be offered as a download name anywhere: no folder in it.
fn is_file_name(name: &str) -> bool {
    Text::Line(255).broken(name).is_none() && !name.contains(['/', '\\']) && name != "." && name != ".."
}
