//! Who sends a request: a bearer token, or the session cookie of one of our own pages.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum_extra::extract::CookieJar;
use pinreel_records::{ChannelId, PublicKey};

use super::model::{Token, TokenHash};
use super::store;
use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, bearer, guard};

/// A live session; as an extractor it answers 401 where there is none. `Option<Session>` works as well.
#[derive(Clone, Debug)]
pub struct Session {
    pub channel: ChannelId,
    pub key: PublicKey,
    pub operator: bool,
    pub expires_ms: UnixMs,
    pub(super) token_hash: TokenHash,
}

/// The session, if there is one.
#[derive(Clone, Debug)]
pub struct MaybeSession(pub Option<Session>);

/// A session of one of the node's operators; 403 for others.
#[derive(Clone, Debug)]
pub struct Operator(pub Session);

impl FromRequestParts<App> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        find(parts, app).await?.ok_or_else(|| {
            ApiError::new(StatusCode::UNAUTHORIZED, "session_needed", "This needs a session; sign in and try again.")
        })
    }
}

impl OptionalFromRequestParts<App> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, ApiError> {
        find(parts, app).await
    }
}

impl FromRequestParts<App> for MaybeSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        find(parts, app).await.map(Self)
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let session = <Session as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        if session.operator {
            return Ok(Self(session));
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "operator_needed",
            "Only this node's operator may do that; sign in with the operator's channel.",
        ))
    }
}

async fn find(parts: &Parts, app: &App) -> Result<Option<Session>, ApiError> {
    let token = match bearer(&parts.headers) {
        Some(token) => Some(token.to_owned()),
        None => match cookie(app, &parts.headers) {
            Some(token) => {
                guard::check_cookie_write(app, &parts.method, &parts.headers)?;
                Some(token)
            }
            None => None,
        },
    };
    let Some(token) = token.as_deref().and_then(Token::parse) else { return Ok(None) };
    Ok(store::session(&app.database, token.hash(), app.clock.now_ms()).await?)
}

fn cookie(app: &App, headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(cookie_name(app)).map(|cookie| cookie.value().to_owned())
}

/// On https the name's prefix keeps other hosts of the domain from setting it.
pub fn cookie_name(app: &App) -> &'static str {
    if app.site.is_https() { "__Host-pinreel_session" } else { "pinreel_session" }
}
