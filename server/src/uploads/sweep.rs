//! What nobody asks for: expired uploads, and what a crash has left.

use std::time::Duration;

use super::error::UploadError;
use super::finish::{finish, forget};
use super::model::{State, Upload, UploadId};
use super::store;
use crate::app::App;

const EVERY: Duration = Duration::from_secs(300);

/// At start: finishes what a crash has interrupted and removes partial files that no row knows. Then removes expired
/// uploads now and then, until the node stops.
pub async fn run(app: App) {
    if let Err(error) = mend(&app).await {
        tracing::error!(%error, "uploads that a crash interrupted wait for the next start or request");
    }
    loop {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "expired uploads aren't removed yet");
        }
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Removes uploads whose time is over. Those that somebody writes right now are left alone.
pub async fn sweep(app: &App) -> Result<usize, UploadError> {
    let mut removed = 0;
    for id in store::expired(&app.database, app.clock.now_ms()).await? {
        if let Some(_lease) = app.uploads.writers.acquire_if_free(id) {
            forget(app, id).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Puts right what a crash has left. Rows and files are few: each row reserves room on the disk.
pub async fn mend(app: &App) -> Result<(), UploadError> {
    for upload in store::receiving(&app.database).await? {
        let Some(lease) = app.uploads.writers.acquire_if_free(upload.id) else { continue };
        if let Err(error) = mend_one(app, &upload).await {
            tracing::error!(%error, upload = %upload.id, "an upload can't be gone on with yet");
        }
        drop(lease);
    }
    let content = app.store.clone();
    for partial in tokio::task::spawn_blocking(move || content.partials()).await?? {
        let Ok(id) = partial.id.parse::<UploadId>() else { continue };
        // A creation holds the lease from before the file until after the row.
        let Some(_lease) = app.uploads.writers.acquire_if_free(id) else { continue };
        let is_wanted = store::find(&app.database, id).await?.is_some_and(|upload| upload.state == State::Receiving);
        if !is_wanted {
            let content = app.store.clone();
            tokio::task::spawn_blocking(move || content.remove_partial(&partial.id)).await??;
        }
    }
    Ok(())
}

async fn mend_one(app: &App, upload: &Upload) -> Result<(), UploadError> {
    let (content, id) = (app.store.clone(), upload.id.to_string());
    let partial = tokio::task::spawn_blocking(move || content.open_partial(&id)).await??;
    match partial {
        Some(partial) if partial.is_complete() => finish(app, upload, partial).await,
        Some(_) => Ok(()),
        None => {
            tracing::warn!(upload = %upload.id, "an upload's bytes are gone from the disk; it is given up");
            forget(app, upload.id).await
        }
    }
}
