//! Versions that wait to be shown, and those that are.

use pinreel_records::{RecordId, Stream};
use sqlx::{PgConnection, PgPool};

use crate::claims::markdown::Rendered;

/// Versions announced in one go.
const BATCH: i64 = 100;

pub async fn insert(connection: &mut PgConnection, index: i64) -> sqlx::Result<()> {
    sqlx::query!("insert into unannounced (index) values ($1)", index).execute(connection).await?;
    Ok(())
}

/// What waits, oldest first, from an index on.
pub async fn pending(pool: &PgPool, from: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!("select index from unannounced where index >= $1 order by index limit $2", from, BATCH)
        .fetch_all(pool)
        .await
}

pub async fn is_pending(connection: &mut PgConnection, index: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from unannounced where index = $1) as "is_pending!""#, index)
        .fetch_one(connection)
        .await
}

/// Takes one off the list; false: somebody else has, or is about to.
pub async fn take(connection: &mut PgConnection, index: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from unannounced where index = $1", index).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// The claim of a version, locked against erasure until this transaction ends; `None` once it is erased.
pub async fn lock_claim(connection: &mut PgConnection, version: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select claim.id from claim_version join claim on claim.id = claim
         where record = $1 and tombstone is null for share of claim",
        version,
    )
    .fetch_optional(connection)
    .await
}

/// Whose claim it is.
pub async fn channel_of(connection: &mut PgConnection, claim: &str) -> sqlx::Result<String> {
    sqlx::query_scalar!("select channel from claim where id = $1", claim).fetch_one(connection).await
}

/// Shows a version in place of the one before it. A newer one that is shown already stays.
pub async fn show(
    connection: &mut PgConnection,
    claim: &str,
    version: RecordId,
    stream: &Stream,
    description: &Rendered,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into publication (claim, channel, index, received_ms, version, version_index, title, excerpt,
             description_html, source, source_bytes, media_type, file_name, root, poster)
         select claim.id, claim.channel, first.index, first.received_ms, $2, version.index, $3, $4, $5, $6, $7, $8, $9,
             $10, $11
         from claim
             join log_entry as first on first.record = claim.id
             join log_entry as version on version.record = $2
         where claim.id = $1
         on conflict (claim) do update set
             version = excluded.version, version_index = excluded.version_index, title = excluded.title,
             excerpt = excluded.excerpt, description_html = excluded.description_html, source = excluded.source,
             source_bytes = excluded.source_bytes, media_type = excluded.media_type, file_name = excluded.file_name,
             root = excluded.root, poster = excluded.poster
         where publication.version_index < excluded.version_index",
        claim,
        version.to_string(),
        stream.title,
        description.excerpt,
        description.html,
        stream.source.cid.to_string(),
        i64::try_from(stream.source.bytes).unwrap_or(i64::MAX),
        stream.source.media_type,
        stream.source.file_name,
        stream.root.map(|root| root.to_string()),
        stream.poster.map(|poster| poster.to_string()),
    )
    .execute(connection)
    .await?;
    Ok(())
}
