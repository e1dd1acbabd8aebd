//! Admitting a new upload: limits and room first, then the partial file, then the row.

use std::collections::HashMap;

use uuid::Uuid;

use super::error::UploadError;
use super::model::{EMPTY_LIFE_MS, MAX_RECEIVING, Quota, Room, SPARE_BYTES, State, Upload, UploadId, admit};
use super::tus::Metadata;
use super::writers::Lease;
use super::{names, store};
use crate::accounts::Session;
use crate::app::App;

/// Reserves the length and makes the upload. The lease lets the caller write the first bytes undisturbed.
pub async fn create(
    app: &App,
    session: &Session,
    size_bytes: u64,
    metadata: &Metadata,
) -> Result<(Upload, Lease), UploadError> {
    let channel = session.channel.to_string();
    let id = UploadId(Uuid::now_v7());
    let file_name = names::clean_file_name(metadata.filename.as_deref().unwrap_or_default());
    let media_type = names::first_guess(&file_name, metadata.filetype.as_deref());
    let now_ms = app.clock.now_ms();
    let upload = Upload {
        id,
        channel: channel.clone(),
        file_name,
        media_type,
        size_bytes,
        state: State::Receiving,
        source: None,
        created_ms: now_ms,
        expires_ms: Some(now_ms + EMPTY_LIFE_MS),
    };
    let lease = app.uploads.writers.acquire_if_free(id).ok_or(UploadError::Locked)?;
    let _admission = app.uploads.admission.lock().await;
    let (room, own_uploads) = room(app, &channel).await?;
    if own_uploads >= MAX_RECEIVING {
        return Err(UploadError::TooMany(own_uploads));
    }
    let quota = quota(app, Some(session));
    admit(size_bytes, app.config.max_upload_bytes, room, quota).map_err(UploadError::Refused)?;
    let content = app.store.clone();
    tokio::task::spawn_blocking(move || content.create_partial(&id.to_string(), size_bytes).map(drop)).await??;
    store::insert(&app.database, &upload).await?;
    Ok((upload, lease))
}

/// How large an upload of this caller there is room for now: what creating one will be measured by.
pub async fn left_bytes(app: &App, session: Option<&Session>) -> Result<u64, UploadError> {
    let channel = session.map(|session| session.channel.to_string()).unwrap_or_default();
    Ok(room(app, &channel).await?.0.left_bytes(quota(app, session)))
}

fn quota(app: &App, session: Option<&Session>) -> Quota {
    match (session, app.config.max_unfinished_bytes) {
        (Some(session), _) if session.operator => Quota::None,
        (_, Some(bytes)) => Quota::Bytes(bytes),
        (_, None) => Quota::Share,
    }
}

/// What anything but an upload leaves free on the disk: the spare, and what uploads were promised and haven't sent yet.
pub async fn kept_free_bytes(app: &App) -> Result<u64, UploadError> {
    let (room, _) = room(app, "").await?;
    Ok(room.reserved_bytes.saturating_add(SPARE_BYTES))
}

/// The room on the disk, what is promised to uploads that haven't sent it yet, and how many of these a channel has.
pub async fn room(app: &App, channel: &str) -> Result<(Room, usize), UploadError> {
    let receiving = store::receiving(&app.database).await?;
    let own_uploads = receiving.iter().filter(|upload| upload.channel == channel).count();
    let (content, channel) = (app.store.clone(), channel.to_owned());
    let measured = tokio::task::spawn_blocking(move || {
        let arrived: HashMap<String, u64> =
            content.partials()?.into_iter().map(|partial| (partial.id, partial.arrived_bytes)).collect();
        let mut room = Room { free_bytes: content.free_bytes()?, ..Room::default() };
        for upload in receiving {
            // Without a partial file it is complete, and only the row doesn't say so yet.
            let arrived = arrived.get(&upload.id.to_string()).copied().unwrap_or(upload.size_bytes);
            let awaited = upload.size_bytes.saturating_sub(arrived);
            room.reserved_bytes = room.reserved_bytes.saturating_add(awaited);
            room.arrived_bytes = room.arrived_bytes.saturating_add(upload.size_bytes - awaited);
            if upload.channel == channel {
                room.own_reserved_bytes = room.own_reserved_bytes.saturating_add(awaited);
            }
        }
        Ok::<_, pinreel_content::Error>(room)
    });
    Ok((measured.await??, own_uploads))
}
