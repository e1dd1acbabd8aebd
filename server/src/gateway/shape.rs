//! What an answer looks like, apart from its bytes: type, entity tag, and the name to save it under.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Ask;

/// What keeps its form everywhere in an address.
pub const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

pub struct Shape {
    pub content_type: String,
    pub disposition: Option<String>,
}

/// `Content-Disposition` with a plain name and its exact form (RFC 6266, RFC 8187).
pub fn disposition(ask: &Ask, default_name: &str, is_shown: bool) -> String {
    let name = ask.query.filename.as_deref().unwrap_or(default_name);
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' })
        .collect();
    let exact = utf8_percent_encode(name, UNRESERVED);
    let kind = if is_shown && !ask.query.download { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}
