//! The task that brings one root after the other to Kubo: a CAR streamed from the store, then a pin with a name.
//!
//! Importing twice changes nothing, so a process that died in the middle simply does it again.

use std::time::Duration;

use pinreel_content::kubo::{Kubo, KuboError};
use pinreel_content::{Cid, parse_cid};
use tokio::sync::broadcast;
use tokio::time::timeout;
use url::Url;

use crate::app::App;
use crate::signals::{Signal, wait_for};

use super::model::{MAX_ATTEMPTS, pause_ms};
use super::store::{self, Due};

/// How long one root may take, whatever its size; then it is tried again, and what Kubo has already it has.
const LONGEST_PIN: Duration = Duration::from_secs(2 * 3600);
const BUSY_MS: i64 = 2 * 3600 * 1000 + 60_000;
/// A look at the table now and then, should a signal be lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The longest pause between two questions to a Kubo that is away: back is noticed within it.
const LONGEST_AWAY_MS: i64 = 30_000;

pub(super) enum Outcome {
    Pinned,
    /// The pin is gone, as it should be.
    Unpinned,
    /// Kubo doesn't answer: no root's fault.
    Away(String),
    Failed(String),
}

/// Background task.
pub async fn run(app: App) {
    let mut signals = app.signals.subscribe();
    let mut address = app.kubo.subscribe();
    if let Err(error) = store::make_due(&app.database, app.clock.now_ms()).await {
        tracing::warn!(%error, "can't look for roots to pin");
    }
    let mut away = 0;
    loop {
        let url = address.borrow_and_update().clone();
        let nap = match &url {
            None => LOOK_EVERY,
            Some(url) => match step(&app, url, &mut away).await {
                Ok(nap) => nap,
                Err(error) => {
                    tracing::warn!(%error, "can't look for roots to pin");
                    LOOK_EVERY
                }
            },
        };
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            // Another Kubo, or the same one started anew, has a fresh chance.
            changed = address.changed() => { away = 0; if changed.is_err() { return } }
            () = rest(&mut signals, nap, away > 0) => {}
        }
    }
}

/// Sleeps; while Kubo answers, a new root ends it at once.
async fn rest(signals: &mut broadcast::Receiver<Signal>, nap: Duration, kubo_is_away: bool) {
    if kubo_is_away {
        return tokio::time::sleep(nap).await;
    }
    // Elapsed or woken: either way there may be something to do.
    let _ = timeout(nap, wait_for(signals, |signal| *signal == Signal::Pin)).await;
}

/// Pins what is due, until nothing is or Kubo is away; how long to rest then.
pub(super) async fn step(app: &App, url: &Url, away: &mut i32) -> sqlx::Result<Duration> {
    loop {
        let now_ms = app.clock.now_ms();
        let Some(due) = store::take_due(&app.database, now_ms, now_ms + BUSY_MS).await? else {
            let next = store::next_try(&app.database).await?;
            let ms = next.map_or(i64::MAX, |at_ms| at_ms - now_ms);
            return Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(50)).min(LOOK_EVERY));
        };
        let outcome = tokio::select! {
            () = app.tasks.stop.cancelled() => Outcome::Away("The node was stopped meanwhile.".to_owned()),
            outcome = timeout(LONGEST_PIN, pin(app, url, &due)) => outcome.unwrap_or_else(|_| {
                Outcome::Failed(format!("Kubo took more than {} hours.", LONGEST_PIN.as_secs() / 3600))
            }),
        };
        let away_because = match &outcome {
            Outcome::Away(reason) => Some(reason.clone()),
            _ => None,
        };
        note(app, (due.id, due.attempts), outcome).await?;
        if let Some(reason) = away_because {
            *away = away.saturating_add(1);
            if *away == 1 {
                tracing::warn!(host = url.host_str(), reason, "Kubo can't be used; what is published waits for it");
            }
            return Ok(Duration::from_millis(pause_ms(*away).min(LONGEST_AWAY_MS).unsigned_abs()));
        }
        *away = 0;
    }
}

/// Writes down what came of a try.
pub(super) async fn note(app: &App, (id, attempts): (i64, i32), outcome: Outcome) -> sqlx::Result<()> {
    let now_ms = app.clock.now_ms();
    match outcome {
        Outcome::Pinned => {
            tracing::info!(pin = id, "pinned");
            store::set_pinned(&app.database, id, now_ms).await
        }
        Outcome::Unpinned => {
            tracing::info!(pin = id, "unpinned");
            store::remove(&app.database, id).await
        }
        Outcome::Failed(detail) => {
            let attempts = attempts + 1;
            tracing::warn!(pin = id, attempts, detail, "not pinned");
            let next = (attempts < MAX_ATTEMPTS).then(|| now_ms + pause_ms(attempts));
            store::set_failure(&app.database, (id, attempts), &detail, next, now_ms).await
        }
        // Due again at once: it is the task that waits, for all roots together.
        Outcome::Away(detail) => store::set_failure(&app.database, (id, attempts), &detail, Some(now_ms), now_ms).await,
    }
}

async fn pin(app: &App, url: &Url, due: &Due) -> Outcome {
    let Some(root) = parse_cid(&due.root) else { return Outcome::Failed("The root isn't a CID.".to_owned()) };
    let kubo = match super::client(app, url) {
        Ok(kubo) => kubo,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let (done, outcome) = match due.unwanted {
        true => (take_away(&kubo, &root).await, Outcome::Unpinned),
        false => (bring(app, &kubo, &root, &due.name).await, Outcome::Pinned),
    };
    match done {
        Ok(()) => outcome,
        Err(KuboError::Content(error)) => Outcome::Failed(format!("{error}.")),
        // A root that Kubo chokes on is that root's trouble; a Kubo that doesn't tell its version is away for all.
        Err(error) if kubo.version().await.is_ok() => Outcome::Failed(format!("{error}.")),
        Err(error) => Outcome::Away(format!("{error}.")),
    }
}

async fn bring(app: &App, kubo: &Kubo, root: &Cid, name: &str) -> Result<(), KuboError> {
    if kubo.pinned(root).await?.is_some() {
        match kubo.read_back(root).await {
            // Pinned, and lost since or never there: bring it again, and look again.
            Err(KuboError::NotHeld { .. } | KuboError::WrongBytes(_)) => {}
            read_back => return read_back,
        }
    }
    kubo.import_and_pin(root, app.store.car(root), name).await
}

/// Takes our pin away; one that somebody else has made of the same root is theirs.
async fn take_away(kubo: &Kubo, root: &Cid) -> Result<(), KuboError> {
    match kubo.pinned(root).await? {
        Some(pin) if pin.name.starts_with(super::model::PIN_PREFIX) => kubo.unpin(root).await.map(drop),
        _ => Ok(()),
    }
}
