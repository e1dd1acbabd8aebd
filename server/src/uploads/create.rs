//! Admitting a new upload: limits and room first, then the partial file, then the row.

use std::collections::HashSet;

use pinreel_content::Store;
use uuid::Uuid;

use super::error::UploadError;
use super::model::{LIFE_MS, MAX_RECEIVING, Room, State, Upload, UploadId, admit};
use super::tus::Metadata;
use super::writers::Lease;
use super::{names, store};
use crate::app::App;

/// Reserves the length and makes the upload. The lease lets the caller write the first bytes undisturbed.
pub async fn create(
    app: &App,
    channel: &str,
    size_bytes: u64,
    metadata: &Metadata,
) -> Result<(Upload, Lease), UploadError> {
    let id = UploadId(Uuid::now_v7());
    let file_name = names::clean_file_name(metadata.filename.as_deref().unwrap_or_default());
    let media_type = names::first_guess(&file_name, metadata.filetype.as_deref());
    let now_ms = app.clock.now_ms();
    let upload = Upload {
        id,
        channel: channel.to_owned(),
        file_name,
        media_type,
        size_bytes,
        state: State::Receiving,
        source: None,
        created_ms: now_ms,
        expires_ms: Some(now_ms + LIFE_MS),
    };
    let lease = app.uploads.writers.acquire_if_free(id).ok_or(UploadError::Locked)?;
    let _admission = app.uploads.admission.lock().await;
    let (own, _) = store::promised(&app.database, channel).await?;
    if own >= MAX_RECEIVING {
        return Err(UploadError::TooMany(own));
    }
    admit(size_bytes, app.config.max_upload_bytes, room(app).await?).map_err(UploadError::Refused)?;
    let content = app.store.clone();
    tokio::task::spawn_blocking(move || content.create_partial(&id.to_string(), size_bytes).map(drop)).await??;
    store::insert(&app.database, &upload).await?;
    Ok((upload, lease))
}

/// The room on the disk, and how much of it is promised to uploads that haven't sent it yet.
pub async fn room(app: &App) -> Result<Room, UploadError> {
    let receiving = store::receiving(&app.database).await?;
    let content = app.store.clone();
    let measured = tokio::task::spawn_blocking(move || {
        let promised: u64 = receiving.iter().map(|upload| upload.size_bytes).fold(0, u64::saturating_add);
        let ids: HashSet<String> = receiving.iter().map(|upload| upload.id.to_string()).collect();
        let arrived = arrived_bytes(&content, &ids)?;
        let room = Room { free_bytes: content.free_bytes()?, reserved_bytes: promised.saturating_sub(arrived) };
        Ok::<_, pinreel_content::Error>(room)
    });
    Ok(measured.await??)
}

fn arrived_bytes(content: &Store, ids: &HashSet<String>) -> Result<u64, pinreel_content::Error> {
    let partials = content.partials()?.into_iter().filter(|partial| ids.contains(&partial.id));
    Ok(partials.map(|partial| partial.arrived_bytes).sum())
}
