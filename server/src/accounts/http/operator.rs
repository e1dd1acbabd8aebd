//! `/api/v1/operator`: taking a node over by its one-time link, and running it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::error::AccountsError;
use crate::accounts::model::{INVITATION_LIFE_MS, Registration, Token};
use crate::accounts::{Operator, Session, store};
use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, ApiJson, ApiResult};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// From the link `/operator?token=…`
    token: String,
}

/// Makes the session's channel an operator, once
#[utoipa::path(
    post, path = "/api/v1/operator", tag = "operator", request_body = Take,
    responses((status = 204), (status = 401), (status = 403))
)]
pub async fn take(State(app): State<App>, session: Session, ApiJson(body): ApiJson<Take>) -> ApiResult<StatusCode> {
    let token = Token::parse(&body.token).ok_or(AccountsError::LinkUsed)?;
    if !store::use_link(&app.database, token.hash(), session.channel, app.clock.now_ms()).await? {
        return Err(AccountsError::LinkUsed.into());
    }
    tracing::info!(channel = %session.channel, "this node has its operator");
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRegistration {
    registration: Registration,
}

/// Says who may found a channel here
#[utoipa::path(
    put, path = "/api/v1/operator/registration", tag = "operator", request_body = SetRegistration,
    responses((status = 204), (status = 403))
)]
pub async fn set_registration(
    State(app): State<App>,
    _operator: Operator,
    ApiJson(body): ApiJson<SetRegistration>,
) -> ApiResult<StatusCode> {
    store::set_registration(&app.database, body.registration).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// To be given to one person
    url: String,
    token: String,
    /// ms since 1970
    expires_at: UnixMs,
}

/// Makes an invitation that founds one channel
#[utoipa::path(
    post, path = "/api/v1/operator/invitations", tag = "operator",
    responses((status = 201, body = Invitation), (status = 403))
)]
pub async fn invite(State(app): State<App>, _operator: Operator) -> ApiResult<(StatusCode, Json<Invitation>)> {
    let token = Token::random().map_err(ApiError::internal)?;
    let now_ms = app.clock.now_ms();
    let expires_at = now_ms + INVITATION_LIFE_MS;
    store::insert_invitation(&app.database, token.hash(), now_ms, expires_at).await?;
    let url = app.site.link(&format!("/signin?invitation={}", token.reveal()));
    Ok((StatusCode::CREATED, Json(Invitation { url, token: token.reveal(), expires_at })))
}
