//! Addresses of content: CIDs in any spelling, paths, the parts of a file that a CAR is asked for.

use pinreel_content::car::EntityBytes;
use pinreel_content::parse_cid;

use super::path;

const MOST_SEGMENTS: usize = 64;

pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(cid) = parse_cid(&text) {
        assert_eq!(parse_cid(&cid.to_string()), Some(cid), "{text}");
    }
    if let Ok(path) = path::parse(&text) {
        assert!(path.segments.len() <= MOST_SEGMENTS && path.segments.iter().all(|name| !name.is_empty()), "{text}");
        let escaped = path
            .segments
            .iter()
            .map(|name| percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string());
        let slash = if path.trailing_slash { "/" } else { "" };
        let again = format!("{}/{}{slash}", path.root, escaped.collect::<Vec<_>>().join("/"));
        let again = path::parse(&again).unwrap_or_else(|error| panic!("{text} as {again}: {error}"));
        assert_eq!((again.root, again.segments), (path.root, path.segments), "{text}");
    }
    let (number, text) = bytes.split_at(bytes.len().min(8));
    let size_bytes = number.iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
    if let Ok(part) = String::from_utf8_lossy(text).parse::<EntityBytes>()
        && let Some(range) = part.within(size_bytes)
    {
        assert!(range.start < range.end && range.end <= size_bytes, "{range:?} of {size_bytes}");
        assert!(!part.is_outside(size_bytes), "{range:?} of {size_bytes}");
    }
}
