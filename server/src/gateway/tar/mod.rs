//! UnixFS content as a tar archive (IPIP-288), written while it is sent.
//!
//! What always holds: every entry lies below the archive's one root, which is named by the CID, and none goes through a
//! symbolic link that the archive brings itself. A folder that would have it otherwise gets no whole archive.

mod archive;
mod entry;
#[cfg(test)]
mod tests;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pinreel_content::Kind;

use self::archive::Archive;
use super::answer::{Ask, Place};
use super::errors;
use super::format::Format;
use super::pieces;
use super::send::{IMMUTABLE, headers_unless_known, put};
use super::shape::disposition;
use crate::http::ApiError;

pub fn answer(place: &Place<'_>, ask: &Ask) -> Result<Response, ApiError> {
    let cid = &place.cid;
    let node = place.store.stat(cid).map_err(errors::of_content)?.ok_or_else(errors::not_held)?;
    if matches!(node.kind, Kind::Other { .. }) {
        let detail = format!("{cid} isn't a file or folder, and only these are written into a tar archive.");
        return Err(ApiError::bad_request("format_not_unixfs", detail));
    }
    // Weak: another version of this program may write other headers.
    let etag = format!("W/\"{cid}.x-tar\"");
    let mut headers = match headers_unless_known(ask, &etag, IMMUTABLE) {
        Ok(headers) => headers,
        Err(known) => return Ok(*known),
    };
    put(&mut headers, header::CONTENT_TYPE, Format::Tar.media_type());
    put(&mut headers, header::CONTENT_DISPOSITION, &disposition(ask, &format!("{cid}.tar"), false));
    put(&mut headers, header::ACCEPT_RANGES, "none");
    place.leave.whole(place.store, cid)?;
    if ask.is_head {
        return Ok((StatusCode::OK, headers, pieces::unsent()).into_response());
    }
    let first = pieces::batch(Archive::new(place.store, &place.leave.gate, cid));
    Ok((StatusCode::OK, headers, pieces::body(first)).into_response())
}
