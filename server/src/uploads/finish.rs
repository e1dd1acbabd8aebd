//! From the last byte to `stored`, and going on after a crash in between.
//!
//! The content store answers a second `finish` like the first, until the partial file is removed; that happens only
//! after the row's commit. So every step may be repeated, and whoever finds a complete upload that still says
//! `receiving` simply does them all.

use pinreel_content::{PartialBlob, Pin, Store, Stored};

use super::error::UploadError;
use super::model::{Upload, UploadId};
use super::{names, store};
use crate::app::App;
use crate::companions;
use crate::fault;
use crate::gateway::content_type::SNIFF_BYTES;
use crate::media;

/// Stores a complete upload: file into its place, row and job in one transaction, partial file away.
pub async fn finish(app: &App, upload: &Upload, partial: PartialBlob) -> Result<(), UploadError> {
    let (content, file_name) = (app.store.clone(), upload.file_name.clone());
    let pin = (format!("upload:{}", upload.id), app.clock.now_ms().unsigned_abs());
    let stored = tokio::task::spawn_blocking(move || {
        let stored = partial.finish()?;
        fault::point("upload.after-blob");
        // Before it is acknowledged: a node that is stopped a moment later may be tidied up by hand.
        keep(&content, &stored, pin)?;
        let media_type = sniff(&content, &stored, &file_name)?;
        Ok::<_, pinreel_content::Error>((stored, media_type))
    });
    let (stored, media_type) = match stored.await? {
        // For good: nothing of it is kept, and its room is free.
        Err(error @ pinreel_content::Error::Erased(_)) => {
            forget(app, upload.id).await?;
            return Err(error.into());
        }
        other => other?,
    };
    record(app, upload, &stored, &media_type).await?;
    fault::point("upload.after-row");
    forget_partial(app, upload.id).await
}

/// The row and the job, together or not at all. Somebody who was faster changes nothing.
async fn record(app: &App, upload: &Upload, stored: &Stored, media_type: &str) -> Result<(), UploadError> {
    let source = media::Source {
        cid: stored.cid.to_string(),
        bytes: stored.size_bytes,
        file_name: upload.file_name.clone(),
        media_type: media_type.to_owned(),
        channel: Some(upload.channel.clone()),
    };
    let mut transaction = app.database.begin().await?;
    if store::set_stored(&mut transaction, upload.id, (&source.cid, media_type)).await? {
        media::enqueue(&mut transaction, (&source, &app.preset), app.clock.now_ms()).await?;
        companions::film_arrived(&mut transaction, upload.id, (&source, &app.preset), app.clock.now_ms()).await?;
        transaction.commit().await?;
        tracing::info!(upload = %upload.id, source = %source.cid, bytes = source.bytes, "upload stored");
    }
    app.uploads.changes.tell(upload.id);
    Ok(())
}

/// As the retention would by and by.
fn keep(content: &Store, stored: &Stored, (owner, since_ms): (String, u64)) -> Result<(), pinreel_content::Error> {
    let reason = "an upload".to_owned();
    content.pin(&Pin { cid: stored.cid, owner, reason, since_ms, until_ms: None }).map(drop)
}

fn sniff(content: &Store, stored: &Stored, file_name: &str) -> Result<String, pinreel_content::Error> {
    let mut first = vec![0; SNIFF_BYTES];
    let length = match content.open_file(&stored.cid)? {
        Some(file) => file.read_at(&mut first, 0)?,
        None => return Err(pinreel_content::Error::BlockMissing(stored.cid)),
    };
    Ok(names::detect(file_name, &first[..length], stored.size_bytes))
}

/// Gives an upload up. The row goes first: what is left if we stop in between is a partial file, which the next start
/// removes.
pub async fn forget(app: &App, id: UploadId) -> Result<(), UploadError> {
    store::remove(&app.database, id).await?;
    forget_partial(app, id).await?;
    app.uploads.changes.tell(id);
    Ok(())
}

async fn forget_partial(app: &App, id: UploadId) -> Result<(), UploadError> {
    let content = app.store.clone();
    tokio::task::spawn_blocking(move || content.remove_partial(&id.to_string())).await??;
    Ok(())
}
