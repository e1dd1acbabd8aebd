//! Jobs' logs.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::clock::UnixMs;
use crate::media::model::{LogEntry, MAX_LOG_LINES};

/// A line of the node's own.
pub async fn note(connection: &mut PgConnection, job: Uuid, line: &str, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into job_log (job, epoch, at_ms, line) select id, epoch, $2, $3 from job where id = $1",
        job,
        now_ms,
        line,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lines of a lease, each with its number; those that are here already change nothing. Old ones make room.
pub async fn keep_lines(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    lines: &[(i32, String)],
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let (numbers, lines): (Vec<i32>, Vec<String>) = lines.iter().cloned().unzip();
    sqlx::query!(
        "insert into job_log (job, epoch, number, at_ms, line)
         select $1, $2, number, $5, line from unnest($3::int[], $4::text[]) as told (number, line)
         on conflict (job, epoch, number) do nothing",
        job,
        epoch,
        &numbers,
        &lines,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from job_log where job = $1
             and id <= (select id from job_log where job = $1 order by id desc offset $2 limit 1)",
        job,
        MAX_LOG_LINES,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A job's lines, oldest first.
pub async fn lines(pool: &PgPool, job: Uuid) -> sqlx::Result<Vec<LogEntry>> {
    let mut lines = sqlx::query_as!(
        LogEntry,
        "select at_ms, line as text from job_log where job = $1 order by id desc limit $2",
        job,
        MAX_LOG_LINES,
    )
    .fetch_all(pool)
    .await?;
    lines.reverse();
    Ok(lines)
}
