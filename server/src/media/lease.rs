//! Handing out jobs: the most urgent first and the channels in turn, each to one worker at a time, for as long as it keeps
//! saying that it is alive.

use std::time::Duration;

use pinreel_content::sha256;
use pinreel_runner::Kind;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::app::App;
use crate::signals::{Signal, wait_for};

use super::error::MediaError;
use super::model::{LEASE_MS, LOCAL_WORKER, after_expiry};
use super::store::{self, Asker, Held, Leased};
use super::token;
use super::workers::LIVE_MS;

/// How long an idle worker's question is kept open.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A lease and its secret, which is told once and kept as a hash.
#[derive(Debug)]
pub struct Granted {
    pub leased: Leased,
    pub token: String,
}

/// The next job, waited for until one comes, `patience` is over or the node stops.
pub async fn next(app: &App, asker: Asker, patience: Duration) -> Result<Option<Granted>, MediaError> {
    let deadline = Instant::now() + patience.min(LONGEST_WAIT);
    // Before the first look, so that no job can slip in between a look and the wait.
    let mut signals = app.signals.subscribe();
    if asker.worker == LOCAL_WORKER {
        end_leases_of_local_worker(app, &asker.kinds).await?;
    }
    loop {
        if let Some(granted) = try_next(app, &asker).await? {
            return Ok(Some(granted));
        }
        if store::workers::is_revoked(&app.database, &asker.worker).await? {
            return Err(MediaError::WorkerRevoked(asker.worker));
        }
        let woken = timeout_at(deadline, wait_for(&mut signals, |signal| *signal == Signal::Queue));
        tokio::select! {
            () = app.tasks.stop.cancelled() => return Ok(None),
            woken = woken => if woken.is_err() { return Ok(None) },
        }
    }
}

async fn try_next(app: &App, asker: &Asker) -> Result<Option<Granted>, MediaError> {
    end_expired(app).await?;
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    let times = (now_ms, now_ms - LIVE_MS);
    let Some(leased) = store::take_next(&mut transaction, asker, times, now_ms + LEASE_MS).await? else {
        return Ok(None);
    };
    let worker = asker.worker.as_str();
    let token = token::secret().map_err(|error| MediaError::Store(error.to_string()))?;
    store::begin_lease(&mut transaction, &leased, (worker, &sha256(token.as_bytes())), now_ms).await?;
    store::note(&mut transaction, leased.job, &format!("given to {worker}"), now_ms).await?;
    transaction.commit().await?;
    tracing::info!(job = %leased.job, epoch = leased.epoch, worker, "leased");
    Ok(Some(Granted { leased, token }))
}

/// Puts jobs whose worker fell silent back into the queue, or gives them up after too many.
pub async fn end_expired(app: &App) -> Result<(), MediaError> {
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    let expired = store::lock_expired(&mut transaction, now_ms).await?;
    for (job, attempts) in &expired {
        tracing::warn!(%job, attempts, "a worker fell silent; its lease is over");
        store::note(&mut transaction, *job, "the worker fell silent; its lease is over", now_ms).await?;
        store::end_lease(&mut transaction, (*job, None), &after_expiry(*attempts), now_ms).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Of these kinds: it does one job of each lane at a time.
async fn end_leases_of_local_worker(app: &App, kinds: &[Kind]) -> Result<(), MediaError> {
    let mut transaction = app.database.begin().await?;
    let held = store::lock_held_by(&mut transaction, LOCAL_WORKER, kinds).await?;
    for (job, attempts) in held {
        tracing::warn!(%job, attempts, "the node's own worker was started anew; its lease is over");
        store::note(&mut transaction, job, "the node's own worker was started anew", app.clock.now_ms()).await?;
        store::end_lease(&mut transaction, (job, None), &after_expiry(attempts), app.clock.now_ms()).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whose call this is. A token that was never given for this job is wrong; one of a lease that has ended says so.
pub async fn holder(app: &App, job: Uuid, token: &str) -> Result<Held, MediaError> {
    // The look-up is by hash, so how long it takes tells nothing about the token.
    let held = store::held(&app.database, job, &sha256(token.as_bytes())).await?;
    held.ok_or(MediaError::TokenWrong)
}

/// The answer to a call that ends a lease: one that came before, or at the same time and was first, is answered as then.
pub async fn once(
    app: &App,
    (job, token, epoch): (Uuid, &str, i64),
    did_end: impl Fn(&Held) -> bool,
    ended: Result<(), MediaError>,
) -> Result<(), MediaError> {
    // A result's files are forgotten once it is complete.
    let Err(error @ (MediaError::LeaseLost | MediaError::FileMissing(_))) = ended else { return ended };
    let held = holder(app, job, token).await?;
    if i64::from(held.epoch) == epoch && did_end(&held) { Ok(()) } else { Err(error) }
}

/// As `holder`, for calls that only the present lease may make.
pub async fn current_holder(app: &App, job: Uuid, token: &str) -> Result<Held, MediaError> {
    let held = holder(app, job, token).await?;
    if held.current { Ok(held) } else { Err(MediaError::LeaseLost) }
}

/// The longest pause between two looks for silent workers; a lease given in the meantime can't end before.
const LONGEST_NAP: Duration = Duration::from_millis(LEASE_MS.unsigned_abs());

/// Background task: ends leases when they run out, also when no worker asks for jobs.
pub async fn watch(app: App) {
    if let Err(error) = store::extend_leases(&app.database, app.clock.now_ms() + LEASE_MS).await {
        tracing::warn!(%error, "leases from before the start can't be extended");
    }
    loop {
        if let Err(error) = end_expired(&app).await {
            tracing::warn!(%error, "can't look for silent workers");
        }
        let nap = match store::next_expiry(&app.database).await {
            Ok(Some(at_ms)) => {
                let ms = u64::try_from(at_ms - app.clock.now_ms()).unwrap_or(0).max(100);
                Duration::from_millis(ms).min(LONGEST_NAP)
            }
            Ok(None) | Err(_) => LONGEST_NAP,
        };
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            () = tokio::time::sleep(nap) => {}
        }
    }
}
