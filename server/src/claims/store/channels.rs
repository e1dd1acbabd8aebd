//! Channels, their keys and their handles.

use std::collections::BTreeSet;

use pinreel_records::{Body, ChannelId, ChannelState, KeyHead, Kind, Name, Profile, PublicKey, RecordId, skeleton};
use sqlx::PgConnection;

use crate::claims::error::ClaimsError;
use crate::claims::model::{ChannelInfo, KeyInfo};
use crate::clock::UnixMs;

/// What the log says of a channel's keys and home.
pub async fn state(connection: &mut PgConnection, channel: ChannelId) -> Result<Option<ChannelState>, ClaimsError> {
    // The genesis is the only authority record so far, and its body is never erased.
    let body = sqlx::query_scalar!(
        "select body from channel join log_entry on record = keys join log_body using (index) where id = $1",
        channel.to_string(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(body) = body else { return Ok(None) };
    match Body::decode(Kind::Genesis.name(), &body) {
        Ok((_, Body::Genesis(genesis))) => Ok(Some(ChannelState::founded(channel, &genesis))),
        other => Err(ClaimsError::Corrupt(format!("the genesis of {channel}: {other:?}"))),
    }
}

pub async fn insert(
    connection: &mut PgConnection,
    channel: ChannelId,
    keys: &[PublicKey],
    created_ms: UnixMs,
) -> sqlx::Result<()> {
    let id = channel.to_string();
    sqlx::query!("insert into channel (id, keys, created_ms) values ($1, $1, $2)", id, created_ms)
        .execute(&mut *connection)
        .await?;
    let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    sqlx::query!("insert into signing_key (key, channel) select key, $2 from unnest($1::bytea[]) as key", &keys, id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Those of these keys that belong to a channel already.
pub async fn taken(connection: &mut PgConnection, keys: &[PublicKey]) -> sqlx::Result<BTreeSet<PublicKey>> {
    let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let rows =
        sqlx::query_scalar!("select key from signing_key where key = any($1)", &keys).fetch_all(connection).await?;
    Ok(rows.into_iter().filter_map(|key| key.try_into().ok().map(PublicKey::from_bytes)).collect())
}

/// Where a key's chain stands; `None` for keys of no channel.
pub async fn key(connection: &mut PgConnection, key: &PublicKey) -> Result<Option<KeyInfo>, ClaimsError> {
    let row = sqlx::query!(
        "select channel, handle, keys, seq, head from signing_key join channel on channel.id = channel where key = $1",
        key.as_bytes(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let head = match (row.head, row.seq) {
        (Some(head), Some(seq)) => Some(KeyHead { id: record_id(&head)?, seq: seq.unsigned_abs() }),
        _ => None,
    };
    Ok(Some(KeyInfo { channel: record_id(&row.channel)?, handle: row.handle, keys: record_id(&row.keys)?, head }))
}

pub async fn set_head(connection: &mut PgConnection, key: &PublicKey, head: KeyHead) -> sqlx::Result<()> {
    sqlx::query!(
        "update signing_key set seq = $2, head = $3 where key = $1",
        key.as_bytes(),
        i64::try_from(head.seq).unwrap_or(i64::MAX),
        head.id.to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn find_channel(connection: &mut PgConnection, channel: &str) -> sqlx::Result<Option<ChannelInfo>> {
    sqlx::query_as!(ChannelInfo, "select id, handle, name, about from channel where id = $1", channel)
        .fetch_optional(connection)
        .await
}

/// How many channels there are, up to a bound: more is told as the bound.
pub async fn count(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from (select from channel limit 100000) as bounded"#)
        .fetch_one(connection)
        .await
}

/// Whether a channel without a handle could take this one.
pub async fn is_handle_free(connection: &mut PgConnection, handle: &Name) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select not exists (select from handle_skeleton where skeleton = $1) as "free!""#,
        skeleton(handle),
    )
    .fetch_one(connection)
    .await
}

/// Takes a handle for a channel; false if it, or one that looks like it, is another's. One's own stays one's own.
pub async fn take_handle(connection: &mut PgConnection, channel: &str, handle: &Name) -> sqlx::Result<bool> {
    let skeleton = skeleton(handle);
    sqlx::query!(
        "insert into handle_skeleton (skeleton, channel) values ($1, $2) on conflict (skeleton) do nothing",
        skeleton,
        channel,
    )
    .execute(&mut *connection)
    .await?;
    // Nobody else writes handles meanwhile: the log's lock is held.
    let owner = sqlx::query_scalar!("select channel from handle_skeleton where skeleton = $1", skeleton)
        .fetch_one(&mut *connection)
        .await?;
    if owner != channel {
        return Ok(false);
    }
    sqlx::query!(
        "insert into handle (handle, skeleton, channel) values ($1, $2, $3) on conflict (handle) do nothing",
        handle.as_str(),
        skeleton,
        channel,
    )
    .execute(connection)
    .await?;
    Ok(true)
}

pub async fn set_profile(
    connection: &mut PgConnection,
    channel: &str,
    record: RecordId,
    profile: &Profile,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update channel set profile = $2, handle = $3, name = $4, about = $5 where id = $1",
        channel,
        record.to_string(),
        profile.handle.as_str(),
        profile.name,
        profile.about,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what a profile said, if it is the newest one; the handle stays.
pub async fn blank_profile(connection: &mut PgConnection, record: &str) -> sqlx::Result<()> {
    sqlx::query!("update channel set name = handle, about = null where profile = $1", record)
        .execute(connection)
        .await?;
    Ok(())
}

fn record_id(text: &str) -> Result<RecordId, ClaimsError> {
    text.parse().map_err(|_| ClaimsError::Corrupt(format!("{text} is no record's id")))
}
