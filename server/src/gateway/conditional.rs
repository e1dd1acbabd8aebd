//! Conditional requests (RFC 9110 §13): content under a hash never changes, so an entity tag is all it takes.

/// Whether `If-None-Match` names `etag` (with its quotes): lists, weak tags and `*`; compared weakly.
pub fn none_match_hits(header: &str, etag: &str) -> bool {
    let wanted = opaque(etag);
    header.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == wanted)
}

/// Whether `If-Match` names `etag` strongly, or is `*`.
pub fn matches(header: &str, etag: &str) -> bool {
    let is_strong = !etag.starts_with("W/");
    header.split(',').map(str::trim).any(|tag| tag == "*" || (is_strong && tag == etag))
}

/// Whether a `Range` still counts: `If-Range` must name `etag` strongly; a date never does, for there is none.
pub fn range_counts(if_range: Option<&str>, etag: &str) -> bool {
    if_range.is_none_or(|tag| tag.trim() == etag && !etag.starts_with("W/"))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match() {
        let etag = "\"bafkx\"";
        for hit in ["\"bafkx\"", "*", "W/\"bafkx\"", "\"a\", \"bafkx\"", "\"a\",W/\"bafkx\"", " \"bafkx\" "] {
            assert!(none_match_hits(hit, etag), "{hit}");
        }
        for miss in ["", "bafkx", "\"bafk\"", "\"bafkx.raw\"", "\"a\", \"b\""] {
            assert!(!none_match_hits(miss, etag), "{miss}");
        }
        assert!(none_match_hits("\"x\"", "W/\"x\""));
    }

    #[test]
    fn if_match() {
        for hit in ["\"a\"", "*", "\"b\", \"a\""] {
            assert!(matches(hit, "\"a\""), "{hit}");
        }
        for miss in ["", "a", "\"b\"", "W/\"a\""] {
            assert!(!matches(miss, "\"a\""), "{miss}");
        }
        assert!(!matches("W/\"a\"", "W/\"a\"") && matches("*", "W/\"a\""));
    }

    #[test]
    fn if_range() {
        assert!(range_counts(None, "\"a\""));
        assert!(range_counts(Some("\"a\""), "\"a\""));
        assert!(!range_counts(Some("W/\"a\""), "\"a\""));
        assert!(!range_counts(Some("\"b\""), "\"a\""));
        assert!(!range_counts(Some("Wed, 21 Oct 2015 07:28:00 GMT"), "\"a\""));
        assert!(!range_counts(Some("W/\"a\""), "W/\"a\""));
    }
}
