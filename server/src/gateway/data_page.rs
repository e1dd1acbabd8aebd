//! A block of DAG-CBOR or DAG-JSON as a page: what it is, what it links to, and the ways to have it.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use pinreel_content::{Cid, links_of_data};

use super::answer::Ask;
use super::fence::OWN_PAGE;
use super::format::Format;
use super::listing::GENERATED;
use super::page::{self, human};
use super::send::{headers_unless_known, put};
use crate::http::html::escape;

/// How many links are shown.
const SHOWN_LINKS: usize = 500;
/// How much text is shown.
const SHOWN_BYTES: usize = 16 * 1024;

/// The codec of DAG-JSON, whose blocks are text.
const DAG_JSON: u64 = 0x0129;

pub fn answer(ask: &Ask, cid: &Cid, block: &Bytes) -> Response {
    let etag = format!("\"DagIndex-{}_CID-{cid}\"", page::VERSION);
    let mut headers = match headers_unless_known(ask, &etag, GENERATED) {
        Ok(headers) => headers,
        Err(known) => return *known,
    };
    let html = html(ask, cid, block);
    put(&mut headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    headers.insert(header::CONTENT_SECURITY_POLICY, OWN_PAGE);
    headers.insert(header::CONTENT_LENGTH, html.len().into());
    let body = if ask.is_head { Body::empty() } else { Body::from(html) };
    (StatusCode::OK, headers, body).into_response()
}

fn html(ask: &Ask, cid: &Cid, block: &[u8]) -> String {
    let (name, format) = match cid.codec() {
        DAG_JSON => ("DAG-JSON", Format::DagJson),
        _ => ("DAG-CBOR", Format::DagCbor),
    };
    let mut html = page::head(&cid.to_string());
    html.push_str(&page::breadcrumbs(&ask.root.to_string(), &ask.segments, ask.trailing_slash));
    let (size, format) = (human(block.len() as u64), format.name());
    // Writing into a String can't fail.
    let _ = writeln!(
        html,
        "<p>A block of {name}, {size} · <code>{cid}</code> · <a href=\"?format={format}\">{format}</a> · \
         <a href=\"?format=raw\">raw block</a> · <a href=\"?format=car\">CAR</a></p>"
    );
    match links_of_data(cid, block) {
        Ok(links) => push_links(&mut html, &links),
        Err(reason) => {
            let _ = writeln!(html, "<p>It can't be read: {}.</p>", escape(&reason.to_string()));
        }
    }
    if cid.codec() == DAG_JSON {
        let shown = &block[..block.len().min(SHOWN_BYTES)];
        let more = if shown.len() < block.len() { "…" } else { "" };
        let _ = writeln!(html, "<pre>{}{more}</pre>", escape(&String::from_utf8_lossy(shown)));
    }
    html.push_str("</html>\n");
    html
}

fn push_links(html: &mut String, links: &[Cid]) {
    if links.is_empty() {
        return;
    }
    let noun = if links.len() == 1 { "link" } else { "links" };
    let _ = write!(html, "<p>{} {noun}</p>\n<ul>\n", links.len());
    for link in links.iter().take(SHOWN_LINKS) {
        let _ = writeln!(html, "<li><a href=\"/ipfs/{link}\"><code>{link}</code></a></li>");
    }
    if links.len() > SHOWN_LINKS {
        let _ = writeln!(html, "<li>and {} more</li>", links.len() - SHOWN_LINKS);
    }
    html.push_str("</ul>\n");
}
