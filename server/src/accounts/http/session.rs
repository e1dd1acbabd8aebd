//! `/api/v1/session`: opening, showing and closing a session.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use pinreel_records::base64url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::extract::{Session, cookie_name};
use crate::accounts::model::SessionView;
use crate::accounts::sign_in::{self, Answer};
use crate::accounts::store;
use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, ApiJson, ApiResult};

#[derive(Serialize, ToSchema)]
pub struct Challenge {
    /// base64url
    nonce: String,
    /// ms since 1970
    expires_at: UnixMs,
}

/// Asks for a nonce to sign in with
#[utoipa::path(post, path = "/api/v1/session/challenge", tag = "accounts", responses((status = 200, body = Challenge)))]
pub async fn challenge(State(app): State<App>) -> ApiResult<Json<Challenge>> {
    let (nonce, expires_at) = sign_in::challenge(&app).await?;
    Ok(Json(Challenge { nonce: base64url::encode(&nonce), expires_at }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// base64url of the DAG-CBOR statement
    statement: String,
    /// base64url of the signature for purpose `session`
    sig: String,
}

#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    #[serde(flatten)]
    session: SessionView,
    /// For programs; pages use the cookie.
    token: String,
}

/// Signs in with a channel's key
#[utoipa::path(
    post, path = "/api/v1/session", tag = "accounts", request_body = SignIn,
    responses((status = 201, body = SignedIn))
)]
pub async fn open(
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<SignIn>,
) -> ApiResult<impl IntoResponse> {
    let malformed =
        || ApiError::bad_request("session_malformed", "`statement` or `sig` isn't base64url of its length.");
    let statement = base64url::decode(&body.statement).ok_or_else(malformed)?;
    let signature = base64url::decode_array(&body.sig).ok_or_else(malformed)?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let answer = Answer { statement: &statement, signature: &signature, host };
    let (token, session) = sign_in::sign_in(&app, answer).await?;
    let view = sign_in::view(&app, &session).await?;
    let token = token.reveal();
    let cookie = cookie(&app, &token, view.expires_at - app.clock.now_ms());
    Ok((StatusCode::CREATED, cookie, Json(SignedIn { session: view, token })))
}

/// Shows the current session
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", responses((status = 200, body = SessionView), (status = 401)))]
pub async fn show(State(app): State<App>, session: Session) -> ApiResult<Json<SessionView>> {
    Ok(Json(sign_in::view(&app, &session).await?))
}

/// Signs out
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts", responses((status = 204), (status = 401)))]
pub async fn close(State(app): State<App>, session: Session) -> ApiResult<impl IntoResponse> {
    store::delete_session(&app.database, session.token_hash).await?;
    Ok((StatusCode::NO_CONTENT, cookie(&app, "", 0)))
}

/// The cookie with the session's token. Out of scripts' reach, and not sent along by other sites' forms.
fn cookie(app: &App, token: &str, life_ms: UnixMs) -> [(HeaderName, String); 1] {
    let secure = if app.site.is_https() { "; Secure" } else { "" };
    let (name, life_s) = (cookie_name(app), life_ms.max(0) / 1000);
    [(header::SET_COOKIE, format!("{name}={token}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}"))]
}
