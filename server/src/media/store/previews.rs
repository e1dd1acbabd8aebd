//! Previews: pictures of what is neither film nor sound, made by a job of their own and shown once their source is.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BATCH, is_published, signal};
use crate::clock::UnixMs;
use crate::media::model::JobState;
use crate::media::previews::{MadePreview, Preview, PreviewSize};
use crate::signals::Signal;

/// Ends a preview's job with its folder, if the lease still holds; false: it is lost and nothing changed. The row lock
/// makes this and a publishing transaction take turns, so that one of the two sees both.
pub async fn complete_preview(
    connection: &mut PgConnection,
    (job, epoch): (Uuid, i32),
    made: &MadePreview,
    now_ms: UnixMs,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update job set state = 'complete', lease_until_ms = null, progress = null, updated_ms = $3
         where id = $1 and epoch = $2 and state = 'leased'",
        job,
        epoch,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // A statement of its own, so that it sees what was committed while the one above waited for the row.
    let published = is_published(connection, &made.source).await?;
    sqlx::query!(
        "insert into preview (job, root, source, width, height, sizes, worker, state, created_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        job,
        made.root,
        made.source,
        made.width,
        made.height,
        Json(&made.sizes) as Json<&Vec<PreviewSize>>,
        made.worker,
        if published { "due" } else { "private" },
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from job_file where job = $1", job).execute(&mut *connection).await?;
    // Made once more, byte for byte: then the worker that it was taken back from was right about it.
    sqlx::query!("delete from withdrawn_root where root = $1", made.root).execute(&mut *connection).await?;
    signal(connection, Signal::Job(made.source.clone())).await?;
    if published {
        signal(connection, Signal::Rendition).await?;
    }
    Ok(true)
}

/// Notes that a source is public: its previews are to be shown. The caller has locked its jobs.
pub(super) async fn mark_previews_due(connection: &mut PgConnection, source: &str) -> sqlx::Result<()> {
    let due = sqlx::query!("update preview set state = 'due' where source = $1 and state = 'private'", source)
        .execute(&mut *connection)
        .await?;
    if due.rows_affected() > 0 { signal(connection, Signal::Rendition).await } else { Ok(()) }
}

/// A preview that is to be shown.
pub struct DuePreview {
    pub job: Uuid,
    pub root: String,
    pub file_name: String,
}

/// Previews that are to be shown, oldest first.
pub async fn due_previews(pool: &PgPool) -> sqlx::Result<Vec<DuePreview>> {
    sqlx::query_as!(
        DuePreview,
        "select job, root, file_name from preview join job on job.id = preview.job
         where preview.state = 'due' order by preview.created_ms limit $1",
        BATCH,
    )
    .fetch_all(pool)
    .await
}

/// Notes that everybody can fetch it. False: it was taken back meanwhile, or another server of this node was faster.
pub async fn set_shown(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<bool> {
    let source = sqlx::query_scalar!(
        "update preview set state = 'shown' where job = $1 and state = 'due' returning source",
        job,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(source) = source else { return Ok(false) };
    signal(connection, Signal::Job(source)).await?;
    Ok(true)
}

/// The newest preview of a source, however far it is; nothing for files of which none is made.
pub async fn preview_of(pool: &PgPool, source: &str) -> sqlx::Result<Option<Preview>> {
    let row = sqlx::query!(
        r#"select job.state, failure_reason, root as "root?", width as "width?", height as "height?",
               sizes as "sizes?: Json<Vec<PreviewSize>>", preview.state = 'shown' as "is_shown?"
           from job left join preview on preview.job = job.id
           where job.source = $1 and purpose = 'preview' order by job.created_ms desc limit 1"#,
        source,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Preview {
        state: JobState::parse(&row.state),
        reason: row.failure_reason,
        root: row.root,
        width: row.width,
        height: row.height,
        sizes: row.sizes.map(|json| json.0).unwrap_or_default(),
        is_shown: row.is_shown.unwrap_or_default(),
    }))
}

/// A preview's folder and what it was made of.
pub struct KeptPreview {
    pub job: Uuid,
    pub root: String,
    pub source: String,
    /// Whether it is shown, or about to be.
    pub announced: bool,
}

pub async fn kept_previews(pool: &PgPool) -> sqlx::Result<Vec<KeptPreview>> {
    sqlx::query_as!(KeptPreview, r#"select job, root, source, state <> 'private' as "announced!" from preview"#)
        .fetch_all(pool)
        .await
}

/// Takes back the previews that a worker made, and queues their jobs again; how many those were.
pub async fn withdraw_previews_of(connection: &mut PgConnection, worker: &str, now_ms: UnixMs) -> sqlx::Result<u64> {
    // Locked as `complete_preview` and `mark_published` lock theirs, before the preview is looked at.
    let jobs = sqlx::query_scalar!(
        "select id from job where id in (select job from preview where worker = $1) order by id for no key update",
        worker,
    )
    .fetch_all(&mut *connection)
    .await?;
    let taken = sqlx::query!(
        "delete from preview where job = any ($1) and worker = $2 returning job, root, source",
        &jobs,
        worker,
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &taken {
        sqlx::query!(
            "insert into withdrawn_root (root, source, worker, withdrawn_ms)
             select $1, $2, $3, $4 where not exists (select from preview where root = $1)
             on conflict (root) do nothing",
            row.root,
            row.source,
            worker,
            now_ms,
        )
        .execute(&mut *connection)
        .await?;
        super::make_again(connection, (row.job, &row.source), worker, now_ms).await?;
    }
    if !taken.is_empty() {
        signal(connection, Signal::Queue).await?;
        signal(connection, Signal::TakenBack).await?;
    }
    Ok(taken.len() as u64)
}
