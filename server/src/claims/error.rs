//! Why a record isn't taken, each reason with its own code.

use axum::http::StatusCode;
use pinreel_content::Cid;
use pinreel_records::{ChainError, KeyHead, RecordError};
use serde_json::{Value, json};

use crate::accounts::AdmitError;
use crate::http::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("only the node's own channel signs renditions")]
    RenditionForeign,
    #[error("unlisted publications aren't kept by this version")]
    Unlisted,
    #[error("the channel has no profile yet")]
    ProfileNeeded,
    #[error("the handle @{0} isn't free")]
    HandleTaken(String),
    #[error("the name {slug} isn't free")]
    SlugTaken { slug: String, suggestion: String },
    #[error("a part of {0} is lost or damaged")]
    SourceDamaged(String),
    #[error("{0} isn't held here for this channel")]
    SourceMissing(String),
    #[error("{0} was erased by the operator")]
    ContentErased(Cid),
    #[error("{cid} has {held} bytes, not {said}")]
    SourceSize { cid: String, said: u64, held: u64 },
    #[error("{root} isn't what this node made of the source")]
    RootMismatch { root: String },
    #[error("{0} is no record that this could be about")]
    TargetUnknown(String),
    #[error("{0} belongs to another channel")]
    ClaimForeign(String),
    #[error("the newest version is {newest}")]
    ClaimStale { newest: String },
    #[error("{0} is erased")]
    ClaimErased(String),
    #[error(transparent)]
    Admission(#[from] AdmitError),
    #[error("the log holds something unreadable: {0}")]
    Corrupt(String),
    #[error("content store: {0}")]
    Content(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<ClaimsError> for ApiError {
    fn from(error: ClaimsError) -> ApiError {
        match error {
            ClaimsError::Record(error) => record_error(&error),
            ClaimsError::Chain(error) => chain_error(&error),
            ClaimsError::Admission(error) => error.into(),
            ClaimsError::Database(error) => error.into(),
            ClaimsError::Corrupt(_) | ClaimsError::Content(_) => ApiError::internal(error),
            ClaimsError::SlugTaken { slug, suggestion } => {
                let detail = format!("Another publication of this channel is at {slug} already; {suggestion} is free.");
                ApiError::new(StatusCode::CONFLICT, "slug_taken", detail).with("suggestion", suggestion)
            }
            ClaimsError::ClaimStale { newest } => {
                let detail = format!("The publication was changed meanwhile: an update must replace version {newest}.");
                ApiError::new(StatusCode::CONFLICT, "claim_stale", detail).with("newest", newest)
            }
            refused => {
                let (status, code, detail) = refusal(refused);
                ApiError::new(status, code, detail)
            }
        }
    }
}

/// The reasons that need no more than a sentence.
fn refusal(error: ClaimsError) -> (StatusCode, &'static str, String) {
    use StatusCode as S;
    match error {
        ClaimsError::RenditionForeign => {
            (S::UNPROCESSABLE_ENTITY, "kind_unsupported", "Rendition records are written by the node itself.".into())
        }
        ClaimsError::Unlisted => (
            S::UNPROCESSABLE_ENTITY,
            "visibility_unsupported",
            "This node can't keep a publication unlisted yet; publish it as public or not at all.".into(),
        ),
        ClaimsError::ProfileNeeded => (
            S::UNPROCESSABLE_ENTITY,
            "profile_needed",
            "The channel has no handle yet; publish its profile first.".into(),
        ),
        ClaimsError::HandleTaken(handle) => (
            S::CONFLICT,
            "handle_taken",
            format!("The handle @{handle}, or one that looks like it, belongs to another channel; choose another."),
        ),
        ClaimsError::SourceMissing(cid) => (
            S::UNPROCESSABLE_ENTITY,
            "source_missing",
            format!("{cid} was not uploaded to this node by this channel; upload it first."),
        ),
        ClaimsError::SourceDamaged(cid) => (
            S::UNPROCESSABLE_ENTITY,
            "source_damaged",
            format!("A part of {cid} was lost or damaged on this node's disk; upload the file again, which mends it."),
        ),
        ClaimsError::ContentErased(cid) => (
            S::GONE,
            "content_erased",
            format!("This node's operator has erased {cid} for good; it can't be published here again."),
        ),
        ClaimsError::SourceSize { cid, said, held } => (
            S::UNPROCESSABLE_ENTITY,
            "source_size_wrong",
            format!("{cid} has {held} bytes here and not {said}; name the file that was uploaded."),
        ),
        ClaimsError::RootMismatch { root } => (
            S::UNPROCESSABLE_ENTITY,
            "root_mismatch",
            format!("{root} isn't a finished rendition of this source on this node; leave it out or name that one."),
        ),
        ClaimsError::TargetUnknown(target) => (
            S::UNPROCESSABLE_ENTITY,
            "target_unknown",
            format!("{target} is no record of this node that this could be about, or it is erased already."),
        ),
        ClaimsError::ClaimForeign(target) => {
            (S::FORBIDDEN, "claim_foreign", format!("{target} belongs to another channel, which alone may change it."))
        }
        ClaimsError::ClaimErased(claim) => {
            (S::GONE, "erased", format!("The publication {claim} was erased and can't be changed any more."))
        }
        // Those with more to say are told by the caller.
        other => (S::UNPROCESSABLE_ENTITY, "record_refused", other.to_string()),
    }
}

fn record_error(error: &RecordError) -> ApiError {
    let status = match error.code() {
        "record_malformed" => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ApiError::new(status, error.code(), format!("The record can't be taken: {error}."))
}

fn chain_error(error: &ChainError) -> ApiError {
    let detail = format!("The record can't take its place: {error}.");
    let problem = |status| ApiError::new(status, error.code(), detail.clone());
    match error {
        ChainError::ChainConflict { head } => problem(StatusCode::CONFLICT).with("head", head_json(Some(*head))),
        ChainError::ChainBroken { head } => problem(StatusCode::CONFLICT).with("head", head_json(*head)),
        ChainError::KeysStale { newest } => problem(StatusCode::CONFLICT).with("keys", newest.to_string()),
        ChainError::ClockSkew { received_ms } => problem(StatusCode::UNPROCESSABLE_ENTITY).with("now_ms", *received_ms),
        _ => problem(StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// `{"id","seq"}` or null.
pub fn head_json(head: Option<KeyHead>) -> Value {
    head.map_or(Value::Null, |head| json!({ "id": head.id, "seq": head.seq }))
}
