//! A part of a file, as `entity-bytes` of the trustless gateway gives it.

use std::{ops::Range, str::FromStr};

/// `from:to`, both included; negative numbers count from the end, and `*` is the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityBytes {
    from: i64,
    to: Option<i64>,
}

/// Why a text gives no part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntityBytesError {
    #[error("it isn't written as from:to, such as 0:1023, -1024:* or 499:-1000")]
    Syntax,
    #[error("it ends before it begins")]
    Reversed,
}

impl FromStr for EntityBytes {
    type Err = EntityBytesError;

    fn from_str(text: &str) -> Result<Self, EntityBytesError> {
        let (from, to) = text.split_once(':').ok_or(EntityBytesError::Syntax)?;
        let from = number(from)?;
        let to = if to == "*" { None } else { Some(number(to)?) };
        match to {
            Some(to) if (from < 0) == (to < 0) && to < from => Err(EntityBytesError::Reversed),
            _ => Ok(Self { from, to }),
        }
    }
}

/// Digits with an optional minus. Numbers too large for us are as good as the largest.
fn number(text: &str) -> Result<i64, EntityBytesError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EntityBytesError::Syntax);
    }
    let value = digits.parse().unwrap_or(i64::MAX);
    Ok(if text.starts_with('-') { -value } else { value })
}

impl EntityBytes {
    /// Whether everything that is meant lies before or behind the bytes of a file of this size.
    pub fn is_outside(self, size_bytes: u64) -> bool {
        let (from, to) = self.places(size_bytes);
        size_bytes > 0 && (from >= i128::from(size_bytes) || to < 0)
    }

    /// The bytes of a file of this size that are meant; `None` when there are none.
    pub fn within(self, size_bytes: u64) -> Option<Range<u64>> {
        let (from, to) = self.places(size_bytes);
        let (from, end) = (from.max(0), (to + 1).min(i128::from(size_bytes)));
        if from >= end {
            return None;
        }
        Some(u64::try_from(from).ok()?..u64::try_from(end).ok()?)
    }

    /// First and last byte, counted from the beginning; maybe outside of the file.
    fn places(self, size_bytes: u64) -> (i128, i128) {
        let size = i128::from(size_bytes);
        let place = |number: i64| if number < 0 { size + i128::from(number) } else { i128::from(number) };
        (place(self.from), self.to.map_or(size - 1, place))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn table() {
        let cases = [
            ("0:*", 1026, Some(0..1026)),
            ("512:*", 1026, Some(512..1026)),
            ("512:1023", 1026, Some(512..1024)),
            ("512:-256", 1026, Some(512..771)),
            ("-5:*", 1026, Some(1021..1026)),
            ("-9999:*", 1026, Some(0..1026)),
            ("-9999:-3", 1026, Some(0..1024)),
            ("0:0", 1026, Some(0..1)),
            ("0:99999999999999999999", 1026, Some(0..1026)),
            ("-99999999999999999999:-1", 1026, Some(0..1026)),
            ("1026:*", 1026, None),
            ("2000:3000", 1026, None),
            ("-9999:-5000", 1026, None),
            ("1000:-1000", 1026, None),
            ("0:*", 0, None),
        ];
        for (text, size, expected) in cases {
            assert_eq!(text.parse::<EntityBytes>().unwrap().within(size), expected, "{text} of {size}");
        }
    }

    #[test]
    fn outside() {
        for (text, size, expected) in [
            ("1026:*", 1026, true),
            ("1025:*", 1026, false),
            ("-9999:-1027", 1026, true),
            ("-9999:-1026", 1026, false),
            ("1000:-1000", 1026, false),
            ("0:*", 0, false),
        ] {
            assert_eq!(text.parse::<EntityBytes>().unwrap().is_outside(size), expected, "{text} of {size}");
        }
    }

    #[test]
    fn refused() {
        for text in ["", ":", "0", "0:", ":5", "*:5", "a:b", "+1:2", "1:2:3", "0x1:2", "--1:2", "1: 2", "-:*"] {
            assert_eq!(text.parse::<EntityBytes>(), Err(EntityBytesError::Syntax), "{text}");
        }
        for text in ["5:4", "-4:-5"] {
            assert_eq!(text.parse::<EntityBytes>(), Err(EntityBytesError::Reversed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_outside(text in "[-0-9*:]{0,24}", size in any::<u64>()) {
            if let Ok(bytes) = text.parse::<EntityBytes>()
                && let Some(range) = bytes.within(size)
            {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
