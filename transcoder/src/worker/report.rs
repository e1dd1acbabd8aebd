//! What the server is told of a job while it runs: how far it is, and what was noted. Telling it renews the lease.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::time::Duration;

use pinreel_runner::{LogLine, Progress, Rung};

use super::client::{Backoff, JobClient, Trouble};
use super::log::Log;
use crate::child::events;

/// Fetching's part of the whole, when progress is told.
const FETCHING: f64 = 0.05;
/// Where transcoding ends and only delivering is left.
const TRANSCODED: f64 = 0.97;
/// Progress is told this often, or more often if the lease is short.
const TELL_EVERY: Duration = Duration::from_secs(1);

pub struct Report {
    progress: RefCell<Progress>,
    log: Log,
    is_answered: Cell<bool>,
    is_ending: Cell<bool>,
}

impl Report {
    pub fn new(epoch: i64) -> Self {
        let progress = Progress {
            epoch,
            stage: "fetching".to_owned(),
            fraction: 0.0,
            speed: None,
            left_ms: None,
            rungs: Vec::new(),
            log: Vec::new(),
        };
        Self {
            progress: RefCell::new(progress),
            log: Log::default(),
            is_answered: Cell::new(true),
            is_ending: Cell::new(false),
        }
    }

    pub fn say(&self, text: &str) {
        self.log.say(text);
    }

    /// What was noted and hasn't arrived yet.
    pub fn noted(&self) -> Vec<LogLine> {
        self.log.waiting()
    }

    /// Whether the server answered the last report.
    pub fn is_answered(&self) -> bool {
        self.is_answered.get()
    }

    /// Seconds of film a second, once that is known.
    pub fn speed(&self) -> Option<f64> {
        self.progress.borrow().speed
    }

    pub fn fetched(&self, part: f64) {
        self.progress.borrow_mut().fraction = FETCHING * part;
    }

    pub fn transcoding(&self) {
        "transcoding".clone_into(&mut self.progress.borrow_mut().stage);
    }

    pub fn transcoded(&self, child: events::Progress) {
        let mut progress = self.progress.borrow_mut();
        let fraction = FETCHING + (TRANSCODED - FETCHING) * child.fraction.clamp(0.0, 1.0);
        progress.fraction = progress.fraction.max(fraction);
        progress.speed = child.speed;
        progress.left_ms = child.left_ms;
        progress.rungs = child.rungs;
    }

    pub fn delivering(&self) {
        let mut progress = self.progress.borrow_mut();
        "delivering".clone_into(&mut progress.stage);
        progress.fraction = TRANSCODED;
        progress.left_ms = None;
        progress.rungs.iter_mut().for_each(|rung: &mut Rung| rung.fraction = 1.0);
    }

    /// The job's last word is being said.
    pub fn ending(&self) {
        self.is_ending.set(true);
    }

    /// Renews the lease by telling progress; ends when the job is lost or cancelled.
    pub async fn keep(&self, job: &JobClient) {
        self.renew(job).await;
        if self.is_ending.get() {
            // The last word ends the lease as well, and its own answer says how.
            pending::<()>().await;
        }
    }

    async fn renew(&self, job: &JobClient) {
        let mut backoff = Backoff::new();
        loop {
            let progress = Progress { log: self.log.waiting(), ..self.progress.borrow().clone() };
            let answer = job.progress(&progress).await;
            self.is_answered.set(!matches!(answer, Err(Trouble::Away(_))));
            match answer {
                Ok(answer) if answer.cancel => return,
                Err(Trouble::Lost) => return,
                Ok(answer) => {
                    self.log.arrived(&progress.log);
                    let lease = Duration::from_millis(answer.lease_ms);
                    backoff = Backoff::new();
                    tokio::time::sleep(TELL_EVERY.min(lease / 4)).await;
                }
                Err(trouble) => {
                    backoff.warn("renewing the lease", &trouble);
                    backoff.wait().await;
                }
            }
        }
    }
}
