//! What accounts ask of the feature that keeps channels and their keys.

use pinreel_records::{ChannelId, PublicKey};
use sqlx::PgConnection;

/// The channel that a key may act for.
pub async fn of_key(connection: &mut PgConnection, key: &PublicKey) -> sqlx::Result<Option<ChannelId>> {
    let channel: Option<String> = sqlx::query_scalar("select channel from signing_key where key = $1")
        .bind(key.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    Ok(channel.and_then(|channel| channel.parse().ok()))
}

/// A channel's handle and name.
pub async fn names(
    connection: &mut PgConnection,
    channel: ChannelId,
) -> sqlx::Result<Option<(Option<String>, String)>> {
    sqlx::query_as("select handle, name from channel where id = $1")
        .bind(channel.to_string())
        .fetch_optional(connection)
        .await
}
