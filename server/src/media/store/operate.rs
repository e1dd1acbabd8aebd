//! What the operator sees of jobs and does with them.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::jobs::JobRow;
use crate::clock::UnixMs;
use crate::media::model::{JobState, KeptProgress, PRIORITY_OF_REPAIRS, Rung};
use crate::media::operate::ListedJob;
use crate::signals::Signal;

/// Jobs in these states, newest first, after the one of this id.
pub async fn listed(pool: &PgPool, states: &[&str], after: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<ListedJob>> {
    let states: Vec<String> = states.iter().map(|state| (*state).to_owned()).collect();
    let rows = sqlx::query_as!(
        ListedRow,
        r#"select job.id, job.source, job.state, progress as "progress: Json<KeptProgress>", failure_code,
               failure_reason, rendition.root as "root?", rendition.duration_ms as "duration_ms?",
               rungs as "rungs?: Json<Vec<Rung>>", warnings as "warnings?: Json<Vec<String>>", source_bytes, file_name,
               job.recipe, handle as "handle?", job_lease.worker as "worker?", attempts, priority, job.created_ms,
               updated_ms, early.statement is not null as "is_growing!"
           from job
               left join rendition on rendition.job = job.id
               left join early on early.job = job.id
               left join channel on channel.id = job.channel
               left join job_lease on job_lease.job = job.id and job_lease.epoch = job.epoch
           where job.state = any ($1) and ($2::uuid is null or job.id < $2) and purpose <> 'whole'
           order by job.id desc limit $3"#,
        &states,
        after,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub async fn listed_one(pool: &PgPool, job: Uuid) -> sqlx::Result<Option<ListedJob>> {
    let row = sqlx::query_as!(
        ListedRow,
        r#"select job.id, job.source, job.state, progress as "progress: Json<KeptProgress>", failure_code,
               failure_reason, rendition.root as "root?", rendition.duration_ms as "duration_ms?",
               rungs as "rungs?: Json<Vec<Rung>>", warnings as "warnings?: Json<Vec<String>>", source_bytes, file_name,
               job.recipe, handle as "handle?", job_lease.worker as "worker?", attempts, priority, job.created_ms,
               updated_ms, early.statement is not null as "is_growing!"
           from job
               left join rendition on rendition.job = job.id
               left join early on early.job = job.id
               left join channel on channel.id = job.channel
               left join job_lease on job_lease.job = job.id and job_lease.epoch = job.epoch
           where job.id = $1"#,
        job,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// A job's source and state, its row locked until the transaction ends.
pub async fn lock_job(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<Option<(String, JobState)>> {
    let row = sqlx::query!("select source, state from job where id = $1 for no key update", job)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| (row.source, JobState::parse(&row.state))))
}

/// Puts a locked job into the queue as if it were new.
pub async fn requeue(connection: &mut PgConnection, job: Uuid, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!(
        "update job set state = 'queued', attempts = 0, failure_code = null, failure_reason = null, needs_codec = null,
             updated_ms = $2
         where id = $1",
        job,
        now_ms,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Queues a job again whose result was taken back from the worker that made it; before others.
pub async fn make_again(
    connection: &mut PgConnection,
    (job, source): (Uuid, &str),
    worker: &str,
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    requeue(connection, job, now_ms).await?;
    sqlx::query!("update job set priority = least(priority, $2) where id = $1", job, PRIORITY_OF_REPAIRS)
        .execute(&mut *connection)
        .await?;
    super::note(connection, job, &format!("what {worker} made of it was withdrawn"), now_ms).await?;
    super::signal(connection, Signal::Job(source.to_owned())).await
}

/// False: there is no such job.
pub async fn set_priority(pool: &PgPool, job: Uuid, priority: i16) -> sqlx::Result<bool> {
    let done = sqlx::query!("update job set priority = $2 where id = $1", job, priority).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

struct ListedRow {
    id: Uuid,
    source: String,
    state: String,
    progress: Option<Json<KeptProgress>>,
    failure_code: Option<String>,
    failure_reason: Option<String>,
    root: Option<String>,
    duration_ms: Option<i64>,
    rungs: Option<Json<Vec<Rung>>>,
    warnings: Option<Json<Vec<String>>>,
    source_bytes: i64,
    file_name: String,
    recipe: String,
    handle: Option<String>,
    worker: Option<String>,
    attempts: i32,
    priority: i16,
    created_ms: i64,
    updated_ms: i64,
    is_growing: bool,
}

impl From<ListedRow> for ListedJob {
    fn from(row: ListedRow) -> Self {
        let shown = JobRow {
            id: row.id,
            state: row.state,
            progress: row.progress,
            failure_code: row.failure_code,
            failure_reason: row.failure_reason,
            root: row.root,
            duration_ms: row.duration_ms,
            rungs: row.rungs,
            warnings: row.warnings,
            is_growing: row.is_growing,
        };
        Self {
            job: shown.into(),
            source: row.source,
            source_bytes: row.source_bytes,
            file_name: row.file_name,
            recipe: row.recipe,
            handle: row.handle,
            worker: row.worker,
            attempts: row.attempts,
            priority: row.priority,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
        }
    }
}
