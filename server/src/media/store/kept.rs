//! What media needs kept: renditions that were made, files that a worker delivers, and what is watched meanwhile.

use pinreel_records::Growing;
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

/// Files of streams that are watched while their job runs, whichever lease delivered them: each with its job.
pub async fn early(pool: &PgPool) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"select job, piece ->> 'cid' as "cid!"
           from early_step
               join job on job.id = early_step.job
               cross join lateral jsonb_array_elements(pieces) as piece
           where state in ('queued', 'leased')"#
    )
    .fetch_all(pool)
    .await?;
    let mut kept: Vec<(Uuid, String)> = rows.into_iter().map(|row| (row.job, row.cid)).collect();
    let rows = sqlx::query!(
        r#"select job, statement as "statement!" from early join job on job.id = early.job
           where statement is not null and state in ('queued', 'leased')"#
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let openings = Growing::decode(&row.statement).map(|growing| growing.renditions).unwrap_or_default();
        kept.extend(openings.into_iter().map(|opening| (row.job, opening.init.to_string())));
    }
    Ok(kept)
}

/// Roots that were made of a source: renditions, and folders of previews.
pub async fn made_of(pool: &PgPool, source: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select root as "root!" from rendition where source = $1 union select root from preview where source = $1"#,
        source
    )
    .fetch_all(pool)
    .await
}
