//! What media needs kept: renditions that were made, and files that a worker delivers.

use sqlx::PgPool;
use uuid::Uuid;

/// A rendition's root and what it was made of.
pub struct KeptRendition {
    pub job: Uuid,
    pub root: String,
    pub source: String,
    /// Whether its record is in the log, or about to be.
    pub announced: bool,
}

/// All renditions.
pub async fn renditions(pool: &PgPool) -> sqlx::Result<Vec<KeptRendition>> {
    sqlx::query_as!(KeptRendition, r#"select job, root, source, state <> 'private' as "announced!" from rendition"#)
        .fetch_all(pool)
        .await
}

/// Files of jobs that aren't complete: each with its job.
pub async fn files(pool: &PgPool) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!("select job, cid from job_file").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.job, row.cid)).collect())
}
