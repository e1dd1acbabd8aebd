//! The parameters of a content address. Unknown ones are ignored, of repeated ones the first counts.

use url::form_urlencoded;

/// Further pairs in one query are ignored.
const MAX_PAIRS: usize = 64;

/// The parameters that a gateway knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub format: Option<String>,
    /// A name for the saved file.
    pub filename: Option<String>,
    /// `true`: save rather than show.
    pub download: bool,
    pub dag_scope: Option<String>,
    pub entity_bytes: Option<String>,
    pub car_version: Option<String>,
    pub car_order: Option<String>,
    pub car_dups: Option<String>,
}

impl Query {
    pub fn parse(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).take(MAX_PAIRS) {
            let place = match &*name {
                "format" => &mut query.format,
                "filename" => &mut query.filename,
                "dag-scope" => &mut query.dag_scope,
                "entity-bytes" => &mut query.entity_bytes,
                "car-version" => &mut query.car_version,
                "car-order" => &mut query.car_order,
                "car-dups" => &mut query.car_dups,
                "download" => {
                    query.download = value == "true";
                    continue;
                }
                _ => continue,
            };
            if !value.is_empty() {
                place.get_or_insert_with(|| value.into_owned());
            }
        }
        query
    }
}

/// The same query with these parameters as well, sorted by name: what `Content-Location` names.
pub fn with(raw: Option<&str>, added: &[(&str, &str)]) -> String {
    let given = form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().take(MAX_PAIRS);
    let mut pairs: Vec<(String, String)> = given.filter(|(name, _)| added.iter().all(|pair| pair.0 != name)).collect();
    pairs.extend(added.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    pairs.sort();
    let encode = |text: &str| text.split(' ').map(encode_part).collect::<Vec<_>>().join("+");
    pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

fn encode_part(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, super::shape::UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn table() {
        let query = Query::parse(Some("format=car&dag-scope=entity&entity-bytes=0%3A%2A&car-dups=y&x=1&format=raw"));
        assert_eq!(query.format.as_deref(), Some("car"), "the first counts");
        assert_eq!(query.dag_scope.as_deref(), Some("entity"));
        assert_eq!(query.entity_bytes.as_deref(), Some("0:*"));
        assert_eq!(query.car_dups.as_deref(), Some("y"));
        assert_eq!(Query::parse(Some("format=&download=1")), Query::default());
        assert_eq!(Query::parse(None), Query::default());
        assert!(Query::parse(Some("download=true")).download);
    }

    #[test]
    fn locations_are_sorted_and_fully_encoded() {
        let location = with(Some("entity-bytes=0%3A%2A&filename=a%20b&format=tar"), &[("format", "car")]);
        assert_eq!(location, "entity-bytes=0%3A%2A&filename=a+b&format=car");
        assert_eq!(with(None, &[("format", "raw")]), "format=raw");
    }

    proptest! {
        #[test]
        fn hostile_queries_never_panic(raw in ".{0,200}") {
            let _ = Query::parse(Some(&raw));
            prop_assert!(with(Some(&raw), &[("format", "car")]).is_ascii());
        }
    }
}
