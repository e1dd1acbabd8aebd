//! Leases: taken, renewed, ended. Every change checks the epoch in its own statement.

use pinreel_runner::{Kind, Preset, Task};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BATCH, signal, take_back_early};
use crate::clock::UnixMs;
use crate::companions;
use crate::media::model::{AfterLease, FAULT_PAUSES_MS, KEPT_FOR_FAST_MS, KeptProgress, LARGE_BYTES, LeaseEnd, Source};
use crate::signals::Signal;

/// A job as its leaseholder sees it.
#[derive(Clone, Debug)]
pub struct Held {
    pub job: Uuid,
    pub epoch: i32,
    pub worker: String,
    pub source: String,
    pub source_bytes: i64,
    pub recipe: String,
    pub task: Task,
    pub attempts: i32,
    /// Whether this lease is still the one that counts.
    pub current: bool,
    /// Whether this very lease brought the job to its end.
    pub completed: bool,
    /// How its worker gave the job back, if it did.
    pub ended: Option<LeaseEnd>,
}

#[derive(Clone, Debug)]
pub struct Leased {
    pub job: Uuid,
    pub epoch: i32,
    pub source: Source,
    pub recipe: String,
    pub preset: Preset,
    pub task: Task,
}

/// Who asks for a job, and for which.
#[derive(Clone, Debug)]
pub struct Asker {
    pub worker: String,
    pub kinds: Vec<Kind>,
    pub codecs: Vec<String>,
    /// Leaves large sources to faster workers for a while.
    pub slow: bool,
}

pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Video => "video",
        Kind::Audio => "audio",
        Kind::Companion => "companion",
        Kind::Preview => "preview",
    }
}

fn kind_names(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(|kind| kind_name(*kind).to_owned()).collect()
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

/// Jobs of these kinds that a worker of this name holds, with their attempts, locked.
pub async fn lock_held_by(
    connection: &mut PgConnection,
    worker: &str,
    kinds: &[Kind],
) -> sqlx::Result<Vec<(Uuid, i32)>> {
    let kinds = kind_names(kinds);
    let rows = sqlx::query!(
        "select id, attempts from job
         where state = 'leased'
             and exists (select from job_lease where job = id and job_lease.epoch = job.epoch and worker = $1)
             and case when purpose in ('companion', 'preview') then purpose when media_type like 'audio/%' then 'audio'
                 else 'video' end = any ($2)
         limit $3 for update skip locked",
        worker,
        &kinds,
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

/// Puts a leased job back into the queue, or ends it; without an epoch, one that waits can be ended as well. The caller
/// has locked the row or checked the epoch.
pub async fn end_lease(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, Option<i32>),
    then: &AfterLease,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let (code, reason) = match then {
        AfterLease::GiveUp { code, reason } => (Some(code), Some(reason)),
        _ => (None, None),
    };
    let codec = if let AfterLease::Elsewhere { codec } = then { Some(codec) } else { None };
    let source = sqlx::query_scalar!(
        "update job set state = $3, failure_code = $4, failure_reason = $5, lease_until_ms = null, progress = null,
             updated_ms = $6, attempts = attempts - $7, needs_codec = coalesce($8, needs_codec)
         where id = $1 and epoch = coalesce($2, epoch)
             and (state = 'leased' or state = 'queued' and $2::int is null and $3 = 'failed')
         returning source",
        job,
        epoch,
        if code.is_some() { "failed" } else { "queued" },
        code,
        reason,
        now_ms,
        i32::from(*then == AfterLease::Back),
        codec,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    signal(connection, Signal::Job(source)).await?;
    match then {
        AfterLease::GiveUp { .. } => {
            take_back_early(connection, job).await?;
            companions::job_ended(connection, job).await?;
        }
        _ => signal(connection, Signal::Queue).await?,
    }
    Ok(true)
}

/// Notes that a worker gave its job back, and how.
pub async fn note_end(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    end: LeaseEnd,
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update job_lease set ended = $3, ended_ms = $4 where job = $1 and epoch = $2",
        job,
        epoch,
        end.name(),
        now_ms,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the most urgent job that fits the asker; of those, one of the channel that has the fewest running, then of the
/// one whose turn was longest ago; its oldest. Two callers never get the same one: each skips what the other has locked.
pub async fn take_next(
    connection: &mut PgConnection,
    asker: &Asker,
    (now_ms, live_ms): (UnixMs, UnixMs),
    lease_until_ms: UnixMs,
) -> sqlx::Result<Option<Leased>> {
    let kinds = kind_names(&asker.kinds);
    let row = sqlx::query!(
        "with running as (
             select channel, count(*) as jobs from job where state = 'leased' group by channel
         ), next as (
             select job.id from job
                 left join running on running.channel is not distinct from job.channel
                 left join media_turn on media_turn.channel = job.channel
             where state = 'queued'
                 and exists (select from worker where name = $3 and revoked_ms is null)
                 and case when purpose in ('companion', 'preview') then purpose when media_type like 'audio/%' then 'audio'
                     else 'video' end = any ($4)
                 -- A codec that no worker has any more excludes none: whoever tries next says that it can't be read.
                 and (needs_codec is null or needs_codec = any ($5) or not exists (
                     select from worker where revoked_ms is null and seen_ms >= $6 and needs_codec = any (codecs)))
                 and (not $7 or source_bytes < $8 or job.updated_ms <= $9)
                 -- Tries since the job was last asked for that this worker's own faults ended: each pause is longer.
                 and not exists (
                     select from job_lease
                     where job_lease.job = job.id and job_lease.epoch > job.epoch - job.attempts
                         and job_lease.worker = $3 and ended = 'faulted'
                     having max(ended_ms) + ($10::bigint[])[least(count(*), cardinality($10))::int] > $1)
             order by priority desc, coalesce(running.jobs, 0), media_turn.leased_ms nulls first, created_ms, id
             limit 1 for update of job skip locked
         )
         update job set state = 'leased', epoch = epoch + 1, attempts = attempts + 1, lease_until_ms = $2,
             progress = null, updated_ms = $1
         from next where job.id = next.id
         returning job.id, epoch, source, source_bytes, file_name, media_type, recipe, channel,
             preset as \"preset: Json<Preset>\", task as \"task: Json<Task>\"",
        now_ms,
        lease_until_ms,
        asker.worker,
        &kinds,
        &asker.codecs,
        live_ms,
        asker.slow,
        LARGE_BYTES,
        now_ms - KEPT_FOR_FAST_MS,
        &FAULT_PAUSES_MS,
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
            channel: row.channel,
        },
        recipe: row.recipe,
        preset: row.preset.map(|json| json.0).unwrap_or_default(),
        task: row.task.map(|json| json.0).unwrap_or_default(),
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
    sqlx::query!(
        "insert into media_turn (channel, leased_ms) select $1::text, $2 where $1::text is not null
         on conflict (channel) do update set leased_ms = $2",
        leased.source.channel,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    signal(connection, Signal::Job(leased.source.cid.clone())).await
}

/// The lease that a token was given for, live or lost.
pub async fn held(pool: &PgPool, job: Uuid, token_sha256: &[u8]) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        "select job_lease.epoch, worker, ended, job.epoch as job_epoch, state, source, source_bytes, recipe, attempts,
             task as \"task: Json<Task>\"
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
        task: row.task.map(|json| json.0).unwrap_or_default(),
        attempts: row.attempts,
        current: row.epoch == row.job_epoch && row.state == "leased",
        completed: row.epoch == row.job_epoch && row.state == "complete",
        ended: row.ended.as_deref().and_then(LeaseEnd::parse),
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
