//! All SQL of accounts.

use pinreel_records::{ChannelId, PublicKey};
use sqlx::PgConnection;

use super::extract::Session;
use super::model::{Registration, TokenHash};
use crate::clock::UnixMs;
use crate::database::Database;

pub async fn insert_challenge(database: &Database, nonce: &[u8; 32], expires_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("insert into session_challenge (nonce, expires_ms) values ($1, $2)", nonce.as_slice(), expires_ms)
        .execute(database)
        .await?;
    Ok(())
}

/// Takes a challenge away; false if there was none, or it had expired.
pub async fn take_challenge(database: &Database, nonce: &[u8; 32], now_ms: UnixMs) -> sqlx::Result<bool> {
    let expires_ms =
        sqlx::query_scalar!("delete from session_challenge where nonce = $1 returning expires_ms", nonce.as_slice())
            .fetch_optional(database)
            .await?;
    Ok(expires_ms.is_some_and(|expires_ms| expires_ms > now_ms))
}

#[derive(Debug)]
pub struct NewSession {
    pub token: TokenHash,
    pub channel: ChannelId,
    pub key: PublicKey,
    pub created_ms: UnixMs,
    pub expires_ms: UnixMs,
}

pub async fn insert_session(database: &Database, session: &NewSession) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into session (token_hash, channel, key, created_ms, expires_ms) values ($1, $2, $3, $4, $5)",
        session.token.as_slice(),
        session.channel.to_string(),
        session.key.as_bytes(),
        session.created_ms,
        session.expires_ms,
    )
    .execute(database)
    .await?;
    Ok(())
}

pub async fn session(database: &Database, token: TokenHash, now_ms: UnixMs) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query!(
        r#"
        select session.channel, key, expires_ms, operator.channel is not null as "operator!"
        from session left join operator on operator.channel = session.channel
        where token_hash = $1 and expires_ms > $2
        "#,
        token.as_slice(),
        now_ms,
    )
    .fetch_optional(database)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let channel = row.channel.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let key: [u8; 32] = row.key.as_slice().try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Some(Session {
        channel,
        key: PublicKey::from_bytes(key),
        operator: row.operator,
        expires_ms: row.expires_ms,
        token_hash: token,
    }))
}

pub async fn delete_session(database: &Database, token: TokenHash) -> sqlx::Result<()> {
    sqlx::query!("delete from session where token_hash = $1", token.as_slice()).execute(database).await?;
    Ok(())
}

/// Clears away what has expired. The tables are small: sessions live 30 days, challenges a minute.
pub async fn sweep(database: &Database, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("delete from session_challenge where expires_ms <= $1", now_ms).execute(database).await?;
    sqlx::query!("delete from session where expires_ms <= $1", now_ms).execute(database).await?;
    sqlx::query!("delete from invitation where expires_ms <= $1 and used_by is null", now_ms).execute(database).await?;
    Ok(())
}

pub async fn has_operator(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from operator) as "exists!""#).fetch_one(connection).await
}

/// The new link replaces any before it.
pub async fn set_link(connection: &mut PgConnection, token: TokenHash) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into operator_link (token_hash) values ($1) on conflict (the_one) do update set token_hash = $1",
        token.as_slice(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the link away and makes the channel an operator, both or neither; false if it isn't the link.
pub async fn use_link(database: &Database, token: TokenHash, channel: ChannelId, now_ms: UnixMs) -> sqlx::Result<bool> {
    let mut transaction = database.begin().await?;
    // The row's lock makes a second opener wait, and then find nothing.
    let taken = sqlx::query!("delete from operator_link where token_hash = $1", token.as_slice())
        .execute(&mut *transaction)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into operator (channel, since_ms) values ($1, $2) on conflict (channel) do nothing",
        channel.to_string(),
        now_ms,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

pub async fn is_link(connection: &mut PgConnection, token: TokenHash) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from operator_link where token_hash = $1) as "exists!""#,
        token.as_slice(),
    )
    .fetch_one(connection)
    .await
}

/// What the operator chose, if they did.
pub async fn registration(connection: &mut PgConnection) -> sqlx::Result<Option<Registration>> {
    let mode = sqlx::query_scalar!("select mode from registration").fetch_optional(connection).await?;
    Ok(mode.as_deref().and_then(Registration::from_name))
}

pub async fn set_registration(database: &Database, mode: Registration) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into registration (mode) values ($1) on conflict (the_one) do update set mode = $1",
        mode.name(),
    )
    .execute(database)
    .await?;
    Ok(())
}

pub async fn insert_invitation(
    database: &Database,
    token: TokenHash,
    created_ms: UnixMs,
    expires_ms: UnixMs,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into invitation (token_hash, created_ms, expires_ms) values ($1, $2, $3)",
        token.as_slice(),
        created_ms,
        expires_ms,
    )
    .execute(database)
    .await?;
    Ok(())
}

/// Uses an invitation up; false if it is unknown, expired or used.
pub async fn use_invitation(
    connection: &mut PgConnection,
    token: TokenHash,
    channel: ChannelId,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update invitation set used_by = $2 where token_hash = $1 and used_by is null and expires_ms > $3",
        token.as_slice(),
        channel.to_string(),
        now_ms,
    )
    .execute(connection)
    .await?;
    Ok(used.rows_affected() == 1)
}
