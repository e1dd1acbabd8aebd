//! A worker gives its job back: because it can't be done, or because the worker ends.

use pinreel_runner::Fail;
use pinreel_runner::text::plain;

use crate::app::App;

use super::error::MediaError;
use super::model::{AfterLease, LeaseEnd, MAX_ATTEMPTS, after_failure};
use super::operate;
use super::store::{self, Held};
use super::workers::LIVE_MS;

/// Ends the lease with a failure: the job is tried again, goes to a worker that has the codec, or is given up.
pub async fn fail(app: &App, held: &Held, told: &Fail, log: &[(i32, String)]) -> Result<(), MediaError> {
    let (job, key, now_ms) = (held.job, (held.job, held.epoch), app.clock.now_ms());
    let mut transaction = app.database.begin().await?;
    let mut then = after_failure(held.attempts, told.retryable, &told.code, &told.reason);
    if held.attempts < MAX_ATTEMPTS
        && let Some(codec) = told.needs_codec.as_deref().map(|codec| plain(codec, 40))
        && store::workers::is_decoded_elsewhere(&mut transaction, &held.worker, &codec, now_ms - LIVE_MS).await?
    {
        then = AfterLease::Elsewhere { codec };
    }
    if !store::end_lease(&mut transaction, (job, Some(held.epoch)), &then, now_ms).await? {
        return Err(MediaError::LeaseLost);
    }
    let end = if told.is_of_worker() { LeaseEnd::Faulted } else { LeaseEnd::Failed };
    store::note_end(&mut transaction, key, end, now_ms).await?;
    store::keep_lines(&mut transaction, key, log, now_ms).await?;
    let (code, reason) = (plain(&told.code, 40), plain(&told.reason, 300));
    let line = format!("failed ({code}): {}; {}", reason.trim_end_matches('.'), operate::in_words(&then));
    store::note(&mut transaction, job, &line, now_ms).await?;
    transaction.commit().await?;
    tracing::warn!(%job, code, reason, retryable = told.retryable, "transcoding failed");
    Ok(())
}

/// Ends the lease, which counts as no try.
pub async fn release(app: &App, held: &Held) -> Result<(), MediaError> {
    let (mut transaction, now_ms) = (app.database.begin().await?, app.clock.now_ms());
    if !store::end_lease(&mut transaction, (held.job, Some(held.epoch)), &AfterLease::Back, now_ms).await? {
        return Err(MediaError::LeaseLost);
    }
    store::note_end(&mut transaction, (held.job, held.epoch), LeaseEnd::Released, now_ms).await?;
    store::note(&mut transaction, held.job, "its worker was told to end and gave it back", now_ms).await?;
    Ok(transaction.commit().await?)
}
