//! What the command line asks of a running node about its jobs and workers, through the operator's socket.

use serde::{Deserialize, Serialize};

use super::{Filter, JobDetails, Jobs};
use crate::app::App;
use crate::media::error::MediaError;
use crate::media::workers::{self, Invitation, Invite, Worker};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    Jobs { filter: Filter, after: Option<String>, limit: i64 },
    Job { id: String },
    Retry { id: String },
    Cancel { id: String },
    Priority { id: String, priority: i16 },
    Workers,
    Invite(Invite),
    Revoke { worker: String },
    Withdraw { worker: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Jobs(Jobs),
    Job(Box<JobDetails>),
    Workers(Vec<Worker>),
    Invitation(Invitation),
    Withdrawn { renditions: u64 },
    Done,
}

pub async fn fulfil(app: &App, wish: Wish) -> Result<Answer, MediaError> {
    let done = match wish {
        Wish::Jobs { filter, after, limit } => {
            return super::list(app, filter, after.as_deref(), limit).await.map(Answer::Jobs);
        }
        Wish::Job { id } => return super::show(app, &id).await.map(|job| Answer::Job(Box::new(job))),
        Wish::Workers => return workers::list(app).await.map(Answer::Workers),
        Wish::Invite(wanted) => return workers::invite(app, wanted).await.map(Answer::Invitation),
        Wish::Withdraw { worker } => {
            return workers::withdraw(app, &worker).await.map(|renditions| Answer::Withdrawn { renditions });
        }
        Wish::Retry { id } => super::retry(app, &id).await,
        Wish::Cancel { id } => super::cancel(app, &id).await,
        Wish::Priority { id, priority } => super::prioritise(app, &id, priority).await,
        Wish::Revoke { worker } => workers::revoke(app, &worker).await,
    };
    done.map(|()| Answer::Done)
}
