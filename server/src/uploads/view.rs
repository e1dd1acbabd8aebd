//! An upload as its owner is shown it, with what became of it in the features after this one.

use pinreel_content::parse_cid;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::UploadError;
use super::model::{State, Upload, UploadId};
use crate::app::App;
use crate::catalogue;
use crate::clock::UnixMs;
use crate::companions::{self, CompanionView};
use crate::media::{self, Job, Preview};

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct UploadView {
    pub id: UploadId,
    pub file_name: String,
    /// A guess from the name while receiving; from the bytes once stored.
    pub media_type: String,
    pub size_bytes: u64,
    /// How many bytes are on the disk.
    pub offset_bytes: u64,
    pub state: State,
    pub created_ms: UnixMs,
    /// When an unfinished upload is given up.
    pub expires_ms: Option<UnixMs>,
    /// The source's CID, once stored.
    pub source: Option<String>,
    /// Whether a part of the stored file was lost or damaged on the node's disk since: sending it again mends it
    pub damaged: bool,
    pub job: Option<Job>,
    /// The playback root, once transcoded; with what lies beside the film, once that is made.
    pub root: Option<String>,
    /// Pictures of a file that is neither film nor sound; null where none are made of it
    pub preview: Option<Preview>,
    /// Captions and a poster of the creator's own
    pub companions: Vec<CompanionView>,
    /// Whether one of them is still to be made, or to be put into the root: it is not yet the one to publish
    pub unfinished: bool,
    /// The claim by which this channel published the source.
    pub claim: Option<String>,
}

/// Looks up all that an answer shows.
pub async fn view(app: &App, upload: Upload) -> Result<UploadView, UploadError> {
    let offset_bytes = offset(app, &upload).await?;
    let (job, claim, root, preview) = match &upload.source {
        Some(source) => (
            media::job_for(&app.database, source).await?,
            catalogue::claim_of_source(&app.database, &upload.channel, source).await?,
            media::root_of(&app.database, &upload.channel, source).await?,
            media::preview_of(&app.database, source).await?,
        ),
        None => (None, None, None, None),
    };
    let companions = companions::of_upload(&app.database, upload.id).await?;
    let unfinished = match &upload.source {
        Some(source) => companions::are_awaited(&app.database, &upload.channel, source).await?,
        None => !companions.is_empty(),
    };
    Ok(UploadView {
        id: upload.id,
        file_name: upload.file_name,
        media_type: upload.media_type,
        size_bytes: upload.size_bytes,
        offset_bytes,
        state: upload.state,
        created_ms: upload.created_ms,
        expires_ms: upload.expires_ms,
        damaged: is_damaged(app, upload.source.as_deref()).await?,
        source: upload.source,
        root: root.filter(|_| job.as_ref().is_some_and(|job| job.root.is_some())),
        preview,
        companions,
        unfinished,
        job,
        claim,
    })
}

async fn is_damaged(app: &App, source: Option<&str>) -> Result<bool, UploadError> {
    let Some(source) = source.and_then(parse_cid) else { return Ok(false) };
    let content = app.store.clone();
    // What was erased is gone on purpose, and wouldn't be taken again.
    let look = move || Ok::<_, pinreel_content::Error>(!content.is_erased(&source)? && !content.is_whole(&source)?);
    Ok(tokio::task::spawn_blocking(look).await??)
}

/// How many bytes of an upload are on the disk.
pub async fn offset(app: &App, upload: &Upload) -> Result<u64, UploadError> {
    if upload.state == State::Stored {
        return Ok(upload.size_bytes);
    }
    let (content, id) = (app.store.clone(), upload.id.to_string());
    let arrived = tokio::task::spawn_blocking(move || content.partial_arrived_bytes(&id)).await??;
    // The file is in its place already, and only the row doesn't say so yet.
    Ok(arrived.unwrap_or(upload.size_bytes).min(upload.size_bytes))
}
