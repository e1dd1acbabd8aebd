//! All SQL of the tables `companion` and `companion_due`.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{Companion, Role};
use crate::signals::{self, Signal};

/// Uploads looked at in one go.
const BATCH: i64 = 100;

struct Row {
    id: Uuid,
    role: String,
    file_name: String,
    language: Option<String>,
    label: String,
    at_ms: Option<i64>,
    sent: Option<String>,
    job: Option<Uuid>,
    created_ms: i64,
}

impl From<Row> for Companion {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            role: Role::parse(&row.role),
            file_name: row.file_name,
            language: row.language,
            label: row.label,
            at_ms: row.at_ms.map(i64::unsigned_abs),
            sent: row.sent,
            job: row.job,
            created_ms: row.created_ms,
        }
    }
}

pub async fn of_upload(pool: &PgPool, upload: Uuid) -> sqlx::Result<Vec<Companion>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, role, file_name, language, label, at_ms, sent, job, created_ms from companion
         where upload = $1 order by id",
        upload,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// How many captions an upload has; its row is locked, so that two who ask at once take turns.
pub async fn count_captions(connection: &mut PgConnection, upload: Uuid) -> sqlx::Result<i64> {
    sqlx::query!("select id from upload where id = $1 for no key update", upload)
        .fetch_optional(&mut *connection)
        .await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from companion where upload = $1 and role = 'captions'"#,
        upload,
    );
    count.fetch_one(connection).await
}

/// A new poster takes the place of the one before.
pub async fn insert(connection: &mut PgConnection, upload: Uuid, companion: &Companion) -> sqlx::Result<()> {
    if companion.role == Role::Poster {
        sqlx::query!("delete from companion where upload = $1 and role = 'poster'", upload)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query!(
        "insert into companion (id, upload, role, file_name, language, label, at_ms, sent, job, created_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        companion.id,
        upload,
        companion.role.name(),
        companion.file_name,
        companion.language,
        companion.label,
        companion.at_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
        companion.sent,
        companion.job,
        companion.created_ms,
    )
    .execute(&mut *connection)
    .await?;
    mark_due(connection, upload).await
}

/// False: there is none of this id.
pub async fn describe(
    connection: &mut PgConnection,
    (upload, id): (Uuid, Uuid),
    (language, label): (Option<&str>, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update companion set language = $3, label = $4 where upload = $1 and id = $2 and role = 'captions'",
        upload,
        id,
        language,
        label,
    )
    .execute(&mut *connection)
    .await?;
    mark_due(connection, upload).await?;
    Ok(done.rows_affected() == 1)
}

/// False: there is none of this id.
pub async fn remove(connection: &mut PgConnection, (upload, id): (Uuid, Uuid)) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from companion where upload = $1 and id = $2", upload, id)
        .execute(&mut *connection)
        .await?;
    mark_due(connection, upload).await?;
    Ok(done.rows_affected() == 1)
}

/// Frames that wait for their film, with their times.
pub async fn frames_of(connection: &mut PgConnection, upload: Uuid) -> sqlx::Result<Vec<(Uuid, u64)>> {
    let rows = sqlx::query!(
        r#"select id, at_ms as "at_ms!" from companion where upload = $1 and at_ms is not null and job is null"#,
        upload,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.at_ms.unsigned_abs())).collect())
}

pub async fn set_job(connection: &mut PgConnection, id: Uuid, job: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update companion set job = $2 where id = $1", id, job).execute(connection).await?;
    Ok(())
}

/// The upload's folder is to be looked at.
pub async fn mark_due(connection: &mut PgConnection, upload: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into companion_due (upload) values ($1)
         on conflict (upload) do update set number = companion_due.number + 1",
        upload,
    )
    .execute(&mut *connection)
    .await?;
    signals::say(connection, &Signal::Companions).await
}

pub async fn mark_due_of_source(connection: &mut PgConnection, source: &str) -> sqlx::Result<()> {
    let marked = sqlx::query!(
        "insert into companion_due (upload)
         select upload.id from upload
         where source = $1 and state = 'stored' and exists (select from companion where companion.upload = upload.id)
         on conflict (upload) do update set number = companion_due.number + 1",
        source,
    )
    .execute(&mut *connection)
    .await?;
    if marked.rows_affected() > 0 { signals::say(connection, &Signal::Companions).await } else { Ok(()) }
}

pub async fn mark_due_of_job(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<()> {
    let marked = sqlx::query!(
        "insert into companion_due (upload) select distinct upload from companion where job = $1
         on conflict (upload) do update set number = companion_due.number + 1",
        job,
    )
    .execute(&mut *connection)
    .await?;
    if marked.rows_affected() > 0 { signals::say(connection, &Signal::Companions).await } else { Ok(()) }
}

/// An upload whose folder is to be looked at.
pub struct Due {
    pub upload: Uuid,
    pub channel: String,
    /// Once it is stored.
    pub source: Option<String>,
    pub number: i64,
}

pub async fn due(pool: &PgPool) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        "select upload, channel, source, number from companion_due join upload on upload.id = upload order by upload
         limit $1",
        BATCH,
    )
    .fetch_all(pool)
    .await
}

/// It was looked at. False: more has happened meanwhile, so it is to be looked at again.
pub async fn settle(connection: &mut PgConnection, due: &Due) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from companion_due where upload = $1 and number = $2", due.upload, due.number)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether something of a channel's beside a source is still to be made or put together.
pub async fn are_awaited(pool: &PgPool, channel: &str, source: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from upload join companion on companion.upload = upload.id
                   left join job on job.id = companion.job
               where upload.source = $1 and upload.channel = $2 and upload.state = 'stored'
                   and (exists (select from companion_due where companion_due.upload = upload.id)
                       or job.state is null or job.state in ('queued', 'leased'))
           ) as "awaited!""#,
        source,
        channel,
    )
    .fetch_one(pool)
    .await
}

pub async fn owns_file(connection: &mut PgConnection, channel: &str, cid: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from upload join companion on companion.upload = upload.id
                   join companion_file on companion_file.job = companion.job
               where cid = $1 and channel = $2
           ) as "owns!""#,
        cid,
        channel,
    )
    .fetch_one(connection)
    .await
}

pub async fn kept(pool: &PgPool) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id!", sent as "cid!" from companion where sent is not null
           union all
           select companion.id, cid as "cid!" from companion join companion_file on companion_file.job = companion.job"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.cid)).collect())
}
