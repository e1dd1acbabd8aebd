//! The job itself: made with its source, looked at by its owner, queued again by them.

use pinreel_runner::Preset;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::signal;
use crate::clock::UnixMs;
use crate::media::model::{Job, JobState, KeptProgress, Rung, RungProgress, Source};
use crate::signals::Signal;

/// Makes the job unless there is one; true when it is new.
pub async fn insert_job(
    connection: &mut PgConnection,
    (id, source, preset): (Uuid, &Source, &Preset),
    queued: bool,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into job (id, source, recipe, source_bytes, file_name, media_type, state, created_ms, updated_ms, channel,
             preset)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
         on conflict (source, recipe) do nothing",
        id,
        source.cid,
        preset.recipe(),
        i64::try_from(source.bytes).unwrap_or(i64::MAX),
        source.file_name,
        source.media_type,
        if queued { "queued" } else { "none" },
        now_ms,
        source.channel,
        (*preset != Preset::default()).then_some(Json(preset)) as Option<Json<&Preset>>,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Queues a failed job again. False: there is none that failed.
pub async fn retry(connection: &mut PgConnection, source: &str, now_ms: UnixMs) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update job set state = 'queued', attempts = 0, failure_code = null, failure_reason = null, needs_codec = null,
             updated_ms = $2
         where source = $1 and state = 'failed' and purpose in ('renditions', 'preview')",
        source,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    signal(connection, Signal::Queue).await?;
    signal(connection, Signal::Job(source.to_owned())).await?;
    Ok(true)
}

/// Jobs of these sources, of every kind, that are neither done nor given up.
pub async fn unfinished_of(pool: &PgPool, sources: &[String]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from job where source = any($1) and state in ('queued', 'leased')", sources)
        .fetch_all(pool)
        .await
}

/// The newest job of a source.
pub async fn job_of_source(pool: &PgPool, source: &str) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query_as!(
        JobRow,
        r#"select id, job.state, progress as "progress: Json<KeptProgress>", failure_code, failure_reason,
               rendition.root as "root?", rendition.duration_ms as "duration_ms?",
               rungs as "rungs?: Json<Vec<Rung>>", warnings as "warnings?: Json<Vec<String>>",
               early.statement is not null as "is_growing!"
           from job left join rendition on rendition.job = job.id left join early on early.job = job.id
           where job.source = $1 and purpose = 'renditions' order by job.created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// How many jobs are in a state.
pub struct JobCount {
    /// As the API calls it.
    pub state: &'static str,
    pub jobs: i64,
    /// When the one changed last that hasn't for the longest time.
    pub since_ms: Option<UnixMs>,
}

/// States as the table has them, and as they are called outside.
const STATES: [(&str, &str); 5] =
    [("queued", "queued"), ("leased", "running"), ("complete", "complete"), ("failed", "failed"), ("none", "none")];

/// How many jobs are in each state.
pub async fn count_jobs(pool: &PgPool) -> sqlx::Result<Vec<JobCount>> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "jobs!", min(updated_ms) as "since_ms!" from job
                      where purpose <> 'whole' group by state"#
    )
    .fetch_all(pool)
    .await?;
    let count = |(kept, state): (&str, &'static str)| {
        let row = rows.iter().find(|row| row.state == kept);
        JobCount { state, jobs: row.map_or(0, |row| row.jobs), since_ms: row.map(|row| row.since_ms) }
    };
    Ok(STATES.into_iter().map(count).collect())
}

pub(super) struct JobRow {
    pub id: Uuid,
    pub state: String,
    pub progress: Option<Json<KeptProgress>>,
    pub failure_code: Option<String>,
    pub failure_reason: Option<String>,
    pub root: Option<String>,
    pub duration_ms: Option<i64>,
    pub rungs: Option<Json<Vec<Rung>>>,
    pub warnings: Option<Json<Vec<String>>>,
    pub is_growing: bool,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let state = JobState::parse(&row.state);
        let progress = row.progress.map(|json| json.0).unwrap_or_default();
        let finished = row.rungs.map(|json| json.0).unwrap_or_default().into_iter().map(|rung| RungProgress {
            name: rung.name,
            height: rung.height,
            fraction: 1.0,
            why: rung.why,
        });
        let is_over = matches!(state, JobState::Failed | JobState::None);
        Self {
            id: row.id,
            playable: state == JobState::Complete || row.is_growing && !is_over,
            stage: progress.stage,
            fraction: if state == JobState::Complete { 1.0 } else { progress.fraction },
            speed: progress.speed,
            left_ms: progress.left_ms,
            rungs: if state == JobState::Complete { finished.collect() } else { progress.rungs },
            code: row.failure_code,
            reason: row.failure_reason,
            root: row.root,
            duration_ms: row.duration_ms,
            warnings: row.warnings.map(|json| json.0).unwrap_or_default(),
            state,
        }
    }
}
