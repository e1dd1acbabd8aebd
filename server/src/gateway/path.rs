//! What a gateway address names: a CID, then names to follow.

use cid::Cid;
use percent_encoding::percent_decode_str;

/// No CID that we could hold is longer in any base, but for identity ones, which carry their content.
const MAX_CID_CHARS: usize = 1024;
const MAX_SEGMENTS: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentPath {
    pub root: Cid,
    /// Decoded names, never empty ones.
    pub segments: Vec<String>,
    /// A directory is shown only under an address that ends with a slash, so that relative links work.
    pub trailing_slash: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("“{0}” isn't a CID, or holds more than 64 bytes itself. An address looks like /ipfs/<cid>/<path>.")]
    NotACid(String),
    #[error("The path isn't UTF-8 once its percent signs are decoded.")]
    NotUtf8,
    #[error("The path has more than {MAX_SEGMENTS} parts.")]
    TooDeep,
}

/// Reads what follows `/ipfs/`, still percent-encoded.
pub fn parse(encoded: &str) -> Result<ContentPath, PathError> {
    let (cid, rest) = encoded.split_once('/').unwrap_or((encoded, ""));
    let root = parse_cid(cid)?;
    Ok(ContentPath { root, segments: segments(rest)?, trailing_slash: encoded.ends_with('/') })
}

/// Decodes each part by itself, so that an encoded slash stays within its name.
pub fn segments(encoded: &str) -> Result<Vec<String>, PathError> {
    let mut segments = Vec::new();
    for part in encoded.split('/').filter(|part| !part.is_empty()) {
        if segments.len() == MAX_SEGMENTS {
            return Err(PathError::TooDeep);
        }
        segments.push(percent_decode_str(part).decode_utf8().map_err(|_| PathError::NotUtf8)?.into_owned());
    }
    Ok(segments)
}

fn parse_cid(text: &str) -> Result<Cid, PathError> {
    let bad = || PathError::NotACid(text.chars().take(100).collect());
    if text.len() > MAX_CID_CHARS {
        return Err(bad());
    }
    Cid::try_from(text).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V1: &str = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am";
    const V0: &str = "QmYhmPjhFjYFyaoiuNzYv8WGavpSRDwdHWe5B4M5du5Rtk";

    #[test]
    fn table() {
        let cases = [
            (V1.to_owned(), vec![], false),
            (format!("{V1}/"), vec![], true),
            (format!("{V0}/a/b.mp4"), vec!["a", "b.mp4"], false),
            (format!("{V1}/%C4%85/x%2Fy/"), vec!["ą", "x/y"], true),
            (format!("{V1}//a//b"), vec!["a", "b"], false),
            (format!("{V1}/a%252C+b=c%20d"), vec!["a%2C+b=c d"], false),
        ];
        for (text, segments, trailing_slash) in cases {
            let path = parse(&text).unwrap();
            assert_eq!(path.segments, segments, "{text}");
            assert_eq!(path.trailing_slash, trailing_slash, "{text}");
        }
    }

    #[test]
    fn refused() {
        assert!(matches!(parse("hello/world"), Err(PathError::NotACid(_))));
        assert!(matches!(parse(""), Err(PathError::NotACid(_))));
        assert!(matches!(parse(&"b".repeat(5000)), Err(PathError::NotACid(_))));
        assert_eq!(parse(&format!("{V1}/%ff")), Err(PathError::NotUtf8));
        assert_eq!(parse(&format!("{V1}{}", "/a".repeat(65))), Err(PathError::TooDeep));
    }

    proptest! {
        #[test]
        fn hostile_paths_never_panic(text in ".{0,200}") {
            let _ = parse(&text);
            let _ = parse(&format!("{V1}/{text}"));
        }
    }
}
