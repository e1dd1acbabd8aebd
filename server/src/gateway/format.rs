//! Which form of the content a request wants: `?format=` beats `Accept` (IPIP-523); nothing is converted (IPIP-524).

use axum::http::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Raw,
    Json,
    Cbor,
    DagJson,
    DagCbor,
    Car,
    Tar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As a browser would have it: files as files, folders as pages.
    Native,
    /// By `?format=`.
    Query(Format),
    /// By `Accept`: the answer then names itself in `Content-Location`, for caches.
    Accept(Format),
}

impl Choice {
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Native => None,
            Self::Query(format) | Self::Accept(format) => Some(format),
        }
    }
}

const TABLE: [(&str, &str, Format); 7] = [
    ("raw", "application/vnd.ipld.raw", Format::Raw),
    ("json", "application/json", Format::Json),
    ("cbor", "application/cbor", Format::Cbor),
    ("dag-json", "application/vnd.ipld.dag-json", Format::DagJson),
    ("dag-cbor", "application/vnd.ipld.dag-cbor", Format::DagCbor),
    ("car", "application/vnd.ipld.car", Format::Car),
    ("tar", "application/x-tar", Format::Tar),
];

impl Format {
    fn row(self) -> (&'static str, &'static str) {
        TABLE.iter().find(|row| row.2 == self).map_or(("", ""), |row| (row.0, row.1))
    }

    pub fn name(self) -> &'static str {
        self.row().0
    }

    pub fn media_type(self) -> &'static str {
        self.row().1
    }
}

/// `Err` holds a value of `?format=` that names nothing.
pub fn choose<'q>(query: &'q Query, headers: &HeaderMap) -> Result<Choice, &'q str> {
    if let Some(name) = query.format.as_deref() {
        return TABLE.iter().find(|row| row.0 == name).map(|row| Choice::Query(row.2)).ok_or(name);
    }
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let explicit = accepted.flat_map(|value| value.split(',')).find_map(|one| {
        let essence = one.split(';').next().unwrap_or_default().trim();
        TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(essence)).map(|row| row.2)
    });
    Ok(explicit.map_or(Choice::Native, Choice::Accept))
}

/// The parameters that a gateway knows; others are ignored.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Query {
    pub format: Option<String>,
    /// A name for the saved file.
    pub filename: Option<String>,
    /// `true`: save rather than show.
    pub download: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())])
    }

    fn query(format: &str) -> Query {
        Query { format: Some(format.to_owned()), ..Query::default() }
    }

    #[test]
    fn query_beats_accept() {
        let car = accept("application/vnd.ipld.car; version=1");
        assert_eq!(choose(&query("raw"), &car), Ok(Choice::Query(Format::Raw)));
        assert_eq!(choose(&Query::default(), &car), Ok(Choice::Accept(Format::Car)));
        assert_eq!(choose(&query("zip"), &car), Err("zip"));
    }

    #[test]
    fn browsers_get_the_native_form() {
        for value in ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "video/*", ""] {
            assert_eq!(choose(&Query::default(), &accept(value)), Ok(Choice::Native), "{value}");
        }
        let mixed = accept("text/html, Application/Vnd.IPLD.Raw;q=0.9");
        assert_eq!(choose(&Query::default(), &mixed), Ok(Choice::Accept(Format::Raw)));
    }
}
