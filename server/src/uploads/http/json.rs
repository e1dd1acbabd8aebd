//! What the upload page asks besides tus.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::own;
use crate::accounts::Session;
use crate::app::App;
use crate::http::ApiResult;
use crate::media;
use crate::uploads::error::UploadError;
use crate::uploads::store;
use crate::uploads::view::{UploadView, view};

#[derive(Serialize, ToSchema)]
pub struct UploadList {
    /// Newest first.
    pub items: Vec<UploadView>,
}

/// Lists the session's channel's own uploads
#[utoipa::path(get, path = "/api/v1/uploads", tag = "uploads", responses((status = 200, body = UploadList)))]
pub async fn list(State(app): State<App>, session: Session) -> ApiResult<Json<UploadList>> {
    let uploads = store::of_channel(&app.database, &session.channel.to_string()).await?;
    let mut items = Vec::with_capacity(uploads.len());
    for upload in uploads {
        items.push(view(&app, upload).await?);
    }
    Ok(Json(UploadList { items }))
}

/// Shows an upload
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, body = UploadView), (status = 404), (status = 410))
)]
pub async fn one(State(app): State<App>, session: Session, Path(id): Path<String>) -> ApiResult<Json<UploadView>> {
    let upload = own(&app, &session.channel.to_string(), &id).await?;
    Ok(Json(view(&app, upload).await?))
}

/// Queues a failed transcoding again
#[utoipa::path(
    post, path = "/api/v1/uploads/{id}/retry", tag = "uploads", params(("id" = String, Path)),
    responses((status = 204), (status = 409))
)]
pub async fn retry(State(app): State<App>, session: Session, Path(id): Path<String>) -> ApiResult<StatusCode> {
    let upload = own(&app, &session.channel.to_string(), &id).await?;
    let source = upload.source.ok_or(UploadError::NotStored)?;
    let mut transaction = app.database.begin().await?;
    let queued = media::retry(&mut transaction, &source, app.clock.now_ms()).await?;
    transaction.commit().await?;
    if queued { Ok(StatusCode::NO_CONTENT) } else { Err(UploadError::NothingToRetry.into()) }
}
