//! The ways in which an address leads nowhere, each with its own answer.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::http::ApiError;

use super::model::WireRecord;

#[derive(Debug)]
pub enum Missing {
    /// The text can't be an address.
    Malformed(String),
    NotFound(String),
    ChannelUnknown(String),
    /// The claim is there, and nothing that grows.
    NotGrowing,
    /// Several claims match; `(claim, address)` each.
    Ambiguous(Vec<(String, String)>),
    Erased {
        claim: String,
        tombstone: Box<WireRecord>,
        reason: &'static str,
    },
    Api(ApiError),
}

impl<E: Into<ApiError>> From<E> for Missing {
    fn from(error: E) -> Self {
        Self::Api(error.into())
    }
}

impl Missing {
    pub fn into_problem(self) -> ApiError {
        match self {
            Self::Malformed(why) => ApiError::bad_request("address_malformed", format!("This is no address: {why}.")),
            Self::NotFound(what) => {
                ApiError::not_found("not_found", format!("There is no publication {what} on this node."))
            }
            Self::ChannelUnknown(handle) => {
                ApiError::not_found("channel_unknown", format!("There is no channel {handle} on this node."))
            }
            Self::NotGrowing => ApiError::not_found(
                "not_growing",
                "There is no unfinished stream of this publication: it is complete, or can't be watched yet.",
            ),
            Self::Ambiguous(candidates) => {
                let candidates: Value =
                    candidates.into_iter().map(|(claim, url)| json!({ "claim": claim, "url": url })).collect();
                ApiError::new(StatusCode::CONFLICT, "ambiguous", "Several publications match; give more of the id.")
                    .with("candidates", candidates)
            }
            Self::Erased { claim, tombstone, reason } => {
                let detail = format!("This publication was erased ({reason}); only its signed headers remain.");
                ApiError::new(StatusCode::GONE, "erased", detail)
                    .with("claim", claim)
                    .with("reason", reason)
                    .with("tombstone", serde_json::to_value(tombstone).unwrap_or(Value::Null))
            }
            Self::Api(error) => error,
        }
    }
}
