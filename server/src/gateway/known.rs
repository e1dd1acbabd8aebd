//! Files that were asked for lately: most requests are for segments of a few films, again and again. What a path led to
//! then needs no look at the index now, what the page cache has needs no other thread, and the answer's headers are made.
//!
//! What always holds: nothing is given out of here that a look would refuse. An entry counts only in the store's epoch
//! and under the very rules in which it was made; so whatever is withdrawn, removed, damaged or denied ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use hashlink::LruCache;
use pinreel_content::{FileReader, Store};

use super::answer::Ask;
use super::body::{self, Outgoing};
use super::conditional::{none_match_hits, range_counts};
use super::look_up::Audience;
use super::range::{ByteRange, Wanted, wanted};
use super::send::put;
use super::{fence, takes_files};
use crate::denylist::Rules;
use crate::http::guard;

/// How many are kept: each holds its file open.
const MOST: usize = 512;
/// Longer ones have been made up, or hold many names.
const MAX_PATH_BYTES: usize = 512;

/// The files, by the request's path. Cheap to clone; one for the process.
#[derive(Clone)]
pub struct Known {
    files: Arc<Mutex<LruCache<String, Arc<Found>>>>,
}

/// What a path led to.
struct Found {
    when: When,
    file: Outgoing,
    etag: String,
    /// Those of every good answer; its length and its range come to them.
    headers: HeaderMap,
}

/// The epoch and the rules in which something was found.
#[derive(Clone)]
pub struct When {
    epoch: u64,
    rules: Arc<Rules>,
}

impl When {
    /// Now, before looking.
    pub fn now(store: &Store, rules: &Arc<Rules>) -> Self {
        Self { epoch: store.epoch(), rules: rules.clone() }
    }
}

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        self.epoch == other.epoch && Arc::ptr_eq(&self.rules, &other.rules)
    }
}

impl Default for Known {
    fn default() -> Self {
        Self { files: Arc::new(Mutex::new(LruCache::new(MOST))) }
    }
}

/// Whether an answer depends on nothing but the path, the conditions and the range.
fn is_plain(path: &str, query: Option<&str>, headers: &HeaderMap) -> bool {
    let takes_anything = headers.get_all(header::ACCEPT).iter().all(|accept| accept == "*/*");
    query.is_none() && path.len() <= MAX_PATH_BYTES && takes_anything
}

/// What of a file is sent.
enum Part {
    Nothing,
    Whole,
    Range(ByteRange),
}

impl Known {
    /// Answers with a file, or that its asker has it, without waiting for anything; `None` if that can't be.
    pub fn answer<B>(&self, now: &When, request: &Request<B>) -> Option<Response> {
        let (uri, headers) = (request.uri(), request.headers());
        let is_head = request.method() == Method::HEAD;
        let is_read = is_head || request.method() == Method::GET;
        if !is_read || !is_plain(uri.path(), uri.query(), headers) || fence::check(headers).is_err() {
            return None;
        }
        let found = self.lock().get(uri.path())?.clone();
        if found.when != *now {
            return None;
        }
        let part = part_for(headers, &found)?;
        found.answer(&part, is_head, takes_files(request))
    }

    /// Keeps the file that a look has found and answered with, if it is one that may be read at once.
    pub fn keep(&self, when: When, ask: &Ask, file: FileReader, response: &Response) {
        let is_plain = ask.audience == Audience::Public && is_plain(&ask.path, ask.raw_query.as_deref(), &ask.headers);
        // The type of a refusal isn't the file's.
        if !is_plain || !response.status().is_success() || file.as_file().is_none() {
            return;
        }
        // That of several ranges isn't the file's own.
        let is_own = |kind: &HeaderValue| !kind.as_bytes().starts_with(b"multipart/");
        if response.headers().get(header::CONTENT_TYPE).is_some_and(is_own) {
            let etag = format!("\"{}\"", file.cid());
            let found = Found { when, file: Outgoing::mapped(file), etag, headers: lasting(response.headers()) };
            self.lock().insert(ask.path.clone(), Arc::new(found));
        }
    }

    /// All files that it keeps open.
    pub fn open_files(&self) -> Vec<FileReader> {
        self.lock().iter().map(|(_, found)| found.file.file.clone()).collect()
    }

    /// Lets go of files that were found before now: while one is open, the room that it takes isn't free.
    pub fn forget_before(&self, now: &When) {
        self.lock().retain(|_, found| found.when == *now);
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Arc<Found>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to send, if it's no more than one part.
fn part_for(headers: &HeaderMap, found: &Found) -> Option<Part> {
    if headers.contains_key(header::IF_MATCH) || headers.get_all(header::IF_NONE_MATCH).iter().nth(1).is_some() {
        return None;
    }
    let text = |name| headers.get(name).map(HeaderValue::to_str).transpose().ok();
    if text(header::IF_NONE_MATCH)?.is_some_and(|tags| none_match_hits(tags, &found.etag)) {
        return Some(Part::Nothing);
    }
    let range = text(header::RANGE)?.filter(|_| range_counts(text(header::IF_RANGE).flatten(), &found.etag));
    match wanted(range, found.file.file.size_bytes()) {
        Wanted::Whole => Some(Part::Whole),
        Wanted::Part(range) => Some(Part::Range(range)),
        Wanted::Parts(_) | Wanted::Unsatisfiable => None,
    }
}

impl Found {
    /// `None` where something is wrong with the bytes: a look will say what.
    fn answer(&self, part: &Part, is_head: bool, takes_files: bool) -> Option<Response> {
        let mut headers = self.headers.clone();
        let size_bytes = self.file.file.size_bytes();
        let (status, range) = match part {
            Part::Nothing => {
                headers.remove(header::ACCEPT_RANGES);
                headers.remove(header::CONTENT_TYPE);
                return Some(response(StatusCode::NOT_MODIFIED, headers, Body::empty()));
            }
            Part::Whole => (StatusCode::OK, ByteRange { start: 0, len: size_bytes }),
            Part::Range(range) => {
                put(&mut headers, header::CONTENT_RANGE, &range.content_range(size_bytes));
                (StatusCode::PARTIAL_CONTENT, *range)
            }
        };
        headers.insert(header::CONTENT_LENGTH, range.len.into());
        self.file.file.check(range.start, range.len).ok()?;
        let body = if is_head || range.len == 0 { Body::empty() } else { self.body(range, takes_files)? };
        Some(response(status, headers, body))
    }

    fn body(&self, range: ByteRange, takes_files: bool) -> Option<Body> {
        let read;
        let file = if takes_files {
            &self.file
        } else {
            read = Outgoing::read(self.file.file.clone());
            &read
        };
        body::begun_warm(file, range).ok()
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The headers of an answer that will be those of the next.
fn lasting(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_RANGE);
    fence::apply(&mut headers);
    fence::allow_every_origin(&mut headers);
    guard::protect(&mut headers);
    headers
}
