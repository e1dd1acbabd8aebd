//! Workers and what registers them.

use sqlx::{PgConnection, PgPool};

use super::BATCH;
use crate::clock::UnixMs;
use crate::media::workers::Worker;

/// A worker without a key that hasn't asked for so long and made nothing is forgotten: its name had a process's number.
const FORGET_MS: i64 = 30 * 24 * 3_600_000;

/// What a worker says of itself, as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub software: String,
    pub kinds: Vec<String>,
    pub codecs: Vec<String>,
    pub speed: Option<f64>,
}

pub async fn insert_invitation(
    pool: &PgPool,
    token_hash: &[u8],
    reusable: bool,
    (created_ms, expires_ms): (UnixMs, UnixMs),
) -> sqlx::Result<()> {
    sqlx::query!("delete from worker_invitation where expires_ms <= $1", created_ms).execute(pool).await?;
    sqlx::query!(
        "insert into worker_invitation (token_hash, reusable, created_ms, expires_ms) values ($1, $2, $3, $4)",
        token_hash,
        reusable,
        created_ms,
        expires_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether the invitation is good now. A one-time one is gone afterwards; of two who use it at once, one waits here for
/// the other and finds it gone.
pub async fn use_invitation(connection: &mut PgConnection, token_hash: &[u8], now_ms: UnixMs) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "delete from worker_invitation where token_hash = $1 and expires_ms > $2 and not reusable",
        token_hash,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if used.rows_affected() == 1 {
        return Ok(true);
    }
    sqlx::query_scalar!(
        r#"select exists (
               select from worker_invitation where token_hash = $1 and expires_ms > $2 and reusable
           ) as "good!""#,
        token_hash,
        now_ms,
    )
    .fetch_one(connection)
    .await
}

/// A new worker with a key. False: a worker of this name is known.
pub async fn insert(
    connection: &mut PgConnection,
    (name, software): (&str, String),
    key_hash: &[u8],
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into worker (name, key_hash, software, registered_ms) values ($1, $2, $3, $4)
         on conflict (name) do nothing",
        name,
        key_hash,
        software,
        now_ms,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The worker that a key belongs to, and whether it is revoked.
pub async fn of_key(pool: &PgPool, key_hash: &[u8]) -> sqlx::Result<Option<(String, bool)>> {
    let row =
        sqlx::query!(r#"select name, revoked_ms is not null as "revoked!" from worker where key_hash = $1"#, key_hash)
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|row| (row.name, row.revoked)))
}

pub async fn note_registered(pool: &PgPool, name: &str, told: &Told, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!(
        "update worker set software = $2, kinds = $3, codecs = $4, speed = coalesce($5, speed), seen_ms = $6
         where name = $1",
        name,
        told.software,
        &told.kinds,
        &told.codecs,
        told.speed,
        now_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes a worker without a key. False: the name is a registered worker's.
pub async fn note_unregistered(pool: &PgPool, name: &str, told: &Told, now_ms: UnixMs) -> sqlx::Result<bool> {
    let noted = sqlx::query_scalar!(
        r#"insert into worker (name, software, kinds, codecs, speed, registered_ms, seen_ms)
           values ($1, $2, $3, $4, $5, $6, $6)
           on conflict (name) do update set software = $2, kinds = $3, codecs = $4,
               speed = coalesce($5, worker.speed), seen_ms = $6
               where worker.key_hash is null
           returning xmax = 0 as "is_new!""#,
        name,
        told.software,
        &told.kinds,
        &told.codecs,
        told.speed,
        now_ms,
    )
    .fetch_optional(pool)
    .await?;
    if noted == Some(true) {
        sqlx::query!(
            "delete from worker where key_hash is null and seen_ms < $1
                 and not exists (select from rendition where rendition.worker = worker.name)",
            now_ms - FORGET_MS,
        )
        .execute(pool)
        .await?;
    }
    Ok(noted.is_some())
}

/// The best speed of another worker that asked within the last while.
pub async fn fastest_beside(pool: &PgPool, name: &str, since_ms: UnixMs) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        "select max(speed) from worker where name <> $1 and revoked_ms is null and seen_ms >= $2",
        name,
        since_ms,
    )
    .fetch_one(pool)
    .await
}

/// Whether another worker that asked within the last while can decode this.
pub async fn is_decoded_elsewhere(
    connection: &mut PgConnection,
    name: &str,
    codec: &str,
    since_ms: UnixMs,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from worker
               where name <> $1 and revoked_ms is null and seen_ms >= $3 and $2 = any (codecs)
           ) as "exists!""#,
        name,
        codec,
        since_ms,
    )
    .fetch_one(connection)
    .await
}

/// Whether a worker has a key; nothing for one that isn't known.
pub async fn registered(connection: &mut PgConnection, name: &str) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(r#"select key_hash is not null as "registered!" from worker where name = $1"#, name)
        .fetch_optional(connection)
        .await
}

/// Revokes a worker's key; one that was revoked before stays so since then.
pub async fn revoke(connection: &mut PgConnection, name: &str, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("update worker set revoked_ms = coalesce(revoked_ms, $2) where name = $1", name, now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn is_revoked(pool: &PgPool, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from worker where name = $1 and revoked_ms is not null) as "revoked!""#,
        name,
    )
    .fetch_one(pool)
    .await
}

pub async fn list(pool: &PgPool) -> sqlx::Result<Vec<Worker>> {
    let rows = sqlx::query!(
        r#"select name, key_hash is not null as "registered!", software, kinds, cardinality(codecs) as "codecs!", speed,
               registered_ms, seen_ms, revoked_ms,
               (select count(*) from job join job_lease on job_lease.job = id and job_lease.epoch = job.epoch
                where state = 'leased' and job_lease.worker = name) as "running!",
               (select count(*) from rendition where rendition.worker = name) as "renditions!"
           from worker order by revoked_ms is not null, seen_ms desc nulls last, name limit $1"#,
        BATCH,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Worker {
            name: row.name,
            registered: row.registered,
            software: row.software,
            kinds: row.kinds,
            codecs: usize::try_from(row.codecs).unwrap_or(0),
            speed: row.speed,
            registered_ms: row.registered_ms,
            seen_ms: row.seen_ms,
            revoked_ms: row.revoked_ms,
            running: row.running,
            renditions: row.renditions,
        })
        .collect())
}
