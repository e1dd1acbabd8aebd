//! Renditions: made by the completing transaction, due once published, logged once.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BATCH, forget_early, signal};
use crate::clock::UnixMs;
use crate::companions;
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
    insert_rendition(connection, job, rendition, published).await?;
    sqlx::query!("delete from job_file where job = $1", job).execute(&mut *connection).await?;
    // Made once more, byte for byte: then the worker that it was taken back from was right about it.
    sqlx::query!("delete from withdrawn_root where root = $1", rendition.root).execute(&mut *connection).await?;
    companions::film_made(connection, &rendition.source).await?;
    signal(connection, Signal::Job(rendition.source.clone())).await?;
    if published {
        signal(connection, Signal::Rendition).await?;
    }
    Ok(true)
}

pub(super) async fn insert_rendition(
    connection: &mut PgConnection,
    job: Uuid,
    rendition: &Rendition,
    published: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rendition (job, root, source, recipe, worker, duration_ms, poster, rungs, warnings, state, created_ms,
             storyboard)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
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
        rendition.storyboard,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn is_published(connection: &mut PgConnection, source: &str) -> sqlx::Result<bool> {
    let published = sqlx::query_scalar!(
        r#"select exists (select from published_source where source = $1) as "published!""#,
        source,
    );
    published.fetch_one(connection).await
}

/// Notes that a channel made a source public; what was made of it, for all or for this channel, waits for the log from
/// now on.
pub async fn mark_published(connection: &mut PgConnection, source: &str, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into published_by (source, channel) values ($1, $2) on conflict do nothing", source, channel)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("insert into published_source (source) values ($1) on conflict do nothing", source)
        .execute(&mut *connection)
        .await?;
    // Locked as `complete` locks its own: a result that is being written is waited for and then seen below.
    sqlx::query!("select id from job where source = $1 order by id for no key update", source)
        .fetch_all(&mut *connection)
        .await?;
    let due = sqlx::query!(
        "update rendition set state = 'due'
         where source = $1 and state = 'private'
             and (not exists (select from whole_root where whole_root.job = rendition.job)
                 or exists (select from whole_root where whole_root.job = rendition.job and channel = $2))",
        source,
        channel,
    )
    .execute(&mut *connection)
    .await?;
    if due.rows_affected() > 0 {
        signal(connection, Signal::Rendition).await?;
    }
    super::previews::mark_previews_due(connection, source).await
}

/// Takes back what a worker made, and queues its jobs again; how many renditions that were. A root that another worker
/// made as well is right.
pub async fn withdraw_of(connection: &mut PgConnection, worker: &str, now_ms: UnixMs) -> sqlx::Result<u64> {
    // Locked as `complete` and `mark_published` lock theirs, before the rendition is looked at.
    let jobs = sqlx::query_scalar!(
        "select id from job where id in (select job from rendition where worker = $1) order by id for no key update",
        worker,
    )
    .fetch_all(&mut *connection)
    .await?;
    let taken = sqlx::query!(
        "delete from rendition where job = any ($1) and worker = $2 returning job, root, source",
        &jobs,
        worker,
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &taken {
        sqlx::query!(
            "insert into withdrawn_root (root, source, worker, withdrawn_ms)
             select $1, $2, $3, $4 where not exists (select from rendition where root = $1)
             on conflict (root) do nothing",
            row.root,
            row.source,
            worker,
            now_ms,
        )
        .execute(&mut *connection)
        .await?;
        if super::forget_whole(connection, row.job).await? {
            // It is put together anew once its film is made again.
            signal(connection, Signal::Job(row.source.clone())).await?;
            continue;
        }
        super::make_again(connection, (row.job, &row.source), worker, now_ms).await?;
    }
    if !taken.is_empty() {
        signal(connection, Signal::Queue).await?;
        signal(connection, Signal::TakenBack).await?;
    }
    Ok(taken.len() as u64)
}

/// All roots that were taken back.
pub async fn withdrawn(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select root from withdrawn_root").fetch_all(pool).await
}

/// The roots among these that were taken back.
pub async fn withdrawn_among(pool: &PgPool, roots: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select root from withdrawn_root where root = any ($1)", roots).fetch_all(pool).await
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
        r#"select source, recipe, root, worker, duration_ms, poster, storyboard, rungs as "rungs: Json<Vec<Rung>>",
               warnings as "warnings: Json<Vec<String>>", record, created_ms
           from rendition where job = $1"#,
        job,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// The newest one that a worker made: without anybody's companions.
pub async fn rendition_of_source(pool: &PgPool, source: &str) -> sqlx::Result<Option<Rendition>> {
    let row = sqlx::query_as!(
        RenditionRow,
        r#"select source, recipe, root, worker, duration_ms, poster, storyboard, rungs as "rungs: Json<Vec<Rung>>",
               warnings as "warnings: Json<Vec<String>>", record, created_ms
           from rendition
           where source = $1 and not exists (select from whole_root where whole_root.job = rendition.job)
           order by created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

pub async fn rendition_of_root(pool: &PgPool, root: &str) -> sqlx::Result<Option<Rendition>> {
    let row = sqlx::query_as!(
        RenditionRow,
        r#"select source, recipe, root, worker, duration_ms, poster, storyboard, rungs as "rungs: Json<Vec<Rung>>",
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
    storyboard: Option<String>,
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
            storyboard: row.storyboard,
            rungs: row.rungs.0,
            warnings: row.warnings.0,
            record: row.record,
            created_ms: row.created_ms,
        }
    }
}
