//! A folder as a page.
//!
//! What always holds: memory doesn't grow with the folder. Up to [`SORTED`] entries are put in an order that people
//! like; what is larger is written as it is read, in the folder's own order.

use std::fmt::Write;
use std::vec;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use pinreel_content::{Entries, Entry, Error, Gate, Kind, Store};

use super::answer::{Ask, Place};
use super::errors;
use super::fence::OWN_PAGE;
use super::leave::Way;
use super::page::{self, human};
use super::pieces::{self, Pieces};
use super::send::{headers_unless_known, put};
use super::shape::UNRESERVED;
use crate::http::ApiError;
use crate::http::html::escape;

/// A page that we make can look different tomorrow.
pub const GENERATED: HeaderValue = HeaderValue::from_static("public, max-age=604800, stale-while-revalidate=2678400");
/// Larger folders aren't sorted, and their entries aren't looked at.
const SORTED: usize = 2000;
/// How many rows make a piece.
const ROWS: usize = 200;
/// What a name keeps as it is inside an address.
const IN_PATH: &AsciiSet = &UNRESERVED.remove(b'+').remove(b'=').remove(b',');

pub fn answer(place: &Place<'_>, ask: &Ask) -> Result<Response, ApiError> {
    let cid = &place.cid;
    // What is denied isn't named, so the page is another one under other rules.
    let rules = place.leave.way.fingerprint().map_or_else(String::new, |rules| format!("_rules-{rules:016x}"));
    let etag = format!("\"DirIndex-{}_CID-{cid}{rules}\"", page::VERSION);
    let mut headers = match headers_unless_known(ask, &etag, GENERATED) {
        Ok(headers) => headers,
        Err(known) => return Ok(*known),
    };
    put(&mut headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    headers.insert(header::CONTENT_SECURITY_POLICY, OWN_PAGE);
    if ask.is_head {
        return Ok((StatusCode::OK, headers, pieces::unsent()).into_response());
    }
    let entries = place.store.entries(cid).map_err(errors::of_content)?.ok_or_else(errors::not_held)?;
    let mut listing = Listing {
        store: place.store.clone(),
        gate: place.leave.gate.clone(),
        way: place.leave.way.clone(),
        head: None,
        rows: Vec::new().into_iter(),
        entries,
        is_over: false,
    };
    let is_whole = listing.read_first().map_err(errors::of_content)?;
    listing.head = Some(head(ask, &cid.to_string(), listing.rows.len(), is_whole));
    Ok((StatusCode::OK, headers, pieces::body(pieces::batch(listing))).into_response())
}

fn head(ask: &Ask, cid: &str, count: usize, is_whole: bool) -> String {
    let root = ask.root.to_string();
    let title = std::iter::once(&root).chain(&ask.segments).map(String::as_str).collect::<Vec<_>>().join("/");
    let count = match (count, is_whole) {
        (1, true) => "1 entry".to_owned(),
        (count, true) => format!("{count} entries"),
        (_, false) => format!("more than {SORTED} entries, in the folder's own order"),
    };
    let mut head = page::head(&title);
    head.push_str(&page::breadcrumbs(&root, &ask.segments, true));
    let cid = escape(cid);
    // Writing into a String can't fail.
    let _ = write!(
        head,
        "<p>{count} · <code>{cid}</code> · <a href=\"?format=tar\">tar</a> · <a href=\"?format=car\">CAR</a></p>\n\
         <table>\n<thead><tr><th>Name</th><th class=\"c\">CID</th><th class=\"s\">Size</th></tr></thead>\n<tbody>\n"
    );
    if !ask.segments.is_empty() {
        head.push_str("<tr><td colspan=\"3\"><a href=\"../\">..</a></td></tr>\n");
    }
    head
}

/// An entry as it is shown.
struct Row {
    entry: Entry,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Folder,
    Link,
    Other,
    /// Not published here.
    Closed,
    /// On a denylist, perhaps for its very name.
    Denied,
    /// Not looked at.
    Unknown,
}

/// The page, piece by piece.
struct Listing {
    store: Store,
    gate: Gate,
    way: Way,
    head: Option<String>,
    /// The first ones; all, and sorted, in a small folder.
    rows: vec::IntoIter<Row>,
    entries: Entries,
    is_over: bool,
}

impl Listing {
    /// Reads the first entries; says whether they are all. Then they are put in order: folders first, then by name as
    /// people count, 2 before 10.
    fn read_first(&mut self) -> Result<bool, Error> {
        let first = self.entries.by_ref().take(SORTED + 1).collect::<Result<Vec<_>, Error>>()?;
        if first.len() > SORTED {
            let rows = first.into_iter().map(|entry| self.unsorted(entry));
            self.rows = rows.collect::<Vec<_>>().into_iter();
            return Ok(false);
        }
        let rows = first.into_iter().map(|entry| Ok(Row { what: self.what(&entry)?, entry }));
        let mut rows = rows.collect::<Result<Vec<_>, Error>>()?;
        rows.sort_by_cached_key(|row| (row.what != What::Folder, natural(&row.entry.name)));
        self.rows = rows.into_iter();
        Ok(true)
    }

    /// An entry that isn't looked at.
    fn unsorted(&mut self, entry: Entry) -> Row {
        let what = if self.way.denies(&entry.name, &entry.cid) { What::Denied } else { What::Unknown };
        Row { entry, what }
    }

    fn what(&mut self, entry: &Entry) -> Result<What, Error> {
        if self.way.denies(&entry.name, &entry.cid) {
            return Ok(What::Denied);
        }
        if !self.gate.admits(&entry.cid)? {
            return Ok(What::Closed);
        }
        Ok(match self.store.stat(&entry.cid) {
            Ok(Some(node)) => match node.kind {
                Kind::Directory => What::Folder,
                Kind::Symlink { .. } => What::Link,
                _ => What::Other,
            },
            Ok(None) => What::Closed,
            // A malformed entry is no reason not to show the others.
            Err(_) => What::Unknown,
        })
    }

    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        match self.rows.next() {
            Some(row) => Ok(Some(row)),
            None => Ok(self.entries.next().transpose()?.map(|entry| self.unsorted(entry))),
        }
    }
}

impl Pieces for Listing {
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head.into()));
        }
        let mut piece = String::new();
        for _ in 0..ROWS {
            match self.next_row()? {
                Some(row) => push_row(&mut piece, &row),
                None if self.is_over => break,
                None => {
                    self.is_over = true;
                    piece.push_str("</tbody>\n</table>\n</html>\n");
                    break;
                }
            }
        }
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}

fn push_row(out: &mut String, row: &Row) {
    let Row { entry, what } = row;
    let (name, href) = (escape(&entry.name), utf8_percent_encode(&entry.name, IN_PATH));
    let (cid, size) = (entry.cid, human(entry.tsize));
    // Writing into a String can't fail.
    let _ = match what {
        What::Denied => write!(out, "<tr><td colspan=\"2\">On a denylist of this node</td>"),
        What::Closed => write!(out, "<tr><td><bdi>{name}</bdi></td><td class=\"c\"><code>{cid}</code></td>"),
        _ => {
            let mark = match what {
                What::Folder => "/",
                What::Link => "@",
                _ => "",
            };
            let slash = if *what == What::Folder { "/" } else { "" };
            write!(
                out,
                "<tr><td><bdi><a href=\"./{href}{slash}\">{name}{mark}</a></bdi></td>\
                 <td class=\"c\"><a href=\"/ipfs/{cid}\"><code>{cid}</code></a></td>"
            )
        }
    };
    let note = if matches!(what, What::Closed | What::Denied) { "not served here" } else { &size };
    let _ = writeln!(out, "<td class=\"s\">{note}</td></tr>");
}

/// A key under which names sort as people count: runs of digits by their number, letters without regard to case.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (before, from_digits) = rest.split_at(text);
        let digits = from_digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(from_digits.len());
        let (number, after) = from_digits.split_at(digits);
        if !before.is_empty() {
            // Text sorts behind numbers, as its first character would.
            key.push((u64::MAX, before.to_lowercase()));
        }
        if !number.is_empty() {
            key.push((number.parse().unwrap_or(u64::MAX - 1), number.to_owned()));
        }
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, what: What) -> String {
        let cid = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e".parse().unwrap();
        let mut out = String::new();
        push_row(&mut out, &Row { entry: Entry { name: name.to_owned(), cid, tsize: 5_000_000 }, what });
        out
    }

    #[test]
    fn hostile_names_stay_text() {
        let html = row("<script>alert(1)</script>", What::Other);
        assert!(!html.contains("<script>"), "{html}");
        assert!(row("javascript:alert(1)", What::Other).contains("href=\"./javascript%3Aalert%281%29\""));
        assert!(row("a/b?c#d\"'", What::Unknown).contains("href=\"./a%2Fb%3Fc%23d%22%27\""));
        assert!(row("sub", What::Folder).contains("<bdi><a href=\"./sub/\">sub/</a></bdi>"));
        assert!(row("x", What::Other).contains("4.8 MiB"));
        let closed = row("secret", What::Closed);
        assert!(!closed.contains("href") && closed.contains("not served here"), "{closed}");
        let denied = row("secret", What::Denied);
        assert!(
            !denied.contains("secret") && !denied.contains("bafk") && denied.contains("not served here"),
            "{denied}"
        );
    }

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["b", "seg-10", "Seg-9", "seg-2", "a", "10", "9", ""];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["", "9", "10", "a", "b", "seg-2", "Seg-9", "seg-10"]);
    }
}
