//! Signing in by challenge. The checks run from cheap to dear, and the nonce is used up only by a statement that is
//! right in all else, so that nobody can use up another's.

use pinreel_records::session::NONCE_BYTES;
use pinreel_records::{SessionError, SessionStatement};

use super::error::AccountsError;
use super::extract::Session;
use super::model::{CHALLENGE_LIFE_MS, SESSION_LIFE_MS, SessionView, Token};
use super::store::{self, NewSession};
use crate::app::App;
use crate::claims;
use crate::clock::UnixMs;

/// A nonce and when it expires.
pub async fn challenge(app: &App) -> Result<([u8; NONCE_BYTES], UnixMs), AccountsError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let expires_ms = app.clock.now_ms() + CHALLENGE_LIFE_MS;
    store::insert_challenge(&app.database, &nonce, expires_ms).await?;
    Ok((nonce, expires_ms))
}

/// A statement as it came in, and the `Host` it was sent to.
#[derive(Debug)]
pub struct Answer<'a> {
    pub statement: &'a [u8],
    pub signature: &'a [u8; 64],
    pub host: Option<&'a str>,
}

/// Opens a session for a channel's active key.
pub async fn sign_in(app: &App, answer: Answer<'_>) -> Result<(Token, Session), AccountsError> {
    let now_ms = app.clock.now_ms();
    let said = SessionStatement::decode(answer.statement)?.origin;
    if !app.site.may_sign_in_at(&said, answer.host) {
        return Err(SessionError::OriginWrong { origin: said }.into());
    }
    let statement = SessionStatement::verify(answer.statement, answer.signature, &[&said], now_ms.unsigned_abs())?;
    let mut connection = app.database.acquire().await?;
    let owner = claims::find_key(&mut connection, &statement.key).await?;
    drop(connection);
    if owner.map(|owner| owner.channel) != Some(statement.channel) {
        return Err(AccountsError::KeyUnknown);
    }
    if !store::take_challenge(&app.database, &statement.nonce, now_ms).await? {
        return Err(AccountsError::ChallengeUnknown);
    }
    let token = Token::random()?;
    let session = NewSession {
        token: token.hash(),
        channel: statement.channel,
        key: statement.key,
        created_ms: now_ms,
        expires_ms: now_ms + SESSION_LIFE_MS,
    };
    store::insert_session(&app.database, &session).await?;
    let live = store::session(&app.database, token.hash(), now_ms).await?;
    let live = live.ok_or_else(|| AccountsError::Inside("a new session wasn't found".into()))?;
    Ok((token, live))
}

/// The session as its own page sees it.
pub async fn view(app: &App, session: &Session) -> Result<SessionView, AccountsError> {
    let mut connection = app.database.acquire().await?;
    let channel = session.channel.to_string();
    let info = claims::find_channel(&mut connection, &channel).await?;
    let (handle, name) = info.map(|info| (info.handle, info.name)).unwrap_or_default();
    Ok(SessionView { channel, handle, name, operator: session.operator, expires_at: session.expires_ms })
}
