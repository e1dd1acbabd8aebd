//! Handles and slugs: one normal form, one alphabet, one length, and the skeleton by which look-alikes are found.
//!
//! The normal form is NFKC, then full case folding, then NFKC again. Allowed are letters, marks and numbers of any
//! script, `-` and `_`; no dot, no space, nothing invisible. Unicode's tables are those of the crates in the lock file.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest name, in characters (code points) of its normal form.
pub const MAX_NAME_CHARS: usize = 80;
/// The longest input that is normalised at all.
const MAX_INPUT_BYTES: usize = 2048;

/// So much of a title goes into its slug's making.
const MAX_TITLE_CHARS: usize = 512;

/// A handle or slug in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name has at least one character")]
    Empty,
    #[error("a name has at most 80 characters")]
    TooLong,
    #[error("a name consists of letters, digits, - and _")]
    Character,
    #[error("a name begins with a letter, a digit, - or _, and has at least one letter or digit")]
    NoLetter,
}

impl NameError {
    /// A stable word for answers and test vectors.
    pub fn code(self) -> &'static str {
        match self {
            NameError::Empty => "name_empty",
            NameError::TooLong => "name_too_long",
            NameError::Character => "name_character",
            NameError::NoLetter => "name_no_letter",
        }
    }
}

impl Name {
    /// The name that `text` means, in normal form.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        if text.len() > MAX_INPUT_BYTES {
            return Err(NameError::TooLong);
        }
        let normal = normalise(text);
        if normal.is_empty() {
            return Err(NameError::Empty);
        }
        if !normal.chars().all(is_name_char) || normalise(&normal) != normal {
            return Err(NameError::Character);
        }
        if normal.starts_with(is_combining_mark) || !normal.chars().any(is_letter_or_number) {
            return Err(NameError::NoLetter);
        }
        if normal.chars().count() > MAX_NAME_CHARS {
            return Err(NameError::TooLong);
        }
        Ok(Name(normal))
    }

    /// Whether `text` is a name and already in its normal form, as records hold it.
    pub fn is_normal(text: &str) -> bool {
        Name::parse(text).is_ok_and(|name| name.0 == text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::parse(text)
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The confusable skeleton (UTS #39) of a name, case folded: two handles with one skeleton look alike.
pub fn skeleton(name: &Name) -> String {
    normalise(&unicode_security::skeleton(&name.0).collect::<String>())
}

/// A slug for a title: runs of anything but letters, digits and `_` become one `-`, trimmed, cut to 80 characters.
/// `None` if nothing is left.
pub fn slug_from_title(title: &str) -> Option<Name> {
    let mut slug = String::new();
    let start: String = title.chars().take(MAX_TITLE_CHARS).collect();
    for c in normalise(&start).chars() {
        let at_start = slug.is_empty() || slug.ends_with('-');
        if c != '-' && is_name_char(c) && !(at_start && is_combining_mark(c)) {
            slug.push(c);
        } else if !at_start {
            slug.push('-');
        }
    }
    Name::parse(&cut(slug.trim_matches('-'), MAX_NAME_CHARS)).ok()
}

/// `base-2` and so on for a slug that is taken, cut so that it stays a name.
pub fn with_suffix(base: &Name, number: u32) -> Name {
    let suffix = format!("-{number}");
    Name(cut(&base.0, MAX_NAME_CHARS - suffix.len()) + &suffix)
}

/// The first `most` characters, without a hyphen at the end.
fn cut(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    cut.trim_end_matches('-').to_owned()
}

/// NFKC, full case folding, NFKC.
fn normalise(text: &str) -> String {
    text.nfkc().flat_map(fold).nfkc().collect()
}

/// Unicode's full case folding of one character, derived from the case mappings: lower, upper and lower again agrees
/// with CaseFolding.txt but for the dotless i, which folds to itself, and Cherokee, which folds to its capitals.
fn fold(c: char) -> impl Iterator<Item = char> {
    let folded = match c {
        'a'..='z' | '0'..='9' | '-' | '_' | '\u{131}' | '\u{13a0}'..='\u{13f5}' => vec![c],
        '\u{13f8}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => c.to_uppercase().collect(),
        _ => c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
    };
    folded.into_iter()
}

fn is_letter_or_number(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric()
}

fn is_name_char(c: char) -> bool {
    (c == '-' || c == '_' || is_letter_or_number(c) || is_combining_mark(c)) && !is_invisible(c)
}

/// Letters and marks that leave no trace on the page (Default_Ignorable_Code_Point).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}' | '\u{180f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}
