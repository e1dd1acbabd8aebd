//! Byte ranges (RFC 9110 §14): which part of a file a request asks for.
//!
//! What isn't understood is ignored, as the RFC wants it, and gives the whole file. Several ranges that follow each
//! other are all answered. Of ranges that overlap or go backwards, in which the RFC sees a broken client or an attack,
//! the first that can be satisfied is answered, which is what other IPFS gateways do with any set.

/// More ranges than this in one header are taken for an attack and ignored.
const MAX_RANGES: usize = 64;
/// More parts than this aren't sent in one answer.
const MAX_PARTS: usize = 32;
/// Of a 64-bit number.
const MAX_DIGITS: usize = 20;

/// A part of a file; `len` is at least 1 and `start + len` at most the file's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub start: u64,
    pub len: u64,
}

impl ByteRange {
    /// As `Content-Range` spells it.
    pub fn content_range(self, size_bytes: u64) -> String {
        let mut text = String::with_capacity("bytes -/".len() + 3 * MAX_DIGITS);
        for (before, number) in [("bytes ", self.start), ("-", self.start + self.len - 1), ("/", size_bytes)] {
            text.push_str(before);
            text.push_str(itoa::Buffer::new().format(number));
        }
        text
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    Part(ByteRange),
    /// At least two, each behind the one before it.
    Parts(Vec<ByteRange>),
    /// 416: no range overlaps the file.
    Unsatisfiable,
}

/// Reads a `Range` header against a file of `size_bytes`.
pub fn wanted(header: Option<&str>, size_bytes: u64) -> Wanted {
    let Some(set) = header.and_then(ranges_of) else { return Wanted::Whole };
    if let Some(only) = parse_spec(set.trim()) {
        return only.within(size_bytes).map_or(Wanted::Unsatisfiable, Wanted::Part);
    }
    let mut specs = Vec::new();
    for spec in set.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        let Some(spec) = parse_spec(spec) else { return Wanted::Whole };
        if specs.len() == MAX_RANGES {
            return Wanted::Whole;
        }
        specs.push(spec);
    }
    if specs.is_empty() {
        return Wanted::Whole;
    }
    let ranges: Vec<ByteRange> = specs.into_iter().filter_map(|spec| spec.within(size_bytes)).collect();
    let in_order = ranges.windows(2).all(|pair| pair[0].start + pair[0].len <= pair[1].start);
    match ranges[..] {
        [] => Wanted::Unsatisfiable,
        [first, ..] if ranges.len() == 1 || !in_order => Wanted::Part(first),
        _ if ranges.len() > MAX_PARTS => Wanted::Whole,
        _ => Wanted::Parts(ranges),
    }
}

fn ranges_of(header: &str) -> Option<&str> {
    let (unit, set) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(set)
}

#[derive(Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn parse_spec(spec: &str) -> Option<Spec> {
    let (first, last) = spec.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", "") => None,
        ("", suffix) => Some(Spec::Last(number(suffix)?)),
        (first, "") => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Digits only (`+1` isn't one); a number too large for us is as good as the largest.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX))
}

impl Spec {
    fn within(self, size_bytes: u64) -> Option<ByteRange> {
        let (start, end) = match self {
            Self::From(start) => (start, size_bytes),
            Self::Between(start, last) => (start, size_bytes.min(last.saturating_add(1))),
            Self::Last(len) => (size_bytes.saturating_sub(len), size_bytes),
        };
        (start < end).then(|| ByteRange { start, len: end - start })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(start: u64, len: u64) -> Wanted {
        Wanted::Part(ByteRange { start, len })
    }

    #[test]
    fn table() {
        let cases = [
            (None, 31, Wanted::Whole),
            (Some("bytes=6-16"), 31, part(6, 11)),
            (Some("bytes=0-"), 31, part(0, 31)),
            (Some("bytes=30-30"), 31, part(30, 1)),
            (Some("bytes=30-99"), 31, part(30, 1)),
            (Some("bytes=-3"), 31, part(28, 3)),
            (Some("bytes=-99"), 31, part(0, 31)),
            (Some("BYTES= 1 - 2"), 31, part(1, 2)),
            (Some("bytes=6-16,0-4"), 31, part(6, 11)),
            (Some("bytes=99-,0-4"), 31, part(0, 5)),
            (Some("bytes=0-99999999999999999999"), 31, part(0, 31)),
            (Some("bytes=31-"), 31, Wanted::Unsatisfiable),
            (Some("bytes=-0"), 31, Wanted::Unsatisfiable),
            (Some("bytes=99999999999999999999-"), 31, Wanted::Unsatisfiable),
            (Some("bytes=0-"), 0, Wanted::Unsatisfiable),
            (Some("bytes=-5"), 0, Wanted::Unsatisfiable),
            (Some("bytes=5-4"), 31, Wanted::Whole),
            (Some("bytes=+1-2"), 31, Wanted::Whole),
            (Some("bytes=a-b"), 31, Wanted::Whole),
            (Some("bytes=-"), 31, Wanted::Whole),
            (Some("bytes="), 31, Wanted::Whole),
            (Some("bytes"), 31, Wanted::Whole),
            (Some("items=0-1"), 31, Wanted::Whole),
            (Some("bytes=0-1,x"), 31, Wanted::Whole),
        ];
        for (header, size, expected) in cases {
            assert_eq!(wanted(header, size), expected, "{header:?} of {size}");
        }
        let many = format!("bytes={}", vec!["0-0"; MAX_RANGES + 1].join(","));
        assert_eq!(wanted(Some(&many), 31), Wanted::Whole);
    }

    proptest! {
        /// Whatever the header, a part lies within the file and isn't empty.
        #[test]
        fn never_outside(header in "(bytes=)?[0-9,\\- ]{0,40}", size in any::<u64>()) {
            if let Wanted::Part(range) = wanted(Some(&header), size) {
                prop_assert!(range.len > 0);
                prop_assert!(range.start.checked_add(range.len).is_some_and(|end| end <= size));
            }
        }

        /// A well-formed range gives exactly the bytes that it names.
        #[test]
        fn exact(size in 1u64..10_000, a in 0u64..12_000, b in 0u64..12_000) {
            let (first, last) = (a.min(b), a.max(b));
            let got = wanted(Some(&format!("bytes={first}-{last}")), size);
            let expected: Vec<u64> = (first..=last).filter(|at| *at < size).collect();
            match got {
                Wanted::Part(range) => prop_assert_eq!((range.start..range.start + range.len).collect::<Vec<_>>(), expected),
                other => { prop_assert_eq!(other, Wanted::Unsatisfiable); prop_assert!(expected.is_empty()); }
            }
        }

        /// A suffix is the file's end.
        #[test]
        fn suffix(size in 1u64..10_000, len in 1u64..12_000) {
            let len_got = len.min(size);
            prop_assert_eq!(wanted(Some(&format!("bytes=-{len}")), size), part(size - len_got, len_got));
        }
    }
}
