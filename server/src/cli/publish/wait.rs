//! Waiting for the transcoding, as far as the person wants.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::Wait;
use super::upload::Upload;
use crate::cli::answer::Failure;
use crate::cli::client::Node;
use crate::cli::progress::Progress;

const ASK_EVERY: Duration = Duration::from_millis(500);

/// How far a publication is, in the words of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Processing,
    /// It can be watched while the rest is made.
    Playable,
    Complete,
    /// Not transcoded: published as it is.
    File,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Playable => "playable",
            Self::Complete => "complete",
            Self::File => "file",
        }
    }
}

/// What an upload's state means: an end of this wait, or `None` while it goes on.
fn end_of(upload: &Upload, wait: Wait) -> Option<Result<(State, Option<String>), Failure>> {
    let Some(job) = &upload.job else { return Some(Ok((State::File, None))) };
    match job.state.as_str() {
        // What is still to be put into the root makes it another one.
        "complete" if upload.unfinished && wait == Wait::Complete => None,
        "complete" if upload.unfinished => Some(Ok((State::Playable, None))),
        "complete" => Some(Ok((State::Complete, upload.root.clone().or_else(|| job.root.clone())))),
        "none" => Some(Ok((State::File, None))),
        "failed" => {
            let code = job.code.as_deref().unwrap_or("transcode_failed");
            let reason = job.reason.as_deref().unwrap_or("The transcoding failed, and the node doesn't say why.");
            Some(Err(Failure::new(code, reason)))
        }
        _ if wait == Wait::Playable && job.playable => Some(Ok((State::Playable, None))),
        _ if wait == Wait::No => Some(Ok((State::Processing, None))),
        _ => None,
    }
}

/// State and root of an upload, and what the node says of it then. A transcoding that has failed before is tried again first; without waiting, it is
/// answered as it stands then.
pub async fn outcome(
    node: &Node,
    mut upload: Upload,
    wait: Wait,
    progress: &Progress,
) -> Result<(State, Option<String>, Upload), Failure> {
    let path = format!("/api/v1/uploads/{}", upload.id);
    if upload.job.as_ref().is_some_and(|job| job.state == "failed") {
        let retry: Result<Value, _> = node.call_patiently(Method::POST, &format!("{path}/retry"), None).await;
        // Somebody else may have been faster; what is true is asked next.
        drop(retry);
        upload = node.call_patiently(Method::GET, &path, None).await?;
    }
    let bar = progress.fraction("transcoding");
    loop {
        match end_of(&upload, wait) {
            Some(end) => {
                upload.job.iter().flat_map(|job| &job.warnings).for_each(|warning| eprintln!("Note: {warning}"));
                return end.map(|(state, root)| (state, root, upload));
            }
            None => bar.set_fraction(upload.job.as_ref().map_or(0.0, |job| job.fraction)),
        }
        tokio::time::sleep(ASK_EVERY).await;
        upload = node.call_patiently(Method::GET, &path, None).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::publish::upload::Job;

    fn of(job: Job) -> Upload {
        Upload { job: Some(job), ..Upload::default() }
    }

    fn job(state: &str) -> Job {
        let root = Some("bafyroot".into());
        Job {
            state: state.into(),
            playable: false,
            fraction: 0.5,
            duration_ms: None,
            code: None,
            reason: None,
            root,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn jobs_end_in_words() {
        for wait in [Wait::No, Wait::Playable, Wait::Complete] {
            assert_eq!(end_of(&Upload::default(), wait), Some(Ok((State::File, None))));
            assert_eq!(end_of(&of(job("none")), wait), Some(Ok((State::File, None))));
            assert_eq!(end_of(&of(job("complete")), wait), Some(Ok((State::Complete, Some("bafyroot".into())))));
            let failure = end_of(&of(job("failed")), wait).unwrap().unwrap_err();
            assert_eq!((failure.code.as_str(), failure.is_usage), ("transcode_failed", false));
        }
        let told =
            Job { code: Some("no_streams".into()), reason: Some("There is no picture.".into()), ..job("failed") };
        let failure = end_of(&of(told.clone()), Wait::Complete).unwrap().unwrap_err();
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("no_streams", "There is no picture."));
    }

    #[test]
    fn a_job_that_goes_on_is_waited_for_as_far_as_wanted() {
        for going_on in ["queued", "running", "something new"] {
            let (blank, playable) = (job(going_on), Job { playable: true, ..job(going_on) });
            assert_eq!(end_of(&of(blank.clone()), Wait::No), Some(Ok((State::Processing, None))), "{going_on}");
            assert_eq!(end_of(&of(blank.clone()), Wait::Playable), None, "{going_on}");
            assert_eq!(end_of(&of(playable.clone()), Wait::Playable), Some(Ok((State::Playable, None))), "{going_on}");
            assert_eq!(end_of(&of(playable.clone()), Wait::Complete), None, "{going_on}");
        }
    }
}
