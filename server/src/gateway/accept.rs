//! The `Accept` header (RFC 9110 §12.5.1): media types with parameters, the best liked first.

use axum::http::{HeaderMap, header};

/// Further types in one request are ignored.
const MAX_TYPES: usize = 32;

/// A media type that a client takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, in lower case.
    pub essence: String,
    params: Vec<(String, String)>,
    /// How well it is liked, 1 to 1000.
    pub quality: u16,
}

impl MediaType {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?.to_ascii_lowercase();
        let mut media_type = Self { essence, params: Vec::new(), quality: 1000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            match name.as_str() {
                "q" => media_type.quality = quality(value),
                _ => media_type.params.push((name, value.to_owned())),
            }
        }
        Some(media_type)
    }
}

/// What a client takes, the best liked first, and in the order of the header where it likes two the same.
pub fn accepted(headers: &HeaderMap) -> Vec<MediaType> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types: Vec<MediaType> =
        values.flat_map(|value| value.split(',')).filter_map(MediaType::parse).take(MAX_TYPES).collect();
    types.retain(|media_type| media_type.quality > 0);
    types.sort_by_key(|media_type| std::cmp::Reverse(media_type.quality));
    types
}

/// `0.5` as 500; what isn't a number counts as the least.
fn quality(text: &str) -> u16 {
    let value: f32 = text.parse().unwrap_or(0.0);
    // Saturates; nonsense such as NaN becomes 0.
    (value.clamp(0.0, 1.0) * 1000.0) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &str) -> Vec<String> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]);
        accepted(&headers).into_iter().map(|media_type| media_type.essence).collect()
    }

    #[test]
    fn best_liked_first() {
        assert_eq!(of("a/b;q=0.2, c/d, E/F;q=0.5, g/h"), ["c/d", "g/h", "e/f", "a/b"]);
        assert_eq!(of("a/b;q=0, */*;q=nan, nonsense, "), Vec::<String>::new());
        let headers = HeaderMap::from_iter([(header::ACCEPT, "x/y; Order=\"dfs\" ;dups=y".parse().unwrap())]);
        let types = accepted(&headers);
        assert_eq!((types[0].param("order"), types[0].param("dups")), (Some("dfs"), Some("y")));
        assert_eq!(types[0].param("version"), None);
    }

    proptest! {
        #[test]
        fn hostile_headers_are_bounded(value in "[ -~]{0,300}") {
            let headers = HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]);
            prop_assert!(accepted(&headers).len() <= MAX_TYPES);
        }
    }
}
