//! What can be watched while a job runs: the newest signed revision, and the segments that it stands for.

use pinreel_content::parse_cid;
use pinreel_records::{Growing, Piece, Signature};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use super::signal;
use crate::signals::Signal;

/// A segment as rows and answers have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptPiece {
    pub cid: String,
    /// In the rendition's own timescale.
    pub ticks: u64,
}

/// How far a job's stream is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    None,
    Growing(Box<Growing>),
    TakenBack,
}

/// A revision as it was signed, with some of its steps.
#[derive(Clone, Debug)]
pub struct Revision {
    pub statement: Vec<u8>,
    pub sig: Vec<u8>,
    pub steps: Vec<Vec<KeptPiece>>,
}

impl From<&Piece> for KeptPiece {
    fn from(piece: &Piece) -> Self {
        Self { cid: piece.cid.to_string(), ticks: piece.ticks }
    }
}

impl KeptPiece {
    /// None for what was never one.
    pub fn piece(&self) -> Option<Piece> {
        Some(Piece { cid: parse_cid(&self.cid)?, ticks: self.ticks })
    }
}

/// Whether the lease still holds; then nobody else gets the job before this transaction ends.
pub async fn lock_lease(connection: &mut PgConnection, (job, epoch): (Uuid, i32)) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        "select id from job where id = $1 and epoch = $2 and state = 'leased' for no key update",
        job,
        epoch,
    );
    Ok(held.fetch_optional(connection).await?.is_some())
}

/// The stream of a job whose row the caller has locked.
pub async fn early(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<Kept> {
    let row = sqlx::query_scalar!("select statement from early where job = $1", job).fetch_optional(connection).await?;
    Ok(match row {
        None => Kept::None,
        // A statement that this version can't read can't be added to.
        Some(statement) => match statement.and_then(|statement| Growing::decode(&statement).ok()) {
            Some(growing) => Kept::Growing(Box::new(growing)),
            None => Kept::TakenBack,
        },
    })
}

/// Steps from number `first` on, at most so many.
pub async fn early_steps(
    connection: &mut PgConnection,
    job: Uuid,
    (first, most): (u64, u64),
) -> sqlx::Result<Vec<Vec<KeptPiece>>> {
    let rows = sqlx::query_scalar!(
        r#"select pieces as "pieces: Json<Vec<KeptPiece>>" from early_step
           where job = $1 and number >= $2 order by number limit $3"#,
        job,
        signed(first),
        signed(most),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Writes a revision and the steps that it adds, the last of those it stands for.
pub async fn put_early(
    connection: &mut PgConnection,
    job: Uuid,
    growing: &Growing,
    (statement, sig): (&[u8], &Signature),
    added: &[Vec<Piece>],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into early (job, statement, sig) values ($1, $2, $3)
         on conflict (job) do update set statement = $2, sig = $3",
        job,
        statement,
        sig.as_slice(),
    )
    .execute(&mut *connection)
    .await?;
    let steps: Vec<Vec<KeptPiece>> = added.iter().map(|step| step.iter().map(KeptPiece::from).collect()).collect();
    sqlx::query!(
        "insert into early_step (job, number, pieces)
         select $1, $2 + place - 1, step from jsonb_array_elements($3) with ordinality as added (step, place)",
        job,
        signed(growing.segments) - signed(added.len() as u64),
        Json(steps) as Json<Vec<Vec<KeptPiece>>>,
    )
    .execute(&mut *connection)
    .await?;
    signal(connection, Signal::Job(growing.source.to_string())).await
}

/// From now on nobody is shown the stream, and nothing is added. Changes nothing where there is none.
pub async fn take_back_early(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from early_step where job = $1", job).execute(&mut *connection).await?;
    sqlx::query!("update early set statement = null, sig = null where job = $1", job).execute(connection).await?;
    Ok(())
}

/// Forgets the stream, whose segments the root holds.
pub async fn forget_early(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from early where job = $1", job).execute(connection).await?;
    Ok(())
}

/// The newest revision for a source, with at most `most` steps from number `after` on; nothing once its job has failed.
pub async fn revision(pool: &PgPool, source: &str, (after, most): (u64, u64)) -> sqlx::Result<Option<Revision>> {
    let row = sqlx::query!(
        r#"select job, statement as "statement!", sig as "sig!" from early join job on job.id = early.job
           where source = $1 and statement is not null and state in ('queued', 'leased', 'complete')
           order by created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // Rows that were added since are as right: whoever checks the chain asks for the newer revision then.
    let steps = early_steps(&mut *pool.acquire().await?, row.job, (after, most)).await?;
    Ok(Some(Revision { statement: row.statement, sig: row.sig, steps }))
}

/// The CID of one of a step's segments.
pub async fn early_piece(pool: &PgPool, source: &str, (number, place): (u64, i32)) -> sqlx::Result<Option<String>> {
    let cid = sqlx::query_scalar!(
        r#"select pieces -> $3::integer ->> 'cid' as "cid" from early_step join job on job.id = early_step.job
           where source = $1 and number = $2 and state in ('queued', 'leased', 'complete')
           order by created_ms desc limit 1"#,
        source,
        signed(number),
        place,
    )
    .fetch_optional(pool)
    .await?;
    Ok(cid.flatten())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
