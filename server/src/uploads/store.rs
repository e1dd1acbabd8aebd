//! All SQL of the table `upload`.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{PAGE, State, Upload, UploadId};
use crate::clock::UnixMs;

/// Unfinished uploads looked at in one go. The room that they reserve bounds how many there can be.
const RECEIVING: i64 = 100_000;

struct Row {
    id: Uuid,
    channel: String,
    file_name: String,
    media_type: String,
    size_bytes: i64,
    state: String,
    source: Option<String>,
    created_ms: i64,
    expires_ms: Option<i64>,
}

impl From<Row> for Upload {
    fn from(row: Row) -> Self {
        Self {
            id: UploadId(row.id),
            channel: row.channel,
            file_name: row.file_name,
            media_type: row.media_type,
            size_bytes: row.size_bytes.unsigned_abs(),
            state: if row.state == "stored" { State::Stored } else { State::Receiving },
            source: row.source,
            created_ms: row.created_ms,
            expires_ms: row.expires_ms,
        }
    }
}

pub async fn insert(pool: &PgPool, upload: &Upload) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into upload (id, channel, file_name, media_type, size_bytes, created_ms, expires_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
        upload.id.0,
        upload.channel,
        upload.file_name,
        upload.media_type,
        i64::try_from(upload.size_bytes).unwrap_or(i64::MAX),
        upload.created_ms,
        upload.expires_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn find(pool: &PgPool, id: UploadId) -> sqlx::Result<Option<Upload>> {
    find_in(&mut *pool.acquire().await?, id).await
}

/// As [`find`], within a transaction.
pub async fn find_in(connection: &mut PgConnection, id: UploadId) -> sqlx::Result<Option<Upload>> {
    let row = sqlx::query_as!(
        Row,
        "select id, channel, file_name, media_type, size_bytes, state, source, created_ms, expires_ms
         from upload where id = $1",
        id.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

/// A channel's uploads, newest first.
pub async fn of_channel(pool: &PgPool, channel: &str) -> sqlx::Result<Vec<Upload>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, channel, file_name, media_type, size_bytes, state, source, created_ms, expires_ms
         from upload where channel = $1 order by created_ms desc, id desc limit $2",
        channel,
        PAGE,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// All unfinished uploads, the first to expire first.
pub async fn receiving(pool: &PgPool) -> sqlx::Result<Vec<Upload>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, channel, file_name, media_type, size_bytes, state, source, created_ms, expires_ms
         from upload where state = 'receiving' order by expires_ms limit $1",
        RECEIVING,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub async fn expired(pool: &PgPool, now_ms: UnixMs) -> sqlx::Result<Vec<UploadId>> {
    let ids = sqlx::query_scalar!(
        "select id from upload where state = 'receiving' and expires_ms <= $1 order by expires_ms limit $2",
        now_ms,
        PAGE,
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(UploadId).collect())
}

/// Pushes the end of an unfinished upload's life on.
pub async fn prolong(pool: &PgPool, id: UploadId, expires_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("update upload set expires_ms = $2 where id = $1 and state = 'receiving'", id.0, expires_ms)
        .execute(pool)
        .await?;
    Ok(())
}

/// The bytes are in the store. False: somebody else has noted that already, or the upload is gone.
pub async fn set_stored(
    connection: &mut PgConnection,
    id: UploadId,
    (source, media_type): (&str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update upload set state = 'stored', source = $2, media_type = $3, expires_ms = null
         where id = $1 and state = 'receiving'",
        id.0,
        source,
        media_type,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets an upload. False: there was none.
pub async fn remove(pool: &PgPool, id: UploadId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from upload where id = $1", id.0).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

/// Whether this channel has uploaded these bytes here, to the end.
pub async fn owns_source(connection: &mut PgConnection, channel: &str, source: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from upload where source = $1 and channel = $2 and state = 'stored') as "owns!""#,
        source,
        channel,
    )
    .fetch_one(connection)
    .await
}

/// The sources of all uploads that are stored, each with its upload.
pub async fn stored_sources(pool: &PgPool) -> sqlx::Result<Vec<(UploadId, String)>> {
    let rows =
        sqlx::query!(r#"select id, source as "source!" from upload where state = 'stored'"#).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (UploadId(row.id), row.source)).collect())
}

/// How many uploads are in a state, and how large they are together.
pub struct UploadCount {
    pub state: &'static str,
    pub uploads: i64,
    pub size_bytes: i64,
}

/// How many uploads are in each state.
pub async fn count(pool: &PgPool) -> sqlx::Result<Vec<UploadCount>> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "uploads!", sum(size_bytes)::bigint as "size_bytes!" from upload group by state"#
    )
    .fetch_all(pool)
    .await?;
    let count = |state: &'static str| {
        let row = rows.iter().find(|row| row.state == state);
        let (uploads, size_bytes) = row.map_or((0, 0), |row| (row.uploads, row.size_bytes));
        UploadCount { state, uploads, size_bytes }
    };
    Ok(["receiving", "stored"].into_iter().map(count).collect())
}
