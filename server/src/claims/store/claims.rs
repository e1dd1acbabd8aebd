//! Claims, their versions, and the node's renditions.

use pinreel_records::{ClaimId, RecordId, Rendition};
use sqlx::PgConnection;

use crate::claims::model::ClaimState;

pub async fn insert(connection: &mut PgConnection, claim: ClaimId, channel: &str, slug: &str) -> sqlx::Result<()> {
    let id = claim.to_string();
    sqlx::query!(
        "insert into claim (id, channel, slug, digest, newest) values ($1, $2, $3, $4, $1)",
        id,
        channel,
        slug,
        claim.digest_hex(),
    )
    .execute(&mut *connection)
    .await?;
    insert_version(connection, &id, &id).await
}

pub async fn update(connection: &mut PgConnection, claim: ClaimId, version: RecordId, slug: &str) -> sqlx::Result<()> {
    let (claim, version) = (claim.to_string(), version.to_string());
    sqlx::query!("update claim set newest = $2, slug = $3 where id = $1", claim, version, slug)
        .execute(&mut *connection)
        .await?;
    insert_version(connection, &version, &claim).await
}

async fn insert_version(connection: &mut PgConnection, version: &str, claim: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into claim_version (record, claim) values ($1, $2)", version, claim)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn state(connection: &mut PgConnection, claim: &str) -> sqlx::Result<Option<ClaimState>> {
    sqlx::query_as!(
        ClaimState,
        r#"select channel, newest, tombstone is not null as "is_erased!" from claim where id = $1"#,
        claim,
    )
    .fetch_optional(connection)
    .await
}

/// The claim that a record is a version of.
pub async fn claim_of(connection: &mut PgConnection, version: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select claim from claim_version where record = $1", version).fetch_optional(connection).await
}

/// The claim, erased ones too, that has this slug in this channel.
pub async fn at_slug(connection: &mut PgConnection, channel: &str, slug: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select id from claim where channel = $1 and slug = $2", channel, slug)
        .fetch_optional(connection)
        .await
}

/// Marks a claim as erased and takes it out of sight.
pub async fn bury(connection: &mut PgConnection, claim: &str, tombstone: &str) -> sqlx::Result<()> {
    sqlx::query!("update claim set tombstone = $2 where id = $1", claim, tombstone).execute(&mut *connection).await?;
    sqlx::query!("delete from publication where claim = $1", claim).execute(connection).await?;
    Ok(())
}

pub async fn insert_rendition(
    connection: &mut PgConnection,
    (index, record): (i64, RecordId),
    rendition: &Rendition,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rendition_record (index, record, source, root, duration_ms, has_poster)
         values ($1, $2, $3, $4, $5, $6)",
        index,
        record.to_string(),
        rendition.source.to_string(),
        rendition.root.to_string(),
        i64::try_from(rendition.duration_ms).unwrap_or(i64::MAX),
        rendition.poster.is_some(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
