//! The rest of tus: OPTIONS, HEAD, DELETE, and the method in a header.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{own, patch};
use crate::accounts::Session;
use crate::app::App;
use crate::catalogue;
use crate::http::{ApiError, ApiResult};
use crate::uploads::error::UploadError;
use crate::uploads::finish::{finish, forget};
use crate::uploads::model::{State as UploadState, Upload};
use crate::uploads::{store, tus, view};

/// What this server can do; needs no version and no session.
pub async fn options(State(app): State<App>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(tus::TUS_VERSION, HeaderValue::from_static(tus::VERSION));
    headers.insert(tus::TUS_EXTENSION, HeaderValue::from_static(tus::EXTENSIONS));
    headers.insert(tus::TUS_MAX_SIZE, app.config.max_upload_bytes.into());
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// How far an upload is.
pub async fn head(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    tell_offset(&app, &session.channel.to_string(), &id, &headers).await
}

async fn tell_offset(app: &App, channel: &str, id: &str, headers: &HeaderMap) -> ApiResult<Response> {
    tus::check_version(headers).map_err(UploadError::from)?;
    let upload = settled(app, own(app, channel, id).await?).await?;
    let mut answer = HeaderMap::new();
    answer.insert(tus::UPLOAD_OFFSET, view::offset(app, &upload).await?.into());
    answer.insert(tus::UPLOAD_LENGTH, upload.size_bytes.into());
    answer.insert(tus::UPLOAD_METADATA, tus::write_metadata(&upload.file_name, &upload.media_type));
    if let Some(expires_ms) = upload.expires_ms {
        answer.insert(tus::UPLOAD_EXPIRES, tus::http_date(expires_ms));
    }
    Ok((StatusCode::OK, answer).into_response())
}

/// Waits a moment for a request that has just broken off, so that the offset stays what it is said to be; and stores an
/// upload whose last step a crash or a failure has kept from happening.
async fn settled(app: &App, upload: Upload) -> Result<Upload, UploadError> {
    if upload.state == UploadState::Stored {
        return Ok(upload);
    }
    let Ok(lease) = app.uploads.writers.acquire(upload.id).await else { return Ok(upload) };
    let upload = store::find(&app.database, upload.id).await?.ok_or(UploadError::Unknown)?;
    if upload.state == UploadState::Receiving && view::offset(app, &upload).await? == upload.size_bytes {
        let (content, id) = (app.store.clone(), upload.id.to_string());
        let partial = tokio::task::spawn_blocking(move || content.open_partial(&id)).await??;
        finish(app, &upload, partial.ok_or(UploadError::Unknown)?).await?;
    }
    drop(lease);
    store::find(&app.database, upload.id).await?.ok_or(UploadError::Unknown)
}

/// Gives an upload up, also while bytes for it arrive.
pub async fn delete(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    Ok(terminate(&app, &session.channel.to_string(), &id, &headers).await?)
}

async fn terminate(app: &App, channel: &str, id: &str, headers: &HeaderMap) -> Result<StatusCode, UploadError> {
    tus::check_version(headers)?;
    let upload = own(app, channel, id).await?;
    let _lease = app.uploads.writers.acquire_to_end(upload.id).await.map_err(|_| UploadError::Locked)?;
    // Whoever wrote may have brought it to its end meanwhile.
    let upload = store::find(&app.database, upload.id).await?.ok_or(UploadError::Unknown)?;
    if let Some(source) = &upload.source
        && catalogue::claim_of_source(&app.database, channel, source).await?.is_some()
    {
        return Err(UploadError::Published);
    }
    forget(app, upload.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// POST with `X-HTTP-Method-Override`, for clients whose surroundings know no other methods.
pub async fn overridden(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Response> {
    let channel = session.channel.to_string();
    let method = request.headers().get(tus::METHOD_OVERRIDE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match method.to_ascii_uppercase().as_str() {
        "PATCH" => patch::append(&app, &channel, &id, request).await,
        "HEAD" => tell_offset(&app, &channel, &id, request.headers()).await,
        "DELETE" => Ok(terminate(&app, &channel, &id, request.headers()).await?.into_response()),
        _ => Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "An upload takes PATCH, HEAD and DELETE, also by X-HTTP-Method-Override on a POST.",
        )),
    }
}
