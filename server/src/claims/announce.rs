//! Showing what the log has taken: first the bytes become public in the content store, then the version is shown.
//!
//! The log's transaction leaves a row for each version; whoever has appended it works it off before answering, and this
//! task works off what a crash or a failing disk has left. Doing it twice changes nothing.

use std::time::Duration;

use pinreel_content::Cid;
use pinreel_records::{Body, RecordId, Signed, Stream};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::{log, media, pinning};

use super::error::ClaimsError;
use super::store::outbox;
use super::{markdown, streams};

/// How soon a version is tried again whose bytes couldn't be made public.
const RETRY_EVERY: Duration = Duration::from_secs(30);

/// Background task.
pub(super) async fn run(app: App) {
    loop {
        if let Err(error) = announce_pending(&app).await {
            tracing::warn!(%error, "can't look for versions to show; trying again");
        }
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            () = tokio::time::sleep(RETRY_EVERY) => {}
        }
    }
}

/// Shows every version that waits, as far as possible.
pub async fn announce_pending(app: &App) -> Result<(), ClaimsError> {
    let mut from = 0;
    loop {
        let pending = outbox::pending(&app.database, from).await?;
        let Some(last) = pending.last() else { return Ok(()) };
        from = last + 1;
        for index in pending {
            if let Err(error) = announce(app, index).await {
                tracing::warn!(%error, index, "can't show this version yet; trying again");
            }
        }
    }
}

/// Shows the version at this place of the log, if it waits.
pub(super) async fn announce(app: &App, index: i64) -> Result<(), ClaimsError> {
    let mut connection = app.database.acquire().await?;
    if !outbox::is_pending(&mut connection, index).await? {
        return Ok(());
    }
    let entry = log::store::at(&mut connection, index).await?;
    drop(connection);
    let Some(entry) = entry else { return Ok(()) };
    let stream = match entry.body() {
        Some(body) => Some(read(&entry.header, body)?),
        None => None,
    };
    if let Some((_, stream)) = &stream {
        publish_bytes(app, stream).await?;
    }
    let mut transaction = app.database.begin().await?;
    if !outbox::take(&mut transaction, index).await? {
        return Ok(());
    }
    // An erased one is only taken off the list: nothing of it is to be shown.
    if let Some((version, stream)) = &stream
        && let Some(claim) = outbox::lock_claim(&mut transaction, &version.to_string()).await?
    {
        let description = markdown::render(stream.description.as_deref().unwrap_or_default());
        outbox::show(&mut transaction, &claim, *version, stream, &description).await?;
        let source = stream.source.cid.to_string();
        let channel = outbox::channel_of(&mut transaction, &claim).await?;
        media::source_published(&mut transaction, &source, &channel).await?;
        let name = stream.source.file_name.as_deref().unwrap_or(&stream.title);
        pinning::want(&mut transaction, (&source, pinning::Role::Source), name, app.clock.now_ms()).await?;
    }
    transaction.commit().await?;
    Ok(())
}

pub(super) fn read(header: &[u8], body: &[u8]) -> Result<(RecordId, Box<Stream>), ClaimsError> {
    let signed = Signed { header_bytes: header.to_vec(), body_bytes: body.to_vec() };
    let record = signed.verify()?;
    match record.body {
        Body::Stream(stream) => Ok((record.id, stream)),
        _ => Err(ClaimsError::Corrupt(format!("{} waits to be shown, but is no stream", record.id))),
    }
}

async fn publish_bytes(app: &App, stream: &Stream) -> Result<(), ClaimsError> {
    let roots: Vec<Cid> = streams::files_of(stream).into_iter().chain(stream.root).collect();
    let store = app.store.clone();
    let publish = spawn_blocking(move || {
        for root in roots {
            let published = store.publish(&root)?;
            if !published.missing.is_empty() {
                tracing::error!(%root, missing = ?published.missing, "published bytes are not all held");
            }
        }
        Ok::<(), pinreel_content::Error>(())
    });
    let done = publish.await.map_err(|error| ClaimsError::Content(error.to_string()))?;
    done.map_err(|error| ClaimsError::Content(error.to_string()))
}
