//! CAR answers: `dag-scope`, `entity-bytes`, order and duplicates (IPIP-402, IPIP-412).

use std::fs::File;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use pinreel_content::car::EntityBytes;
use pinreel_content::{CarOptions, CarReader, Cid, End, Error, FileReader, Kind, Part, Scope, Store, Walk, limits};
use sha2::{Digest, Sha256};

use super::answer::Ask;
use super::errors;
use super::format::{CarForm, Format};
use super::leave::Leave;
use super::pieces::{self, Batch, Pieces, Rest};
use super::query::Query;
use super::send::{IMMUTABLE, headers_unless_known, put};
use super::shape::disposition;
use crate::http::ApiError;
use crate::sendfile::Mapping;

/// Reads `dag-scope` and `entity-bytes`; the second implies the scope `entity`.
pub fn scope(query: &Query) -> Result<Scope, ApiError> {
    let scope = match query.dag_scope.as_deref() {
        None | Some("all") => Scope::All,
        Some("block") => Scope::Block,
        Some("entity") => Scope::Entity(None),
        Some(other) => {
            let detail = format!("dag-scope is block, entity or all, not “{}”.", other.escape_debug());
            return Err(ApiError::bad_request("dag_scope_unknown", detail));
        }
    };
    let Some(text) = query.entity_bytes.as_deref() else { return Ok(scope) };
    match text.parse::<EntityBytes>() {
        Ok(bytes) => Ok(Scope::Entity(Some(bytes))),
        Err(error) => {
            let detail = format!("“{}” is no value of entity-bytes: {error}.", text.escape_debug());
            Err(ApiError::bad_request("entity_bytes_malformed", detail))
        }
    }
}

pub fn answer((store, leave): (&Store, &Leave), ask: &Ask, walk: &Walk, form: &CarForm) -> Result<Response, ApiError> {
    let scope = scope(&ask.query)?;
    let etag = etag(ask, walk, scope, form);
    let mut headers = match headers_unless_known(ask, &etag, IMMUTABLE) {
        Ok(headers) => headers,
        Err(known) => return Ok(*known),
    };
    if let (Scope::Entity(Some(bytes)), End::Found(cid)) = (scope, walk.end) {
        check_within(store, &cid, bytes)?;
    }
    put(&mut headers, header::CONTENT_TYPE, &form.media_type());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    put(&mut headers, header::CONTENT_DISPOSITION, &disposition(ask, &default_name(ask), false));
    if let (Scope::All, End::Found(cid)) = (scope, walk.end) {
        leave.whole(store, &cid)?;
    }
    let options = CarOptions {
        // Where a GET would fail at once, a HEAD does as well: no more than the first blocks is looked at for it.
        scope: if ask.is_head { Scope::Block } else { scope },
        duplicates: form.duplicates,
        gate: leave.gate.clone(),
        max_blocks: limits::BLOCKS_PER_CAR,
        // Who asks for a CAR checks its blocks, as those of any file.
        unchecked: true,
    };
    let car = CarPieces { car: store.car_of(walk, options), takes_files: ask.takes_files, mapping: None };
    let first = match pieces::batch(car) {
        // Not even the first block is right, and nothing has been said yet.
        Batch { ready, rest: Rest::Failed(error), .. } if ready.len() <= 1 => return Err(errors::of_content(error)),
        first => first,
    };
    let body = if ask.is_head { pieces::unsent() } else { pieces::body(first) };
    Ok((StatusCode::OK, headers, body).into_response())
}

/// A CAR file on its way out: blocks that lie in files are sent as stretches of them where the connection takes these.
struct CarPieces {
    car: CarReader,
    takes_files: bool,
    /// The last such file.
    mapping: Option<(Arc<File>, Arc<Mapping>)>,
}

impl Pieces for CarPieces {
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        match self.car.next_part()? {
            None => Ok(None),
            Some(Part::Block(block))
                if self.takes_files
                    && let Some(stretch) = self.stretch(&block) =>
            {
                Ok(Some(stretch))
            }
            Some(part) => part.into_bytes().map(Some),
        }
    }
}

impl CarPieces {
    fn stretch(&mut self, block: &FileReader) -> Option<Bytes> {
        let (file, at) = block.as_file()?;
        if self.mapping.as_ref().is_none_or(|(mapped, _)| !Arc::ptr_eq(mapped, file)) {
            let length = file.metadata().ok()?.len();
            self.mapping = Some((file.clone(), Mapping::of(file, length)?));
        }
        let (_, mapping) = self.mapping.as_ref()?;
        mapping.stretch(at, block.size_bytes() as usize)
    }
}

/// Refuses a part that lies wholly outside of a file.
fn check_within(store: &Store, cid: &Cid, bytes: EntityBytes) -> Result<(), ApiError> {
    let node = store.stat(cid).ok().flatten();
    match node.map(|node| node.kind) {
        Some(Kind::File { size_bytes }) if bytes.is_outside(size_bytes) => {
            let detail = format!("No byte of this part is in the file, which has {size_bytes} bytes.");
            Err(ApiError::bad_request("entity_bytes_outside", detail))
        }
        _ => Ok(()),
    }
}

/// Weak, since the order of blocks may be another with another version of this program.
fn etag(ask: &Ask, walk: &Walk, scope: Scope, form: &CarForm) -> String {
    let name = match scope {
        Scope::Block => "block",
        Scope::Entity(_) => "entity",
        Scope::All => "all",
    };
    let what = format!("{} {:?} {scope:?} {}", ask.root, ask.segments, form.media_type());
    let digest = HEXLOWER.encode(&Sha256::digest(what)[..8]);
    let cid = walk.reached.last().unwrap_or(&ask.root);
    format!("W/\"{cid}.{}.{name}.{digest}\"", Format::Car.name())
}

fn default_name(ask: &Ask) -> String {
    match ask.segments.last() {
        Some(name) => format!("{}_{name}.car", ask.root),
        None => format!("{}.car", ask.root),
    }
}
