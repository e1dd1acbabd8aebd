//! Transcoding jobs and what comes of them: the queue, the workers' protocol, playlists, playback roots, renditions.
//!
//! What always holds:
//! - one job for each (source, recipe), however often the bytes are uploaded; another preset is another recipe;
//! - no channel waits because another has sent much;
//! - only the holder of the newest lease changes a job, and the completing transaction checks that once more;
//! - a root exists in the store before a row names it, and is private until its source is published;
//! - what is watched while a job runs is a stream of signed revisions that only add: the root holds the same segments, or
//!   the stream is taken back for good;
//! - the log hears of a rendition only once its source is published, whichever of the two was first, and exactly once;
//! - what a channel puts beside a film is in that channel's own folder of it, and no other channel's pages show it.
//!
//! Tables: `job`, `job_lease`, `job_file`, `job_log`, `media_turn`, `early`, `early_step`, `rendition`, `companion_file`,
//! `preview`, `whole_root`, `withdrawn_root`, `published_source`, `published_by`, `worker`, `worker_invitation`. Media bytes are never decoded here: that is the worker's, who reaches
//! nothing but its own job.

mod announce;
mod companions;
mod complete;
mod erased;
mod error;
mod fail;
mod grow;
mod grown;
mod http;
mod lease;
mod measured;
mod model;
mod operate;
mod playlist;
mod previews;
mod receive;
mod store;
#[cfg(test)]
pub mod tests;
mod token;
mod workers;

use pinreel_runner::{Document, Preset, Task};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::clock::UnixMs;
use crate::database::Database;
use crate::signals::Signal;

#[cfg(test)]
pub use announce::announce_due;
pub use companions::{
    Beside, Companion, CompanionFile, Set, build_whole, companions_of, drop_wholes, enqueue_companion, put_whole,
};
pub use erased::end_jobs_of;
pub use error::MediaError;
pub use grow::{GrowingStream, early_file, growing};
pub use http::routes;
pub use model::{Job, JobState, LOCAL_WORKER, Rendition, Rung, RungProgress, Source, is_transcoded};
pub use operate::http::routes as operator_routes;
pub use operate::{Filter, JobCounts, JobDetails, Jobs, ListedJob, counts, wish};
pub use previews::{CARD_WIDTH, PAGE_WIDTH, Preview, PreviewSize, picture};
pub use store::JobCount;
pub use token::{TokenError, WorkerToken};
#[cfg(test)]
pub use workers::withdraw;
pub use workers::{Invitation, Invite, Worker};

/// Starts what runs beside requests.
pub fn start(app: &App) {
    app.tasks.spawn(lease::watch(app.clone()));
    app.tasks.spawn(announce::run(app.clone()));
}

/// Queues what is to be made of a source that is wholly in the store, renditions or a preview; call it in the transaction
/// that says so. Bytes that were queued before, and media types of which nothing is made, cost nothing.
pub async fn enqueue(
    connection: &mut PgConnection,
    (source, preset): (&Source, &Preset),
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    let queued = is_transcoded(&source.media_type);
    let is_new = store::insert_job(connection, (Uuid::now_v7(), source, preset), queued, now_ms).await?;
    if is_new && queued {
        store::signal(connection, Signal::Queue).await?;
    }
    if let Some(of) = Document::of(&source.media_type) {
        enqueue_companion(connection, (source, preset), Task::Preview { of }, now_ms).await?;
    }
    Ok(())
}

/// To be called in the transaction by which a channel publishes a source: from then on its rendition, made or to be made, may be
/// known, logged and pinned.
pub async fn source_published(connection: &mut PgConnection, source: &str, channel: &str) -> sqlx::Result<()> {
    store::mark_published(connection, source, channel).await
}

/// Queues a failed job again. False: this source has none that failed.
pub async fn retry(connection: &mut PgConnection, source: &str, now_ms: UnixMs) -> sqlx::Result<bool> {
    store::retry(connection, source, now_ms).await
}

/// The newest job of a source.
pub async fn job_for(database: &Database, source: &str) -> sqlx::Result<Option<Job>> {
    store::job_of_source(database, source).await
}

/// The newest playback root of a source, published or not: the one with this channel's companions, if it has any.
pub async fn root_of(database: &Database, channel: &str, source: &str) -> sqlx::Result<Option<String>> {
    match store::whole_of(database, channel, source).await? {
        Some(root) => Ok(Some(root)),
        None => Ok(store::rendition_of_source(database, source).await?.map(|rendition| rendition.root)),
    }
}

/// Whose companions are in a root: only they may publish it. Empty for one that holds nobody's.
pub async fn channels_of_root(database: &Database, root: &str) -> sqlx::Result<Vec<String>> {
    store::channels_of_root(database, root).await
}

/// The newest rendition of a source, published or not, without anybody's companions.
pub async fn rendition_for(database: &Database, source: &str) -> sqlx::Result<Option<Rendition>> {
    store::rendition_of_source(database, source).await
}

/// The rendition that a root is, whosever source it was made of; nothing for roots that this node didn't make.
pub async fn rendition_at(database: &Database, root: &str) -> sqlx::Result<Option<Rendition>> {
    store::rendition_of_root(database, root).await
}

/// The roots among these that the operator took back: they are not to be kept or shown.
pub async fn withdrawn_among(database: &Database, roots: &[String]) -> sqlx::Result<Vec<String>> {
    store::withdrawn_among(database, roots).await
}

/// All roots that the operator took back.
pub async fn withdrawn(database: &Database) -> sqlx::Result<Vec<String>> {
    store::withdrawn(database).await
}

/// How many jobs are in each state.
pub async fn count_jobs(database: &Database) -> sqlx::Result<Vec<JobCount>> {
    store::count_jobs(database).await
}

/// All renditions, for keeping them.
pub async fn kept_renditions(database: &Database) -> sqlx::Result<Vec<store::kept::KeptRendition>> {
    store::kept::renditions(database).await
}

/// Roots that were made of a source: renditions, and folders of previews.
pub async fn made_of(database: &Database, source: &str) -> sqlx::Result<Vec<String>> {
    store::kept::made_of(database, source).await
}

/// How far the preview of a source is; nothing for files of which none is made.
pub async fn preview_of(database: &Database, source: &str) -> sqlx::Result<Option<Preview>> {
    store::preview_of(database, source).await
}

/// All previews, for keeping them.
pub async fn kept_previews(database: &Database) -> sqlx::Result<Vec<store::KeptPreview>> {
    store::kept_previews(database).await
}

/// Files of jobs that aren't complete, for keeping them: each with its job.
pub async fn kept_files(database: &Database) -> sqlx::Result<Vec<(Uuid, String)>> {
    let mut files = store::kept::files(database).await?;
    files.extend(store::kept::early(database).await?);
    Ok(files)
}
