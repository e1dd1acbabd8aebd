//! Which form of the content a request wants: `?format=` beats `Accept` (IPIP-523); nothing is converted (IPIP-524).
//!
//! `Accept` goes by its weights: a form that it names is given unless something ordinary (a page, a type of file,
//! `*/*`) is liked better. Between two that are liked the same, the form comes before the ordinary, and the first form
//! before the second.

#[cfg(test)]
mod tests;

use axum::http::HeaderMap;

use super::accept::{self, MediaType};
use super::query::Query;
use crate::http::ApiError;

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

const TABLE: [(&str, &str, Format); 7] = [
    ("raw", "application/vnd.ipld.raw", Format::Raw),
    ("json", "application/json", Format::Json),
    ("cbor", "application/cbor", Format::Cbor),
    ("dag-json", "application/vnd.ipld.dag-json", Format::DagJson),
    ("dag-cbor", "application/vnd.ipld.dag-cbor", Format::DagCbor),
    ("car", "application/vnd.ipld.car", Format::Car),
    ("tar", "application/x-tar", Format::Tar),
];

/// A form that a gateway could have, but that only names under `/ipns` do.
const IPNS_RECORD: (&str, &str) = ("ipns-record", "application/vnd.ipfs.ipns-record");

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

    fn of_type(essence: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == essence).map(|row| row.2)
    }
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

/// What a request wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub choice: Choice,
    /// Whether the native form will do where the chosen one isn't to be had.
    pub native_will_do: bool,
    /// Whether a page is welcome.
    pub takes_html: bool,
    pub car: CarForm,
}

/// The order of blocks in a CAR file. We always write depth first, which whoever knows no order takes as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarOrder {
    DepthFirst,
    Unknown,
}

/// The parameters of a CAR file's type (IPIP-412), and which of them `Accept` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarForm {
    pub order: CarOrder,
    pub duplicates: bool,
    /// For the address that gives the same without `Accept`.
    pub by_accept: Vec<(&'static str, String)>,
}

impl CarForm {
    pub fn media_type(&self) -> String {
        let order = match self.order {
            CarOrder::DepthFirst => "dfs",
            CarOrder::Unknown => "unk",
        };
        let dups = if self.duplicates { "y" } else { "n" };
        format!("{}; version=1; order={order}; dups={dups}", Format::Car.media_type())
    }

    /// What the query says, else what the type's parameters do, else our own way.
    fn read(query: &Query, media_type: Option<&MediaType>) -> Result<Self, ApiError> {
        let mut by_accept = Vec::new();
        let mut value = |given: &Option<String>, param: &str, name: &'static str| {
            let accepted = media_type.and_then(|media_type| media_type.param(param)).filter(|value| !value.is_empty());
            if let (None, Some(accepted)) = (given, accepted) {
                by_accept.push((name, accepted.to_owned()));
            }
            given.as_deref().or(accepted).map(str::to_owned)
        };
        let version = value(&query.car_version, "version", "car-version");
        let order = value(&query.car_order, "order", "car-order");
        let dups = value(&query.car_dups, "dups", "car-dups");
        if version.as_deref().is_some_and(|version| version != "1") {
            return Err(unsupported("Only CAR version 1 is written here."));
        }
        let order = match order.as_deref() {
            None | Some("dfs") => CarOrder::DepthFirst,
            Some("unk") => CarOrder::Unknown,
            Some(_) => return Err(unsupported("CAR files are written in order=dfs, or order=unk if you don't mind.")),
        };
        let duplicates = match dups.as_deref() {
            None | Some("n") => false,
            Some("y") => true,
            Some(_) => return Err(unsupported("The parameter dups of a CAR file is y or n.")),
        };
        Ok(Self { order, duplicates, by_accept })
    }
}

fn unsupported(detail: &str) -> ApiError {
    ApiError::bad_request("car_form_unsupported", detail)
}

fn unknown(name: &str) -> ApiError {
    ApiError::bad_request("format_unknown", format!("“{}” is no format of content.", name.escape_debug()))
}

/// Reads what a request wants.
pub fn wish(query: &Query, headers: &HeaderMap) -> Result<Wish, ApiError> {
    let accepted = accept::accepted(headers);
    let takes_html = accepted.iter().any(|media_type| media_type.essence == "text/html");
    // The best liked comes first.
    let native = accepted.iter().find(|media_type| is_ordinary(media_type)).map(|media_type| media_type.quality);
    let native_will_do = native.is_some();
    let with = |choice, car| Wish { choice, native_will_do, takes_html, car };
    if let Some(name) = query.format.as_deref() {
        let format = TABLE.iter().find(|row| row.0 == name).map(|row| row.2).ok_or_else(|| unknown(name))?;
        let car = match format {
            Format::Car => CarForm::read(query, accepted.iter().find(|one| one.essence == format.media_type()))?,
            _ => CarForm::plain(),
        };
        return Ok(Wish { native_will_do: false, ..with(Choice::Query(format), car) });
    }
    let mut refused = None;
    for media_type in accepted.iter().take_while(|media_type| Some(media_type.quality) >= native) {
        match Format::of_type(&media_type.essence) {
            None if media_type.essence == IPNS_RECORD.1 => refused = refused.or(Some(unknown(IPNS_RECORD.0))),
            None => {}
            Some(Format::Car) => match CarForm::read(query, Some(media_type)) {
                Ok(car) => return Ok(with(Choice::Accept(Format::Car), car)),
                Err(error) => refused = refused.or(Some(error)),
            },
            Some(format) => return Ok(with(Choice::Accept(format), CarForm::plain())),
        }
    }
    // A client that asks for what we don't have, and for nothing else, is told so.
    match refused {
        Some(error) if !native_will_do => Err(error),
        _ => Ok(with(Choice::Native, CarForm::plain())),
    }
}

/// Whether a type says nothing of the forms that only IPFS has.
fn is_ordinary(media_type: &MediaType) -> bool {
    Format::of_type(&media_type.essence).is_none() && !media_type.essence.starts_with("application/vnd.ip")
}

impl CarForm {
    fn plain() -> Self {
        Self { order: CarOrder::DepthFirst, duplicates: false, by_accept: Vec::new() }
    }
}
