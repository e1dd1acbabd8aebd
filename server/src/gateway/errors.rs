//! What a request for content can fail with, each with a stable code.

use axum::http::StatusCode;
use cid::Cid;
use pinreel_content::Error;

use super::answer::Ask;
use super::format::Format;
use crate::denylist::Denied;
use crate::http::ApiError;

/// A block that isn't held, or isn't for this audience: which of the two isn't told.
pub fn not_held() -> ApiError {
    ApiError::not_found(
        "not_held",
        "This node doesn't hold that content, or it isn't published. Ask another node or gateway for the same CID.",
    )
}

/// The same error for who asked with `only-if-cached`: what isn't held is a condition that failed.
pub fn not_cached(error: ApiError) -> ApiError {
    if error.code != "not_held" {
        return error;
    }
    ApiError { status: StatusCode::PRECONDITION_FAILED, ..error }
}

/// Something else than what `If-Match` names.
pub fn another(etag: &str) -> ApiError {
    let detail = format!("What is here has the entity tag {etag}, which If-Match doesn't name.");
    ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
}

/// A path whose first `found` names are there, but not the next.
pub fn not_there(ask: &Ask, found: usize) -> ApiError {
    let missing = ask.segments.get(found).map_or("", String::as_str);
    let parent = std::iter::once(ask.root.to_string()).chain(ask.segments.iter().take(found).cloned());
    let parent = parent.collect::<Vec<_>>().join("/");
    let detail = format!("There is no “{}” in /ipfs/{}.", missing.escape_debug(), parent.escape_debug());
    ApiError::not_found("not_there", detail).with("missing", missing)
}

/// A path to a value inside a block.
pub fn inside(ask: &Ask, cid: &Cid) -> ApiError {
    let names = ask.segments.join("/");
    let detail = format!(
        "“{}” is a value inside of {cid}, and only whole blocks are answered. Ask for /ipfs/{cid} and read it there.",
        names.escape_debug()
    );
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "path_inside_block", detail)
}

/// Content that this node was told not to give.
pub fn denied(denied: &Denied) -> ApiError {
    let (status, code, why) = match denied.is_legal {
        true => (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "denied_legally", " for legal reasons"),
        false => (StatusCode::GONE, "denied", ""),
    };
    let detail = format!("This node doesn't give that content{why}: it is on the denylist “{}”.", denied.list);
    ApiError::new(status, code, detail).with("denylist", denied.list.to_string()).with("line", denied.line)
}

/// A folder that isn't given as a whole, for a rule is about the path of something in it: which, isn't told.
pub fn denied_below(rule: &Denied) -> ApiError {
    let detail = format!(
        "This folder isn't given as a whole: something in it is on the denylist “{}”. Ask for its entries one by one.",
        rule.list
    );
    ApiError { detail, ..denied(rule) }
}

pub fn not_converted(cid: &Cid, format: Format) -> ApiError {
    let detail = format!(
        "{cid} isn't {}, and content isn't converted here. Ask for it as it is, or with ?format=raw.",
        format.name()
    );
    ApiError::new(StatusCode::NOT_ACCEPTABLE, "format_not_acceptable", detail)
}

pub fn codec_unknown(cid: &Cid) -> ApiError {
    let detail = format!("{cid} has codec 0x{:x}, which is only served with ?format=raw.", cid.codec());
    ApiError::new(StatusCode::NOT_ACCEPTABLE, "format_not_acceptable", detail)
}

/// What went wrong while everything below a folder was compared with the rules on paths.
pub fn of_comparison(error: Error) -> ApiError {
    let Error::DagTooLarge(cid) = error else { return of_content(error) };
    let detail = format!(
        "What this node must not give is named by path, too, and {cid} has more below it than can be compared with that in one \
         request. Ask for what is in it one by one."
    );
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "content_too_large", detail)
}

/// What the content store says.
pub fn of_content(error: Error) -> ApiError {
    match error {
        Error::BlockMissing(_) => ApiError::not_found("not_held", format!("{error}.")),
        Error::Malformed { .. } | Error::NotAFile(_) | Error::NotADirectory(_) | Error::DagTooLarge(_) => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "content_malformed", format!("{error}."))
        }
        Error::Damaged(cid) => {
            let detail = format!("This node's copy of {cid} is damaged. Ask another node or gateway for the same CID.");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "content_damaged", detail)
        }
        other => ApiError::internal(other),
    }
}
