//! PATCH `/api/v1/uploads/<id>`: more bytes.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pinreel_content::PartialBlob;
use tokio::sync::oneshot;

use super::own;
use crate::accounts::Session;
use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, ApiResult};
use crate::uploads::error::UploadError;
use crate::uploads::finish::finish;
use crate::uploads::model::{LIFE_MS, State as UploadState, Upload};
use crate::uploads::receive::{End, receive};
use crate::uploads::writers::Lease;
use crate::uploads::{store, tus};

pub async fn patch(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Response> {
    append(&app, &session.channel.to_string(), &id, request).await
}

pub async fn append(app: &App, channel: &str, id: &str, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    tus::check_version(&parts.headers).map_err(UploadError::from)?;
    tus::check_chunk_type(&parts.headers).map_err(UploadError::from)?;
    let claimed = tus::upload_offset(&parts.headers).map_err(UploadError::from)?;
    let body_bytes = tus::content_length(&parts.headers);
    own(app, channel, id).await?;
    let id = id.parse().map_err(|_| UploadError::Unknown)?;
    let lease = app.uploads.writers.acquire(id).await.map_err(|_| UploadError::Locked)?;
    // Whoever wrote before may have brought it to its end.
    let upload = store::find(&app.database, id).await.map_err(UploadError::from)?.ok_or(UploadError::Unknown)?;
    if body_bytes.is_some_and(|body_bytes| body_bytes > upload.size_bytes.saturating_sub(claimed)) {
        return Err(UploadError::TooLong { size_bytes: upload.size_bytes }.into());
    }
    if upload.state == UploadState::Stored {
        let actual = upload.size_bytes;
        let done = Taken { offset_bytes: actual, expires_ms: None };
        return if claimed == actual {
            Ok(done.respond())
        } else {
            Err(UploadError::Offset { claimed, actual }.into())
        };
    }
    Ok(take_in_background(app, upload, lease, body, claimed).await?.respond())
}

/// How far an upload is after bytes were taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub offset_bytes: u64,
    pub expires_ms: Option<UnixMs>,
}

impl Taken {
    pub fn describe(self, headers: &mut HeaderMap, with_offset: bool) {
        if with_offset {
            headers.insert(tus::UPLOAD_OFFSET, self.offset_bytes.into());
        }
        if let Some(expires_ms) = self.expires_ms {
            headers.insert(tus::UPLOAD_EXPIRES, tus::http_date(expires_ms));
        }
    }

    fn respond(self) -> Response {
        let mut headers = HeaderMap::new();
        self.describe(&mut headers, true);
        (StatusCode::NO_CONTENT, headers).into_response()
    }
}

/// Takes a body in a task of its own: when the client goes away, this request is dropped, but what came is still put
/// down, and nobody else may write before that.
pub async fn take_in_background(
    app: &App,
    upload: Upload,
    lease: Lease,
    body: Body,
    claimed: u64,
) -> Result<Taken, UploadError> {
    let (tell, told) = oneshot::channel();
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let taken = take(&task_app, &upload, &lease, body, claimed).await;
        drop(lease);
        task_app.uploads.changes.tell(upload.id);
        if let Err(Err(error)) = tell.send(taken) {
            tracing::debug!(%error, upload = %upload.id, "an upload's client went away");
        }
    });
    told.await.unwrap_or_else(|_| Err(UploadError::Inside("the task that takes an upload's bytes ended".to_owned())))
}

async fn take(app: &App, upload: &Upload, lease: &Lease, body: Body, claimed: u64) -> Result<Taken, UploadError> {
    let (content, id) = (app.store.clone(), upload.id.to_string());
    let partial = tokio::task::spawn_blocking(move || content.open_partial(&id)).await??;
    let partial = partial.ok_or(UploadError::Unknown)?;
    let actual = partial.offset();
    if claimed != actual {
        return Err(UploadError::Offset { claimed, actual });
    }
    let received = receive(partial, body, lease, app).await;
    let mut expires_ms = upload.expires_ms;
    if received.any {
        let later = app.clock.now_ms() + LIFE_MS;
        store::prolong(&app.database, upload.id, later).await?;
        expires_ms = Some(later);
    }
    // Nothing of it is wanted any more, were it complete.
    if matches!(received.end, End::GivenUp) {
        return Err(UploadError::Deleted);
    }
    let mut offset_bytes = actual;
    if let Some(partial) = received.partial {
        offset_bytes = partial.offset();
        if put_down(app, upload, partial).await? {
            expires_ms = None;
        }
    }
    match received.end {
        End::Body => Ok(Taken { offset_bytes, expires_ms }),
        End::Lost => Err(UploadError::BrokenOff),
        End::TakenOver => Err(UploadError::Locked),
        End::GivenUp => Err(UploadError::Deleted),
        End::Stopping => Err(UploadError::Stopping),
        End::TooLong => Err(UploadError::TooLong { size_bytes: upload.size_bytes }),
        End::Failed(error) => Err(error.into()),
        End::Panicked(cause) => Err(UploadError::Inside(cause)),
    }
}

/// Makes what came durable before it is acknowledged; true when that was all of it and the source is stored.
async fn put_down(app: &App, upload: &Upload, mut partial: PartialBlob) -> Result<bool, UploadError> {
    if partial.is_complete() {
        finish(app, upload, partial).await?;
        return Ok(true);
    }
    tokio::task::spawn_blocking(move || partial.sync()).await??;
    Ok(false)
}
