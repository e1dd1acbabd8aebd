//! A denylist's text: a header of `key: value` lines, if there is one, then a rule a line.
//!
//! Of the header's YAML, the keys that the format knows are read where they are plain (`version`, `name`, and `hints`
//! with one pair a line); whatever is indented under another key is its author's own affair. No YAML library reads it:
//! the lists come from strangers, and YAML's references can make a megabyte into a terabyte.

use super::item::{self, Item, ItemError};

/// A header that is longer isn't one.
const MAX_HEADER_BYTES: usize = 1 << 20;
/// A longer line is left out.
const MAX_LINE_BYTES: usize = 2 << 20;
/// How many rules a list may have.
const MAX_RULES: usize = 8_000_000;
/// How many wrong lines are named.
const MAX_FAULTS: usize = 20;

/// A list that was read.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub name: String,
    /// What the header's hints say about legal reasons.
    pub is_legal: bool,
    /// The rules with their lines.
    pub items: Vec<(u32, Item)>,
    /// The first lines that were left out.
    pub faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub line: u32,
    pub reason: String,
}

/// Why a list can't be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("line {0} of its header isn't “key: value”")]
    Header(usize),
    #[error("it is of version {0:?}; only version 1 is known")]
    Version(String),
    #[error("it has more than {MAX_RULES} rules")]
    TooManyRules,
}

impl List {
    pub fn empty(name: String) -> Self {
        Self { name, ..Self::default() }
    }
}

/// Reads a list; `name` is the one it has if it gives itself none.
pub fn parse(name: &str, bytes: &[u8]) -> Result<List, ListError> {
    let mut list = List::empty(name.to_owned());
    // Some editors begin every file with a byte order mark.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let (header, first_line) = header_of(bytes);
    if let Some(header) = header {
        read_header(&String::from_utf8_lossy(header), &mut list)?;
    }
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate().skip(first_line) {
        match rule(line) {
            Ok(None) => {}
            Ok(Some(_)) if list.items.len() == MAX_RULES => return Err(ListError::TooManyRules),
            Ok(Some(item)) => list.items.push((number(index), item)),
            Err(error) if list.faults.len() < MAX_FAULTS => {
                list.faults.push(Fault { line: number(index), reason: error.to_string() });
            }
            Err(_) => {}
        }
    }
    Ok(list)
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// The rule in a line; `None` for comments and empty lines.
fn rule(line: &[u8]) -> Result<Option<Item>, ItemError> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    if line.len() >= MAX_LINE_BYTES {
        return Err(ItemError::Unknown);
    }
    item::parse(std::str::from_utf8(line).map_err(|_| ItemError::NotUtf8)?).map(Some)
}

/// The header, and how many lines it takes with its end.
fn header_of(bytes: &[u8]) -> (Option<&[u8]>, usize) {
    let mut length = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii_end() == b"---" {
            return (Some(&bytes[..length]), index + 1);
        }
        length += line.len();
        if length > MAX_HEADER_BYTES {
            break;
        }
    }
    (None, 0)
}

fn read_header(header: &str, list: &mut List) -> Result<(), ListError> {
    let mut section = "";
    for (index, line) in header.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let is_inner = line.starts_with([' ', '\t']);
        let Some((key, value)) = line.split_once(':') else {
            // Text that goes on from the line before.
            if is_inner {
                continue;
            }
            return Err(ListError::Header(index + 1));
        };
        let (key, value) = (key.trim(), plain(value));
        match (is_inner, section, key) {
            (true, "hints", name) => list.is_legal = item::is_legal(name, value).unwrap_or(list.is_legal),
            (true, ..) => {}
            (false, _, "version") if value != "1" => return Err(ListError::Version(value.to_owned())),
            (false, _, "name") if !value.is_empty() => list.name = value.chars().take(100).collect(),
            _ => {}
        }
        if !is_inner {
            section = key;
        }
    }
    Ok(())
}

/// A value without quotes and without a comment behind it.
fn plain(value: &str) -> &str {
    let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
    let unquoted = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CID: &str = "/ipfs/QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8";

    #[test]
    fn header_and_rules() {
        let text = format!(
            "version: 1\nname: \"Example list\" # ours\ndescription: |\n  many words\n  more: words\nauthor: a@b.example\n\
             hints:\n  reason: legal\n---\n# a comment\n\n{CID}\nnonsense\n  !{CID}/x  \n"
        );
        let list = parse("file.deny", text.as_bytes()).unwrap();
        assert_eq!((list.name.as_str(), list.is_legal), ("Example list", true));
        assert_eq!(list.items.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [12, 14]);
        assert_eq!(list.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [13]);
    }

    #[test]
    fn no_header_is_needed() {
        let list = parse("file.deny", CID.as_bytes()).unwrap();
        assert_eq!((list.name.as_str(), list.items.len()), ("file.deny", 1));
        let large = format!("{}---\n{CID}\n", "#\n".repeat(MAX_HEADER_BYTES));
        let list = parse("x", large.as_bytes()).unwrap();
        assert_eq!(list.items.len(), 1, "what is too long for a header is read as rules");
        assert_eq!(list.faults.len(), 1, "and its end is none");
    }

    #[test]
    fn one_line_that_isn_t_utf_8_is_left_out() {
        let bytes = [b"\xef\xbb\xbf/ipfs/\xff\xfe\n", CID.as_bytes(), b"\r\n", CID.as_bytes(), b"/\xff*\n"].concat();
        let list = parse("x", &bytes).unwrap();
        assert_eq!(list.items.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2]);
        assert_eq!(list.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 3]);
        let marked = format!("\u{feff}version: 1\nname: Ours\n---\n{CID}\n");
        let list = parse("x", marked.as_bytes()).unwrap();
        assert_eq!((list.name.as_str(), list.items.len(), list.faults.len()), ("Ours", 1, 0));
    }

    #[test]
    fn refused() {
        assert_eq!(parse("x", b"version: 2\n---\n").unwrap_err(), ListError::Version("2".to_owned()));
        assert_eq!(parse("x", b"name: a\n{nonsense\n---\n").unwrap_err(), ListError::Header(2));
    }

    proptest! {
        #[test]
        fn hostile_lists_never_panic(text in "([/!*#:a-f0-9Q\\- \n]|ipfs|---|%){0,200}") {
            if let Ok(list) = parse("x", text.as_bytes()) {
                prop_assert!(list.faults.len() <= MAX_FAULTS);
            }
        }
    }
}
