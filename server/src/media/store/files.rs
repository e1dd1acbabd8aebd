//! What the holder of a lease has delivered.

use sqlx::PgPool;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredFile {
    pub name: String,
    pub cid: String,
    pub size_bytes: i64,
    pub tsize_bytes: i64,
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

/// Those of these names that were delivered under this lease.
pub async fn delivered_of(
    pool: &PgPool,
    (job, epoch): (Uuid, i32),
    names: &[String],
) -> sqlx::Result<Vec<DeliveredFile>> {
    sqlx::query_as!(
        DeliveredFile,
        "select name, cid, size_bytes, tsize_bytes from job_file where job = $1 and epoch = $2 and name = any($3)",
        job,
        epoch,
        names,
    )
    .fetch_all(pool)
    .await
}
