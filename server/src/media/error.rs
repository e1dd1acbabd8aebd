//! How a worker's call can fail, each with a stable code. `lease_lost` is the one a worker must know: stop, forget it.

use axum::http::StatusCode;

use crate::http::ApiError;

use super::measured::Unfit;
use super::model::PRIORITIES;
use pinreel_runner::{PROTOCOL, RECIPE};

fn protocol(theirs: u32) -> String {
    let (older, how) = if theirs < PROTOCOL { ("worker", "older") } else { ("node", "newer") };
    format!(
        "The worker speaks version {theirs} of the runner protocol, which is {how} than this node's {PROTOCOL}; \
         update the {older}."
    )
}

#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("This call needs a token: the worker's key to lease, the lease's own for anything about its job.")]
    TokenWrong,
    #[error("{}", protocol(*.0))]
    Protocol(u32),
    #[error("What the worker says of itself can't be read ({0}).")]
    Unreadable(String),
    #[error(
        "The key of the worker {0} was revoked by this node's operator; register it anew under another name if that was a mistake."
    )]
    WorkerRevoked(String),
    #[error("A worker can't be called {0}: another one is, or the name is the node's own. Choose another with --name.")]
    WorkerNameTaken(String),
    #[error(
        "This registration token was used, has expired, or isn't one of this node's; its operator makes one with `pinreel worker invite`."
    )]
    InvitationWrong,
    #[error("An invitation lasts from 1 to {0} hours.")]
    InvitationHours(u32),
    #[error("No worker is called {0} here; `pinreel worker list` names them all.")]
    WorkerUnknown(String),
    #[error(
        "The worker {0} has no key of its own: it asks with the node's worker token. To shut it out, replace that token's file and start the node anew."
    )]
    WorkerUnregistered(String),
    #[error("There is no job {0}; `pinreel jobs list` names them all.")]
    JobUnknown(String),
    #[error("Only a failed job can be tried again; this one is {0}.")]
    JobNotFailed(&'static str),
    #[error("Only a job that waits or runs can be cancelled; this one is {0}.")]
    JobOver(&'static str),
    #[error("A priority is from {} to {}.", PRIORITIES.start(), PRIORITIES.end())]
    Priority,
    #[error("This node's jobs are of the recipe {RECIPE}, which this worker can't run; update the worker.")]
    Recipe,
    #[error("The lease of this job has ended and its work goes on elsewhere or is done; drop it and lease another.")]
    LeaseLost,
    #[error("The file name \"{0}\" isn't one a worker may deliver.")]
    NameRefused(String),
    #[error("The file {name} is over its limit of {limit_bytes} bytes.")]
    FileTooLarge { name: String, limit_bytes: u64 },
    #[error("The job's files are over their limit of {0} bytes together.")]
    JobTooLarge(u64),
    #[error("A job may deliver at most {0} files.")]
    TooManyFiles(usize),
    #[error("The bytes of {name} hash to {actual}, not to the {expected} that was announced; send the file again.")]
    CidWrong { name: String, expected: String, actual: String },
    #[error("The cid in the query isn't a CID: send ?cid= with the file's own.")]
    CidMissing,
    #[error("The file {0} broke off; send it again.")]
    Interrupted(String),
    #[error("The result can't be used: {0}.")]
    Unfit(#[from] Unfit),
    #[error("The result names {0}, which wasn't delivered under this lease with those bytes; send it first.")]
    FileMissing(String),
    #[error("There is no disk space left on the node; the job is tried again later.")]
    DiskFull,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("content store: {0}")]
    Store(String),
    #[error("rendition record: {0}")]
    Record(String),
}

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        let (status, code) = match &error {
            MediaError::TokenWrong => (StatusCode::UNAUTHORIZED, "token_wrong"),
            MediaError::Protocol(_) => (StatusCode::UNPROCESSABLE_ENTITY, "protocol_unknown"),
            MediaError::Unreadable(_) => (StatusCode::BAD_REQUEST, "request_malformed"),
            MediaError::WorkerRevoked(_) => (StatusCode::FORBIDDEN, "worker_revoked"),
            MediaError::WorkerNameTaken(_) => (StatusCode::CONFLICT, "worker_name_taken"),
            MediaError::InvitationWrong => (StatusCode::FORBIDDEN, "invitation_wrong"),
            MediaError::InvitationHours(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invitation_hours"),
            MediaError::WorkerUnknown(_) => (StatusCode::NOT_FOUND, "worker_unknown"),
            MediaError::WorkerUnregistered(_) => (StatusCode::CONFLICT, "worker_unregistered"),
            MediaError::JobUnknown(_) => (StatusCode::NOT_FOUND, "job_unknown"),
            MediaError::JobNotFailed(_) => (StatusCode::CONFLICT, "job_not_failed"),
            MediaError::JobOver(_) => (StatusCode::CONFLICT, "job_over"),
            MediaError::Priority => (StatusCode::UNPROCESSABLE_ENTITY, "priority_wrong"),
            MediaError::Recipe => (StatusCode::UNPROCESSABLE_ENTITY, "recipe_unknown"),
            MediaError::LeaseLost => (StatusCode::CONFLICT, "lease_lost"),
            MediaError::NameRefused(_) => (StatusCode::BAD_REQUEST, "name_refused"),
            MediaError::FileTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "file_too_large"),
            MediaError::JobTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "job_too_large"),
            MediaError::TooManyFiles(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_files"),
            MediaError::CidWrong { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "cid_mismatch"),
            MediaError::CidMissing => (StatusCode::BAD_REQUEST, "cid_missing"),
            MediaError::Interrupted(_) => (StatusCode::BAD_REQUEST, "interrupted"),
            MediaError::Unfit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "result_unfit"),
            MediaError::FileMissing(_) => (StatusCode::UNPROCESSABLE_ENTITY, "file_missing"),
            MediaError::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            MediaError::Database(_) | MediaError::Store(_) | MediaError::Record(_) => {
                return match error {
                    MediaError::Database(error) => error.into(),
                    other => ApiError::internal(other),
                };
            }
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<pinreel_content::Error> for MediaError {
    fn from(error: pinreel_content::Error) -> Self {
        match error {
            full if full.is_disk_full() => Self::DiskFull,
            other => Self::Store(other.to_string()),
        }
    }
}
