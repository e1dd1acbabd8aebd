//! All SQL of jobs, leases, delivered files and renditions.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::clock::UnixMs;
use crate::signals::Signal;

use super::model::{AfterLease, Job, JobState, KeptProgress, Rendition, Rung, RungProgress, Source};

/// Rows looked at in one go where nothing else bounds them.
const BATCH: i64 = 100;

/// A job as its leaseholder sees it.
#[derive(Clone, Debug)]
pub struct Held {
    pub job: Uuid,
    pub epoch: i32,
    pub worker: String,
    pub source: String,
    pub source_bytes: i64,
    pub recipe: String,
    pub attempts: i32,
    /// Whether this lease is still the one that counts.
    pub current: bool,
    /// Whether this very lease brought the job to its end.
    pub completed: bool,
}

#[derive(Clone, Debug)]
pub struct Leased {
    pub job: Uuid,
    pub epoch: i32,
    pub source: Source,
    pub recipe: String,
}

/// A rendition that waits for the log.
#[derive(Clone, Debug)]
pub struct Due {
    pub job: Uuid,
    pub file_name: String,
    pub rendition: Rendition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredFile {
    pub name: String,
    pub cid: String,
    pub size_bytes: i64,
    pub tsize_bytes: i64,
}

pub async fn signal(connection: &mut PgConnection, signal: Signal) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('pinreel', $1)", signal.payload()).execute(connection).await?;
    Ok(())
}

/// Makes the job unless there is one; true when it is new.
pub async fn insert_job(
    connection: &mut PgConnection,
    (id, source, recipe): (Uuid, &Source, &str),
    queued: bool,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into job (id, source, recipe, source_bytes, file_name, media_type, state, created_ms, updated_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         on conflict (source, recipe) do nothing",
        id,
        source.cid,
        recipe,
        i64::try_from(source.bytes).unwrap_or(i64::MAX),
        source.file_name,
        source.media_type,
        if queued { "queued" } else { "none" },
        now_ms,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Jobs whose lease ran out, with their attempts. Locked; another process's are skipped, it is ending those itself.
pub async fn lock_expired(connection: &mut PgConnection, now_ms: UnixMs) -> sqlx::Result<Vec<(Uuid, i32)>> {
    let rows = sqlx::query!(
        "select id, attempts from job where state = 'leased' and lease_until_ms <= $1
         order by lease_until_ms limit $2 for update skip locked",
        now_ms,
        BATCH,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.attempts)).collect())
}

/// Jobs that a worker of this name holds, with their attempts, locked.
pub async fn lock_held_by(connection: &mut PgConnection, worker: &str) -> sqlx::Result<Vec<(Uuid, i32)>> {
    let rows = sqlx::query!(
        "select id, attempts from job
         where state = 'leased'
             and exists (select from job_lease where job = id and job_lease.epoch = job.epoch and worker = $1)
         limit $2 for update skip locked",
        worker,
        BATCH,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.attempts)).collect())
}

/// At start: the silence of the last minutes was this node's own, so whoever holds a lease may first be heard.
pub async fn extend_leases(pool: &PgPool, until_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("update job set lease_until_ms = $1 where state = 'leased' and lease_until_ms < $1", until_ms)
        .execute(pool)
        .await?;
    Ok(())
}

pub async fn next_expiry(pool: &PgPool) -> sqlx::Result<Option<UnixMs>> {
    sqlx::query_scalar!("select min(lease_until_ms) from job where state = 'leased'").fetch_one(pool).await
}

/// Puts a leased job back into the queue or ends it. The caller has locked the row or checked the epoch.
pub async fn end_lease(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, Option<i32>),
    then: &AfterLease,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let (state, code, reason) = match then {
        AfterLease::Again => ("queued", None, None),
        AfterLease::GiveUp { code, reason } => ("failed", Some(code), Some(reason)),
    };
    let source = sqlx::query_scalar!(
        "update job set state = $3, failure_code = $4, failure_reason = $5, lease_until_ms = null, progress = null,
             updated_ms = $6
         where id = $1 and state = 'leased' and epoch = coalesce($2, epoch)
         returning source",
        job,
        epoch,
        state,
        code,
        reason,
        now_ms,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    signal(connection, Signal::Job(source)).await?;
    if *then == AfterLease::Again {
        signal(connection, Signal::Queue).await?;
    }
    Ok(true)
}

/// Takes the oldest queued job. Two callers never get the same one: each skips what the other has locked.
pub async fn take_next(
    connection: &mut PgConnection,
    now_ms: UnixMs,
    lease_until_ms: UnixMs,
) -> sqlx::Result<Option<Leased>> {
    let row = sqlx::query!(
        "with next as (
             select id from job where state = 'queued' order by created_ms, id limit 1 for update skip locked
         )
         update job set state = 'leased', epoch = epoch + 1, attempts = attempts + 1, lease_until_ms = $2,
             progress = null, updated_ms = $1
         from next where job.id = next.id
         returning job.id, epoch, source, source_bytes, file_name, media_type, recipe",
        now_ms,
        lease_until_ms,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Leased {
        job: row.id,
        epoch: row.epoch,
        source: Source {
            cid: row.source,
            bytes: row.source_bytes.unsigned_abs(),
            file_name: row.file_name,
            media_type: row.media_type,
        },
        recipe: row.recipe,
    }))
}

/// Notes the lease and forgets what its forerunners delivered: their bytes stay in the store, where the same bytes
/// sent again cost nothing.
pub async fn begin_lease(
    connection: &mut PgConnection,
    leased: &Leased,
    (worker, token_sha256): (&str, &[u8]),
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    sqlx::query!("delete from job_file where job = $1", leased.job).execute(&mut *connection).await?;
    sqlx::query!(
        "insert into job_lease (job, epoch, worker, token_sha256, leased_ms) values ($1, $2, $3, $4, $5)",
        leased.job,
        leased.epoch,
        worker,
        token_sha256,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    signal(connection, Signal::Job(leased.source.cid.clone())).await
}

/// The lease that a token was given for, live or lost.
pub async fn held(pool: &PgPool, job: Uuid, token_sha256: &[u8]) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        "select job_lease.epoch, worker, job.epoch as job_epoch, state, source, source_bytes, recipe, attempts
         from job_lease join job on job.id = job_lease.job
         where job_lease.job = $1 and token_sha256 = $2",
        job,
        token_sha256,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Held {
        job,
        epoch: row.epoch,
        worker: row.worker,
        source: row.source,
        source_bytes: row.source_bytes,
        recipe: row.recipe,
        attempts: row.attempts,
        current: row.epoch == row.job_epoch && row.state == "leased",
        completed: row.epoch == row.job_epoch && row.state == "complete",
    }))
}

/// Renews the lease, with what the worker reports. False: the lease is lost.
pub async fn renew(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    lease_until_ms: UnixMs,
    progress: Option<&KeptProgress>,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let source = sqlx::query_scalar!(
        "update job set lease_until_ms = $3, progress = coalesce($4, progress), updated_ms = $5
         where id = $1 and epoch = $2 and state = 'leased'
         returning source",
        job,
        epoch,
        lease_until_ms,
        progress.map(Json) as Option<Json<&KeptProgress>>,
        now_ms,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    if progress.is_some() {
        signal(connection, Signal::Job(source)).await?;
    }
    Ok(true)
}

/// How many files and bytes the job has delivered, not counting one of this name.
pub async fn delivered_beside(pool: &PgPool, job: Uuid, name: &str) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "files!", coalesce(sum(size_bytes), 0)::bigint as "bytes!"
           from job_file where job = $1 and name <> $2"#,
        job,
        name,
    )
    .fetch_one(pool)
    .await?;
    Ok((row.files, row.bytes))
}

/// Notes a delivered file if the lease still holds. False: it is lost, and nothing was noted.
pub async fn note_file(pool: &PgPool, (job, epoch): (Uuid, i32), file: &DeliveredFile) -> sqlx::Result<bool> {
    // The shared lock makes this wait for a next lease and its clean-up, but not for other files.
    let done = sqlx::query!(
        "with holder as (
             select id from job where id = $1 and epoch = $2 and state = 'leased' for share
         )
         insert into job_file (job, name, epoch, cid, size_bytes, tsize_bytes)
         select id, $3, $2, $4, $5, $6 from holder
         on conflict (job, name) do update set epoch = $2, cid = $4, size_bytes = $5, tsize_bytes = $6",
        job,
        epoch,
        file.name,
        file.cid,
        file.size_bytes,
        file.tsize_bytes,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delivered(pool: &PgPool, (job, epoch): (Uuid, i32)) -> sqlx::Result<Vec<DeliveredFile>> {
    sqlx::query_as!(
        DeliveredFile,
        "select name, cid, size_bytes, tsize_bytes from job_file where job = $1 and epoch = $2",
        job,
        epoch
    )
    .fetch_all(pool)
    .await
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
    let published = sqlx::query_scalar!(
        r#"select exists (select from published_source where source = $1) as "published!""#,
        rendition.source,
    )
    .fetch_one(&mut *connection)
    .await?;
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

/// Queues a failed job again. False: there is none that failed.
pub async fn retry(connection: &mut PgConnection, source: &str, now_ms: UnixMs) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update job set state = 'queued', attempts = 0, failure_code = null, failure_reason = null, updated_ms = $2
         where source = $1 and state = 'failed'",
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

/// The newest job of a source.
pub async fn job_of_source(pool: &PgPool, source: &str) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query_as!(
        JobRow,
        r#"select id, job.source, job.state, progress as "progress: Json<KeptProgress>", failure_code, failure_reason,
               rendition.root as "root?", rendition.duration_ms as "duration_ms?",
               rungs as "rungs?: Json<Vec<Rung>>", warnings as "warnings?: Json<Vec<String>>"
           from job left join rendition on rendition.job = job.id
           where job.source = $1 order by job.created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// Jobs that aren't over, and the newest that are: the operator's view. Each with its source.
pub async fn recent_jobs(pool: &PgPool) -> sqlx::Result<Vec<(String, Job)>> {
    let rows = sqlx::query_as!(
        JobRow,
        r#"select id, job.source, job.state, progress as "progress: Json<KeptProgress>", failure_code, failure_reason,
               rendition.root as "root?", rendition.duration_ms as "duration_ms?",
               rungs as "rungs?: Json<Vec<Rung>>", warnings as "warnings?: Json<Vec<String>>"
           from job left join rendition on rendition.job = job.id
           where job.state <> 'none'
           order by (job.state in ('queued', 'leased')) desc, updated_ms desc limit $1"#,
        BATCH,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source.clone(), row.into())).collect())
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

struct JobRow {
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
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let state = match row.state.as_str() {
            "queued" => JobState::Queued,
            "leased" => JobState::Running,
            "complete" => JobState::Complete,
            "failed" => JobState::Failed,
            _ => JobState::None,
        };
        let progress = row.progress.map(|json| json.0).unwrap_or_default();
        let finished = row.rungs.map(|json| json.0).unwrap_or_default().into_iter().map(|rung| RungProgress {
            name: rung.name,
            height: rung.height,
            fraction: 1.0,
        });
        Self {
            id: row.id,
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
