//! What can go wrong with an upload, and what its sender is told.

use axum::http::StatusCode;
use indicatif::HumanBytes;
use pinreel_content::{Cid, Error as ContentError};

use super::model::{Refusal, SPARE_BYTES};
use super::tus::{self, TusError};
use crate::http::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(transparent)]
    Tus(#[from] TusError),
    #[error("There is no upload of this name, or it isn't this channel's.")]
    Unknown,
    #[error("This upload got no bytes for too long and was given up. Start it again.")]
    Expired,
    #[error("This upload was deleted while its bytes arrived.")]
    Deleted,
    #[error("This upload is published. Take the publication back first.")]
    Published,
    #[error("The upload has {actual} bytes; the body was to begin at {claimed}. Go on from {actual}.")]
    Offset { claimed: u64, actual: u64 },
    #[error("Another request writes this upload. Wait for it to end, ask for the offset, and go on from there.")]
    Locked,
    #[error("{}", refusal_text(.0))]
    Refused(Refusal),
    #[error("This channel has {0} unfinished uploads; finish or delete one before the next.")]
    TooMany(usize),
    #[error("The body has more bytes than the {size_bytes} that the upload was announced with.")]
    TooLong { size_bytes: u64 },
    #[error("The disk is full. What arrived is kept: the upload can go on once the operator has made room.")]
    DiskFull,
    #[error(
        "This node's operator has erased these bytes ({0}) for good, so they are not taken again. Another file can be \
         published, or this one elsewhere."
    )]
    Erased(Cid),
    #[error("The node is stopping. What arrived is kept: go on in a moment.")]
    Stopping,
    #[error("The body broke off. What arrived is kept: ask for the offset and go on from there.")]
    BrokenOff,
    #[error("The source isn't complete yet.")]
    NotStored,
    #[error("There is nothing to try again: the transcoding of this upload hasn't failed.")]
    NothingToRetry,
    #[error("This upload has no preview yet.")]
    NoPreview,
    #[error(transparent)]
    Content(ContentError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Inside(String),
}

fn size(bytes: u64) -> HumanBytes {
    HumanBytes(bytes)
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::TooLarge { limit_bytes } => {
            format!("This node takes files of up to {}. Make a smaller copy, or ask its operator.", size(*limit_bytes))
        }
        Refusal::DiskFull { available_bytes } => format!(
            "This node has room for {} more ({} stay free). Ask its operator to make room.",
            size(*available_bytes),
            size(SPARE_BYTES)
        ),
        Refusal::OverQuota { quota_bytes, reserved_bytes } => format!(
            "A channel's unfinished uploads may await {} together here, and this channel's await {} already. Finish or \
             delete some of them, or ask this node's operator.",
            size(*quota_bytes),
            size(*reserved_bytes)
        ),
        Refusal::OverTogether { together_bytes, taken_bytes } => format!(
            "All unfinished uploads together may take {} of this node's disk, and {} are taken. Try again once some of \
             them are done, or ask this node's operator to make room.",
            size(*together_bytes),
            size(*taken_bytes)
        ),
    }
}

impl From<ContentError> for UploadError {
    fn from(error: ContentError) -> Self {
        match error {
            full if full.is_disk_full() => Self::DiskFull,
            ContentError::Erased(cid) => Self::Erased(cid),
            ContentError::PartialBusy(_) => Self::Locked,
            other => Self::Content(other),
        }
    }
}

impl From<tokio::task::JoinError> for UploadError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Inside(error.to_string())
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let new = |status, code| Self::new(status, code, error.to_string());
        match &error {
            UploadError::Tus(TusError::Version) => {
                new(StatusCode::PRECONDITION_FAILED, "tus_version").with("versions", tus::VERSION)
            }
            UploadError::Tus(TusError::ContentType) => new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type"),
            UploadError::Tus(_) => new(StatusCode::BAD_REQUEST, "tus_header"),
            UploadError::Unknown => new(StatusCode::NOT_FOUND, "upload_gone"),
            UploadError::Expired | UploadError::Deleted => new(StatusCode::GONE, "upload_gone"),
            UploadError::Published => new(StatusCode::CONFLICT, "upload_published"),
            UploadError::Offset { actual, .. } => {
                new(StatusCode::CONFLICT, "offset_conflict").with("offset_bytes", *actual)
            }
            UploadError::Locked => new(StatusCode::LOCKED, "upload_locked"),
            UploadError::Refused(Refusal::TooLarge { limit_bytes }) => {
                new(StatusCode::PAYLOAD_TOO_LARGE, "upload_too_large").with("limit_bytes", *limit_bytes)
            }
            UploadError::Refused(Refusal::DiskFull { available_bytes }) => {
                new(StatusCode::INSUFFICIENT_STORAGE, "disk_full").with("available_bytes", *available_bytes)
            }
            UploadError::Refused(Refusal::OverQuota { quota_bytes, reserved_bytes }) => {
                new(StatusCode::TOO_MANY_REQUESTS, "upload_quota")
                    .with("quota_bytes", *quota_bytes)
                    .with("reserved_bytes", *reserved_bytes)
            }
            UploadError::Refused(Refusal::OverTogether { together_bytes, taken_bytes }) => {
                new(StatusCode::INSUFFICIENT_STORAGE, "uploads_full")
                    .with("together_bytes", *together_bytes)
                    .with("taken_bytes", *taken_bytes)
            }
            UploadError::TooMany(_) => new(StatusCode::TOO_MANY_REQUESTS, "uploads_unfinished"),
            UploadError::TooLong { .. } => new(StatusCode::PAYLOAD_TOO_LARGE, "upload_too_long"),
            UploadError::DiskFull => new(StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            UploadError::Erased(_) => new(StatusCode::GONE, "content_erased"),
            UploadError::Stopping => new(StatusCode::SERVICE_UNAVAILABLE, "node_stopping"),
            UploadError::BrokenOff => new(StatusCode::BAD_REQUEST, "body_broken_off"),
            UploadError::NotStored => new(StatusCode::CONFLICT, "upload_incomplete"),
            UploadError::NothingToRetry => new(StatusCode::CONFLICT, "nothing_to_retry"),
            UploadError::NoPreview => new(StatusCode::NOT_FOUND, "preview_missing"),
            UploadError::Content(_) | UploadError::Inside(_) => Self::internal(error),
            UploadError::Database(_) => match error {
                UploadError::Database(inner) => inner.into(),
                other => Self::internal(other),
            },
        }
    }
}
