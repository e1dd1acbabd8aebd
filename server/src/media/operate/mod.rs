//! What the operator does with jobs: looks at them, tries one again, stops one, puts one first.
//!
//! The same through the API, for an operator's session, and through the node's socket, for its command line.

pub mod http;
#[cfg(test)]
mod tests;
pub mod wish;

use pinreel_runner::text::plain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::clock::UnixMs;
use crate::signals::Signal;

use super::error::MediaError;
use super::model::{AfterLease, Job, JobState, LogEntry, PRIORITIES};
use super::store;

/// Jobs of one answer, unless told and at most.
pub const USUAL_LIMIT: i64 = 50;
pub const MAX_LIMIT: i64 = 200;

const CANCELLED: &str =
    "The operator of this node stopped the transcoding of this file. Ask them why, or publish the file as it is.";

/// Which jobs are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Waiting or running
    Open,
    Failed,
    Complete,
    #[default]
    All,
}

impl Filter {
    /// In the table's words.
    pub fn states(self) -> &'static [&'static str] {
        match self {
            Self::Open => &["queued", "leased"],
            Self::Failed => &["failed"],
            Self::Complete => &["complete"],
            Self::All => &["queued", "leased", "failed", "complete"],
        }
    }
}

/// A job as the operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListedJob {
    #[serde(flatten)]
    pub job: Job,
    /// CID of the file
    pub source: String,
    pub source_bytes: i64,
    pub file_name: String,
    pub recipe: String,
    /// Handle of the channel that sent it first
    pub handle: Option<String>,
    /// The worker that has it, or had it last
    pub worker: Option<String>,
    /// Leases since it was last asked for
    pub attempts: i32,
    pub priority: i16,
    pub created_ms: UnixMs,
    pub updated_ms: UnixMs,
}

/// Jobs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Jobs {
    pub items: Vec<ListedJob>,
    /// The id to go on after; nothing at the end
    pub next: Option<String>,
}

/// A job and what happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobDetails {
    #[serde(flatten)]
    pub listed: ListedJob,
    /// Oldest first; only the last lines are kept
    pub log: Vec<LogEntry>,
}

/// How many jobs there are of each kind that an operator cares about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobCounts {
    pub waiting: i64,
    pub running: i64,
    pub failed: i64,
}

pub async fn list(app: &App, filter: Filter, after: Option<&str>, limit: i64) -> Result<Jobs, MediaError> {
    let after = after.map(parse).transpose()?;
    let limit = limit.clamp(1, MAX_LIMIT);
    let items = store::listed(&app.database, filter.states(), after, limit).await?;
    let is_full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
    let next = items.last().filter(|_| is_full).map(|last| last.job.id.to_string());
    Ok(Jobs { items, next })
}

pub async fn show(app: &App, id: &str) -> Result<JobDetails, MediaError> {
    let job = parse(id)?;
    let listed = store::listed_one(&app.database, job).await?.ok_or_else(|| unknown(id))?;
    Ok(JobDetails { listed, log: store::lines(&app.database, job).await? })
}

/// Queues a failed job again.
pub async fn retry(app: &App, id: &str) -> Result<(), MediaError> {
    let (job, now_ms) = (parse(id)?, app.clock.now_ms());
    let mut transaction = app.database.begin().await?;
    let (source, state) = store::lock_job(&mut transaction, job).await?.ok_or_else(|| unknown(id))?;
    if state != JobState::Failed {
        return Err(MediaError::JobNotFailed(state.in_words()));
    }
    store::requeue(&mut transaction, job, now_ms).await?;
    store::note(&mut transaction, job, "the operator had it tried again", now_ms).await?;
    store::signal(&mut transaction, Signal::Queue).await?;
    store::signal(&mut transaction, Signal::Job(source)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Ends a job, until somebody has it tried again. Its worker hears of it with its next report, within seconds, and stops its child.
pub async fn cancel(app: &App, id: &str) -> Result<(), MediaError> {
    let (job, now_ms) = (parse(id)?, app.clock.now_ms());
    let mut transaction = app.database.begin().await?;
    let (_, state) = store::lock_job(&mut transaction, job).await?.ok_or_else(|| unknown(id))?;
    if !matches!(state, JobState::Queued | JobState::Running) {
        return Err(MediaError::JobOver(state.in_words()));
    }
    let then = AfterLease::GiveUp { code: "cancelled".to_owned(), reason: CANCELLED.to_owned() };
    store::end_lease(&mut transaction, (job, None), &then, now_ms).await?;
    store::note(&mut transaction, job, "the operator cancelled it", now_ms).await?;
    transaction.commit().await?;
    Ok(())
}

/// Says how urgent a job is.
pub async fn prioritise(app: &App, id: &str, priority: i16) -> Result<(), MediaError> {
    if !PRIORITIES.contains(&priority) {
        return Err(MediaError::Priority);
    }
    let changed = store::set_priority(&app.database, parse(id)?, priority).await?;
    if changed { Ok(()) } else { Err(unknown(id)) }
}

pub async fn counts(app: &App) -> sqlx::Result<JobCounts> {
    let counts = store::count_jobs(&app.database).await?;
    let of = |state| counts.iter().find(|count| count.state == state).map_or(0, |count| count.jobs);
    Ok(JobCounts { waiting: of("queued"), running: of("running"), failed: of("failed") })
}

/// What a failed try leads to, as the log says it.
pub fn in_words(then: &AfterLease) -> String {
    match then {
        AfterLease::Again => "it is tried again".to_owned(),
        AfterLease::Back => "it goes back into the queue".to_owned(),
        AfterLease::Elsewhere { codec } => format!("it waits for a worker that reads {codec}"),
        AfterLease::GiveUp { .. } => "it is given up".to_owned(),
    }
}

fn parse(id: &str) -> Result<Uuid, MediaError> {
    id.parse().map_err(|_| unknown(id))
}

fn unknown(id: &str) -> MediaError {
    MediaError::JobUnknown(plain(id, 60))
}
