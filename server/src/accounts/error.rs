//! Why signing in, taking over or being admitted fails.

use axum::http::StatusCode;
use pinreel_records::SessionError;

use super::AdmitError;
use crate::claims::ClaimsError;
use crate::http::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error(transparent)]
    Statement(#[from] SessionError),
    #[error("The nonce isn't one that this node gave out in the last minute, or it was used; ask for a new challenge.")]
    ChallengeUnknown,
    #[error("The key isn't an active key of this channel on this node.")]
    KeyUnknown,
    #[error("This link was used or a newer one replaced it; the newest stands in the node's log of its last start.")]
    LinkUsed,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("{0}")]
    Inside(String),
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            AccountsError::Statement(SessionError::Cbor(_) | SessionError::Field(_)) => {
                Self::bad_request("session_malformed", format!("The session statement is refused: {error}."))
            }
            AccountsError::Statement(ref cause) => {
                Self::new(unprocessable, cause.code(), format!("Signing in failed: {cause}."))
            }
            AccountsError::ChallengeUnknown => Self::new(unprocessable, "challenge_unknown", error.to_string()),
            AccountsError::KeyUnknown => Self::new(unprocessable, "key_unknown", error.to_string()),
            AccountsError::LinkUsed => Self::new(StatusCode::FORBIDDEN, "link_used", error.to_string()),
            AccountsError::Database(cause) => cause.into(),
            AccountsError::Claims(cause) => cause.into(),
            AccountsError::Random(_) | AccountsError::Inside(_) => Self::internal(error),
        }
    }
}

impl From<AdmitError> for ApiError {
    fn from(error: AdmitError) -> Self {
        let code = match error {
            AdmitError::InvitationNeeded | AdmitError::InvitationUsed => "invitation_needed",
            AdmitError::Closed => "registration_closed",
            AdmitError::Database(cause) => return cause.into(),
        };
        Self::new(StatusCode::FORBIDDEN, code, error.to_string())
    }
}
