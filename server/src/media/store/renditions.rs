//! Renditions: made by the completing transaction, due once published, logged once.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BATCH, forget_early, signal};
use crate::media::model::{Rendition, Rung};
use crate::signals::Signal;

/// A rendition that waits for the log.
#[derive(Clone, Debug)]
pub struct Due {
    pub job: Uuid,
    pub file_name: String,
    pub rendition: Rendition,
}

/// Ends the job with its rendition, if the lease still holds; false: it is lost and nothing changed. The row lock makes
/// this and a publishing transaction take turns, so that one of the two sees both.
pub async fn complete(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    rendition: &Rendition,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update job set state = 'complete', lease_until_ms = null, progress = null, updated_ms = $3
         where id = $1 and epoch = $2 and state = 'leased'",
        job,
        epoch,
        rendition.created_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // A statement of its own, so that it sees what was committed while the one above waited for the row.
    let published = is_published(connection, &rendition.source).await?;
    sqlx::query!(
        "insert into rendition (job, root, source, recipe, worker, duration_ms, poster, rungs, warnings, state, created_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        job,
        rendition.root,
        rendition.source,
        rendition.recipe,
        rendition.worker,
        rendition.duration_ms,
        rendition.poster,
        Json(&rendition.rungs) as Json<&Vec<Rung>>,
        Json(&rendition.warnings) as Json<&Vec<String>>,
        if published { "due" } else { "private" },
        rendition.created_ms,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from job_file where job = $1", job).execute(&mut *connection).await?;
    signal(connection, Signal::Job(rendition.source.clone())).await?;
    if published {
        signal(connection, Signal::Rendition).await?;
    }
    Ok(true)
}

pub async fn is_published(connection: &mut PgConnection, source: &str) -> sqlx::Result<bool> {
    let published = sqlx::query_scalar!(
        r#"select exists (select from published_source where source = $1) as "published!""#,
        source,
    );
    published.fetch_one(connection).await
}

/// Notes that a source is public; what was made of it waits for the log from now on.
pub async fn mark_published(connection: &mut PgConnection, source: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into published_source (source) values ($1) on conflict do nothing", source)
        .execute(&mut *connection)
        .await?;
    // Locked as `complete` locks its own: a result that is being written is waited for and then seen below.
    sqlx::query!("select id from job where source = $1 order by id for no key update", source)
        .fetch_all(&mut *connection)
        .await?;
    let due = sqlx::query!("update rendition set state = 'due' where source = $1 and state = 'private'", source)
        .execute(&mut *connection)
        .await?;
    if due.rows_affected() > 0 {
        signal(connection, Signal::Rendition).await?;
    }
    Ok(())
}

/// Renditions that wait for the log, oldest first, each with its job and the name its source was uploaded under.
pub async fn due_renditions(pool: &PgPool) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        "select job.id, job.file_name from rendition join job on job.id = rendition.job
         where rendition.state = 'due' order by rendition.created_ms limit $1",
        BATCH,
    )
    .fetch_all(pool)
    .await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(rendition) = rendition_of_job(pool, row.id).await? {
            due.push(Due { job: row.id, file_name: row.file_name, rendition });
        }
    }
    Ok(due)
}

/// Notes the record of a rendition that waited. False: somebody else's is in the log already.
pub async fn set_logged(connection: &mut PgConnection, job: Uuid, record: &str) -> sqlx::Result<bool> {
    let source = sqlx::query_scalar!(
        "update rendition set state = 'logged', record = $2 where job = $1 and state = 'due' returning source",
        job,
        record,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    forget_early(connection, job).await?;
    signal(connection, Signal::Job(source)).await?;
    Ok(true)
}

pub async fn rendition_of_job(pool: &PgPool, job: Uuid) -> sqlx::Result<Option<Rendition>> {
    let row = sqlx::query_as!(
        RenditionRow,
        r#"select source, recipe, root, worker, duration_ms, poster, rungs as "rungs: Json<Vec<Rung>>",
               warnings as "warnings: Json<Vec<String>>", record, created_ms
           from rendition where job = $1"#,
        job,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// The newest one.
pub async fn rendition_of_source(pool: &PgPool, source: &str) -> sqlx::Result<Option<Rendition>> {
    let row = sqlx::query_as!(
        RenditionRow,
        r#"select source, recipe, root, worker, duration_ms, poster, rungs as "rungs: Json<Vec<Rung>>",
               warnings as "warnings: Json<Vec<String>>", record, created_ms
           from rendition where source = $1 order by created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

pub async fn rendition_of_root(pool: &PgPool, root: &str) -> sqlx::Result<Option<Rendition>> {
    let row = sqlx::query_as!(
        RenditionRow,
        r#"select source, recipe, root, worker, duration_ms, poster, rungs as "rungs: Json<Vec<Rung>>",
               warnings as "warnings: Json<Vec<String>>", record, created_ms
           from rendition where root = $1 order by created_ms limit 1"#,
        root,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

struct RenditionRow {
    source: String,
    recipe: String,
    root: String,
    worker: String,
    duration_ms: i64,
    poster: Option<String>,
    rungs: Json<Vec<Rung>>,
    warnings: Json<Vec<String>>,
    record: Option<String>,
    created_ms: i64,
}

impl From<RenditionRow> for Rendition {
    fn from(row: RenditionRow) -> Self {
        Self {
            source: row.source,
            recipe: row.recipe,
            root: row.root,
            worker: row.worker,
            duration_ms: row.duration_ms,
            poster: row.poster,
            rungs: row.rungs.0,
            warnings: row.warnings.0,
            record: row.record,
            created_ms: row.created_ms,
        }
    }
}
