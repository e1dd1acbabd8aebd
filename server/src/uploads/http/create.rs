//! POST `/api/v1/uploads`: creation, with or without the first bytes.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::patch::{Taken, take_in_background};
use crate::accounts::Session;
use crate::app::App;
use crate::http::ApiResult;
use crate::uploads::create;
use crate::uploads::error::UploadError;
use crate::uploads::model::Upload;
use crate::uploads::tus::{self, TusError};
use crate::uploads::writers::Lease;

pub async fn create(State(app): State<App>, session: Session, request: Request) -> ApiResult<Response> {
    Ok(create_upload(&app, &session, request).await?)
}

async fn create_upload(app: &App, session: &Session, request: Request) -> Result<Response, UploadError> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    tus::check_version(headers)?;
    let size_bytes = tus::upload_length(headers)?;
    let metadata = tus::metadata(headers)?;
    let is_with_bytes = tus::is_chunk(headers);
    let body_bytes = tus::content_length(headers).unwrap_or_default();
    if body_bytes > 0 && !is_with_bytes {
        return Err(TusError::ContentType.into());
    }
    if body_bytes > size_bytes {
        return Err(UploadError::TooLong { size_bytes });
    }
    let (upload, lease) = create::create(app, session, size_bytes, &metadata).await?;
    let first = first_bytes(app, &upload, lease, is_with_bytes.then_some(body)).await;
    let mut answer = HeaderMap::new();
    let location = format!("/api/v1/uploads/{}", upload.id);
    answer.insert(
        header::LOCATION,
        HeaderValue::from_str(&location).map_err(|error| UploadError::Inside(error.to_string()))?,
    );
    match first {
        Ok(taken) => taken.describe(&mut answer, is_with_bytes),
        // The upload is there and can go on; HEAD tells from where.
        Err(error) if is_with_bytes => tracing::info!(%error, upload = %upload.id, "first bytes weren't all taken"),
        Err(error) => return Err(error),
    }
    Ok((StatusCode::CREATED, answer).into_response())
}

/// Takes the bytes that came along. An empty file is complete without any.
async fn first_bytes(app: &App, upload: &Upload, lease: Lease, body: Option<Body>) -> Result<Taken, UploadError> {
    if body.is_none() && upload.size_bytes > 0 {
        return Ok(Taken { offset_bytes: 0, expires_ms: upload.expires_ms });
    }
    take_in_background(app, upload.clone(), lease, body.unwrap_or_else(Body::empty), 0).await
}
