//! Files that were asked for lately: most requests are for segments of a few films, again and again. What a path led to
//! then needs no look at the index now, and what the page cache has needs no other thread.
//!
//! What always holds: nothing is given out of here that a look would refuse. An entry counts only in the store's epoch
//! and under the very rules in which it was made; so whatever is withdrawn, removed, damaged or denied ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderValue, header};
use axum::response::Response;
use hashlink::LruCache;
use pinreel_content::{FileReader, Store};

use super::answer::{Ask, X_IPFS_PATH, X_IPFS_ROOTS};
use super::look_up::Audience;
use super::send::{Source, put, send};
use super::shape::Shape;
use crate::denylist::Rules;

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
    file: FileReader,
    etag: String,
    content_type: String,
    /// The header that names the blocks on the way.
    roots: HeaderValue,
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
fn is_plain(ask: &Ask) -> bool {
    let takes_anything = ask.headers.get_all(header::ACCEPT).iter().all(|accept| accept == "*/*");
    ask.audience == Audience::Public && ask.raw_query.is_none() && ask.path.len() <= MAX_PATH_BYTES && takes_anything
}

impl Known {
    /// Answers without waiting for anything; `None` if that can't be.
    pub fn answer(&self, now: &When, ask: &Ask) -> Option<Response> {
        if !is_plain(ask) {
            return None;
        }
        let found = self.lock().get(&ask.path)?.clone();
        if found.when != *now {
            return None;
        }
        let shape = Shape { content_type: found.content_type.clone(), disposition: None };
        // If something is wrong with the bytes, a look will say what.
        let mut response = send(ask, &found.etag, &Source::Warm(&found.file), |_| Ok(shape)).ok()?;
        let headers = response.headers_mut();
        headers.insert(X_IPFS_ROOTS, found.roots.clone());
        put(headers, X_IPFS_PATH, &ask.path);
        Some(response)
    }

    /// Keeps the file that a look has found and answered with, if it is one that may be read at once.
    pub fn keep(&self, when: When, ask: &Ask, file: FileReader, response: &Response) {
        // The type of a refusal isn't the file's.
        if !response.status().is_success() {
            return;
        }
        let header = |name| response.headers().get(name).cloned();
        let (Some(content_type), Some(roots)) = (header(header::CONTENT_TYPE), header(X_IPFS_ROOTS)) else { return };
        // That of several ranges isn't the file's own.
        let content_type = content_type.to_str().ok().filter(|text| !text.starts_with("multipart/"));
        if let Some(content_type) = content_type.filter(|_| is_plain(ask) && file.as_file().is_some()) {
            let etag = format!("\"{}\"", file.cid());
            let found = Found { when, file, etag, content_type: content_type.to_owned(), roots };
            self.lock().insert(ask.path.clone(), Arc::new(found));
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Arc<Found>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
