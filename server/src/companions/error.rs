//! What can go wrong with what lies beside an upload, and what its sender is told.

use axum::http::StatusCode;

use super::model::{MAX_AT_MS, MAX_CAPTIONS, MAX_LABEL_CHARS, Role};
use crate::http::ApiError;
use crate::media::MediaError;
use crate::uploads::UploadError;

#[derive(Debug, thiserror::Error)]
pub enum CompanionError {
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error("There is nothing of this name beside the upload.")]
    Unknown,
    #[error(
        "This channel has published the file already, and what lies beside it was put together with it: that can't be \
         changed any more. Captions and a poster are added before a file is published."
    )]
    Published,
    #[error("{name} is over the limit of {} MiB for {}.", .role.max_bytes() >> 20, .role.name())]
    TooLarge { name: String, role: Role },
    #[error("{0} is empty.")]
    Empty(String),
    #[error("An upload may have {MAX_CAPTIONS} captions beside it; remove some first.")]
    TooMany,
    #[error("\"{0}\" is no language tag, such as de or pt-BR.")]
    Language(String),
    #[error("A label is one line of at most {MAX_LABEL_CHARS} characters.")]
    Label,
    #[error("A poster's time is from 0 to {MAX_AT_MS} ms, and comes without a picture; captions have none.")]
    Time,
    #[error("There is no disk space left on the node; ask its operator to make room.")]
    DiskFull,
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Inside(String),
}

impl From<pinreel_content::Error> for CompanionError {
    fn from(error: pinreel_content::Error) -> Self {
        match error {
            pinreel_content::Error::DiskFull(_) => Self::DiskFull,
            other => Self::Inside(other.to_string()),
        }
    }
}

impl From<CompanionError> for ApiError {
    fn from(error: CompanionError) -> Self {
        let text = error.to_string();
        let (status, code) = match error {
            CompanionError::Upload(error) => return error.into(),
            CompanionError::Media(error) => return error.into(),
            CompanionError::Database(error) => return error.into(),
            CompanionError::Inside(error) => return Self::internal(error),
            CompanionError::Unknown => (StatusCode::NOT_FOUND, "companion_unknown"),
            CompanionError::Published => (StatusCode::CONFLICT, "upload_published"),
            CompanionError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "companion_too_large"),
            CompanionError::Empty(_) => (StatusCode::UNPROCESSABLE_ENTITY, "companion_empty"),
            CompanionError::TooMany => (StatusCode::UNPROCESSABLE_ENTITY, "companions_too_many"),
            CompanionError::Language(_) => (StatusCode::UNPROCESSABLE_ENTITY, "language_invalid"),
            CompanionError::Label => (StatusCode::UNPROCESSABLE_ENTITY, "label_invalid"),
            CompanionError::Time => (StatusCode::UNPROCESSABLE_ENTITY, "poster_time_invalid"),
            CompanionError::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        };
        Self::new(status, code, text)
    }
}
