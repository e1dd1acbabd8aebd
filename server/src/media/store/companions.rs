//! Companions and previews: small jobs, each done once for the same bytes and the same task, whoever sent them.

use pinreel_runner::{Preset, Task};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{DeliveredFile, signal};
use crate::clock::UnixMs;
use crate::companions;
use crate::media::companions::{Companion, CompanionFile};
use crate::media::model::{JobState, Source};
use crate::signals::Signal;

/// The job that makes this of a source; one that failed is tried again.
pub async fn insert_companion(
    connection: &mut PgConnection,
    source: &Source,
    (task, recipe, preset): (Task, &str, &Preset),
    now_ms: UnixMs,
) -> sqlx::Result<Uuid> {
    let id = sqlx::query_scalar!(
        "insert into job (id, source, recipe, source_bytes, file_name, media_type, state, created_ms, updated_ms, channel,
             preset, purpose, task)
         values ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, $8, $9, $11, $10)
         on conflict (source, recipe) do update set
             state = case when job.state = 'failed' then 'queued' else job.state end,
             attempts = case when job.state = 'failed' then 0 else job.attempts end,
             failure_code = null, failure_reason = null
         returning id",
        Uuid::now_v7(),
        source.cid,
        recipe,
        i64::try_from(source.bytes).unwrap_or(i64::MAX),
        source.file_name,
        source.media_type,
        now_ms,
        source.channel,
        (*preset != Preset::default()).then_some(Json(preset)) as Option<Json<&Preset>>,
        Json(task) as Json<Task>,
        if task.is_companion() { "companion" } else { "preview" },
    )
    .fetch_one(&mut *connection)
    .await?;
    signal(connection, Signal::Queue).await?;
    Ok(id)
}

/// Ends a companion's job with its file, if the lease still holds; false: it is lost and nothing changed.
pub async fn complete_companion(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    (file, notes, worker): (&DeliveredFile, &[String], &str),
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let source = sqlx::query_scalar!(
        "update job set state = 'complete', lease_until_ms = null, progress = null, updated_ms = $3
         where id = $1 and epoch = $2 and state = 'leased' returning source",
        job,
        epoch,
        now_ms,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    sqlx::query!(
        "insert into companion_file (job, cid, size_bytes, tsize_bytes, notes, worker) values ($1, $2, $3, $4, $5, $6)
         on conflict (job) do nothing",
        job,
        file.cid,
        file.size_bytes,
        file.tsize_bytes,
        Json(notes) as Json<&[String]>,
        worker,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from job_file where job = $1", job).execute(&mut *connection).await?;
    companions::job_ended(connection, job).await?;
    signal(connection, Signal::Job(source)).await?;
    Ok(true)
}

/// How far these jobs are; those that are gone are left out.
pub async fn companions_of(pool: &PgPool, jobs: &[Uuid]) -> sqlx::Result<Vec<Companion>> {
    let rows = sqlx::query!(
        r#"select id, state, failure_reason, cid as "cid?", size_bytes as "size_bytes?", tsize_bytes as "tsize_bytes?",
               notes as "notes?: Json<Vec<String>>"
           from job left join companion_file on companion_file.job = job.id
           where id = any ($1) and purpose = 'companion'"#,
        jobs,
    )
    .fetch_all(pool)
    .await?;
    let companion =
        rows.into_iter().map(|row| Companion {
            job: row.id,
            state: JobState::parse(&row.state),
            reason: row.failure_reason,
            notes: row.notes.map(|json| json.0).unwrap_or_default(),
            file: row.cid.zip(row.size_bytes.zip(row.tsize_bytes)).map(|(cid, (size_bytes, tsize_bytes))| {
                CompanionFile { cid, size_bytes: size_bytes.unsigned_abs(), tsize_bytes: tsize_bytes.unsigned_abs() }
            }),
        });
    Ok(companion.collect())
}
