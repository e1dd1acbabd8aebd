//! The task: pins brought up to date often, and at once when something is taken back; collections now and then.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::signals::{Signal, wait_for};

use super::reconcile::reconcile;

const RECONCILE_EVERY: Duration = Duration::from_secs(600);
const COLLECT_EVERY: Duration = Duration::from_secs(3600);

pub async fn run(app: App) {
    let mut signals = app.signals.subscribe();
    // Not at the start itself: a node that comes up has people to answer.
    let mut collect_at = Instant::now() + RECONCILE_EVERY;
    loop {
        match reconcile(&app).await {
            Ok(()) if Instant::now() >= collect_at => {
                collect(&app).await;
                collect_at = Instant::now() + COLLECT_EVERY;
            }
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "what is kept can't be brought up to date"),
        }
        let woken = timeout(RECONCILE_EVERY, wait_for(&mut signals, |signal| *signal == Signal::TakenBack));
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            _ = woken => {}
        }
    }
}

async fn collect(app: &App) {
    let (store, now_ms) = (app.store.clone(), app.clock.now_ms().unsigned_abs());
    let grace_ms = app.config.gc_grace_hours * 3_600_000;
    match spawn_blocking(move || store.collect(now_ms, grace_ms)).await {
        Ok(Ok(done)) if done.removed_blobs + done.removed_nodes > 0 => {
            tracing::info!(
                files = done.removed_blobs,
                bytes = done.removed_bytes,
                blocks = done.removed_nodes,
                "removed what nobody wants"
            );
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what nobody wants isn't removed yet"),
        Err(error) => tracing::error!(%error, "the collection died"),
    }
}
