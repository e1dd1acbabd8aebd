//! `profile`: how a channel is called and shown. The newest one counts; a handle once taken stays the channel's.

use cid::Cid;

use super::read_map;
use crate::cbor::Value;
use crate::error::FieldFault;
use crate::fields::{Fields, Text, Writer, ascii_word};
use crate::names::Name;

pub const MAX_NAME_CHARS: usize = 100;
pub const MAX_ABOUT_CHARS: usize = 5_000;
pub const MAX_LINKS: usize = 20;
const MAX_URL_BYTES: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub handle: Name,
    /// The name for display: one line.
    pub name: String,
    /// Markdown.
    pub about: Option<String>,
    pub avatar: Option<Cid>,
    pub banner: Option<Cid>,
    pub links: Vec<Link>,
    /// A Lightning Address, `user@host`.
    pub lightning: Option<String>,
}

/// A web page that the channel points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    pub title: Option<String>,
}

impl Profile {
    /// A profile with nothing but its names.
    pub fn new(handle: Name, name: impl Into<String>) -> Profile {
        Profile { handle, name: name.into(), about: None, avatar: None, banner: None, links: vec![], lightning: None }
    }

    pub(super) fn write(&self) -> Writer {
        Writer::default()
            .text("handle", self.handle.as_str())
            .text("name", &self.name)
            .opt_text("about", self.about.as_deref())
            .opt_link("avatar", self.avatar)
            .opt_link("banner", self.banner)
            .list("links", &self.links, |link| {
                Writer::default().text("url", &link.url).opt_text("title", link.title.as_deref()).map()
            })
            .opt_text("lightning", self.lightning.as_deref())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Profile, FieldFault> {
        Ok(Profile {
            handle: read_name(fields, "handle")?,
            name: fields.text("name", Text::Line(MAX_NAME_CHARS))?,
            about: fields.opt_text("about", Text::Lines(MAX_ABOUT_CHARS))?,
            avatar: fields.opt_file("avatar")?,
            banner: fields.opt_file("banner")?,
            links: fields.opt_list("links", MAX_LINKS, |item: Value, path| {
                read_map(item, path, |link| {
                    Ok(Link {
                        url: link.text("url", Text::Rule(is_web_url, "not an http or https URL"))?,
                        title: link.opt_text("title", Text::Line(100))?,
                    })
                })
            })?,
            lightning: fields.opt_text("lightning", Text::Rule(is_lightning_address, "not of the form user@host"))?,
        })
    }
}

/// A handle or slug, which must stand in its normal form.
pub(super) fn read_name(fields: &mut Fields, name: &str) -> Result<Name, FieldFault> {
    let text = fields.text(name, Text::Rule(Name::is_normal, "not a name in its normal form"))?;
    Name::parse(&text).map_err(|_| FieldFault::Rule { path: fields.path(name), rule: "not a name in its normal form" })
}

/// Printable ASCII after the scheme: other hosts in Punycode, other paths percent-encoded.
fn is_web_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        ascii_word(rest, MAX_URL_BYTES, |byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte))
    })
}

fn is_lightning_address(address: &str) -> bool {
    address.split_once('@').is_some_and(|(user, host)| {
        ascii_word(user, 64, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'+' | b'-'))
            && ascii_word(host, 253, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
    })
}
