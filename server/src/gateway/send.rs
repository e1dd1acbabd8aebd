//! Sending bytes that are there: conditions, ranges, exact lengths.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::answer::Ask;
use super::body::{self, Outgoing};
use super::conditional::{matches, none_match_hits, range_counts};
use super::errors;
use super::multipart;
use super::range::{ByteRange, Wanted, wanted};
use super::shape::Shape;
use crate::http::ApiError;

pub const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=29030400, immutable");

/// Room for what an answer has in the end, so that it is made once.
const MOST_HEADERS: usize = 24;

/// Bytes of which any part can be had.
pub enum Source<'s> {
    Memory(&'s Bytes),
    File(&'s Outgoing),
}

impl Source<'_> {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.file.size_bytes(),
        }
    }

    /// Refuses what is known to be damaged, wherever in the range: what breaks off later can't say why.
    fn check(&self, range: ByteRange) -> Result<(), ApiError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(file) => file.file.check(range.start, range.len).map_err(errors::of_content),
        }
    }

    fn part(&self, range: ByteRange) -> Result<Body, ApiError> {
        match self {
            _ if range.len == 0 => Ok(Body::empty()),
            Self::Memory(bytes) => Ok(Body::from(slice(bytes, range))),
            Self::File(file) => body::begun(file, range).map_err(errors::of_content),
        }
    }
}

/// A part of bytes in memory.
pub fn slice(bytes: &Bytes, range: ByteRange) -> Bytes {
    let to_index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(to_index(range.start)..to_index(range.start.saturating_add(range.len)))
}

/// The headers of a good answer, or `Err` with the answer to who has it already, or wants only another.
pub fn headers_unless_known(ask: &Ask, etag: &str, cache_control: HeaderValue) -> Result<HeaderMap, Box<Response>> {
    if ask.listed(&header::IF_MATCH).is_some_and(|tags| !matches(&tags, etag)) {
        return Err(Box::new(errors::another(etag).into_response()));
    }
    let mut headers = HeaderMap::with_capacity(MOST_HEADERS);
    put(&mut headers, header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, cache_control);
    if ask.listed(&header::IF_NONE_MATCH).is_some_and(|tags| none_match_hits(&tags, etag)) {
        return Err(Box::new((StatusCode::NOT_MODIFIED, headers).into_response()));
    }
    Ok(headers)
}

/// Answers with a source's bytes. `shape` is asked only if they are really sent, for it may have to look at them.
pub fn send(
    ask: &Ask,
    etag: &str,
    source: &Source<'_>,
    shape: impl FnOnce(Option<ByteRange>) -> Result<Shape, ApiError>,
) -> Result<Response, ApiError> {
    let mut headers = match headers_unless_known(ask, etag, IMMUTABLE) {
        Ok(headers) => headers,
        Err(known) => return Ok(*known),
    };
    let size_bytes = source.size_bytes();
    let counts = range_counts(ask.header(&header::IF_RANGE), etag);
    let wanted = wanted(ask.header(&header::RANGE).filter(|_| counts), size_bytes);
    let first = match &wanted {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(*range),
        Wanted::Parts(ranges) => ranges.first().copied(),
        Wanted::Unsatisfiable => return Ok(unsatisfiable(size_bytes)),
    };
    let shape = shape(first)?;
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(disposition) = &shape.disposition {
        put(&mut headers, header::CONTENT_DISPOSITION, disposition);
    }
    let (status, range) = match wanted {
        Wanted::Parts(ranges) => {
            ranges.iter().try_for_each(|range| source.check(*range))?;
            let parts = multipart::Parts::new(etag, &shape.content_type, size_bytes, ranges);
            put(&mut headers, header::CONTENT_TYPE, &parts.media_type());
            headers.insert(header::CONTENT_LENGTH, parts.length().into());
            let body = if ask.is_head { Body::empty() } else { parts.body(source) };
            return Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response());
        }
        Wanted::Part(range) => {
            put(&mut headers, header::CONTENT_RANGE, &range.content_range(size_bytes));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        _ => (StatusCode::OK, ByteRange { start: 0, len: size_bytes }),
    };
    put(&mut headers, header::CONTENT_TYPE, &shape.content_type);
    headers.insert(header::CONTENT_LENGTH, range.len.into());
    source.check(range)?;
    // Also for HEAD: what can't even be begun has no good answer.
    let body = source.part(range)?;
    Ok((status, headers, if ask.is_head { Body::empty() } else { body }).into_response())
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let detail = format!("No byte of this range is in the file, which has {size_bytes} bytes.");
    let mut response = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_unsatisfiable", detail).into_response();
    put(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size_bytes}"));
    response
}

/// Sets a header, unless the value can't stand in one.
pub fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
