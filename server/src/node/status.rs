//! `/api/v1/operator/status`: how the node is doing, for its operator.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::{self, Operator, Registration};
use crate::app::App;
use crate::http::{ApiError, ApiResult};
use crate::media::{self, JobCounts};
use crate::pinning::{self, PinStatus};
use crate::{claims, log};

#[derive(Serialize, ToSchema)]
pub struct Status {
    store: Stored,
    jobs: JobCounts,
    /// Whether there is a Kubo to pin at; without one, pins wait until the node is started with one
    pinning: bool,
    /// What isn't pinned first
    pins: Vec<PinStatus>,
    registration: Registration,
    channels: i64,
    records: i64,
}

/// The content store
#[derive(Serialize, ToSchema)]
struct Stored {
    blobs: u64,
    bytes: u64,
    free_bytes: u64,
}

/// Shows how the node is doing
#[utoipa::path(
    get, path = "/api/v1/operator/status", tag = "operator",
    responses((status = 200, body = Status), (status = 401), (status = 403))
)]
pub async fn show(State(app): State<App>, _operator: Operator) -> ApiResult<Json<Status>> {
    let mut connection = app.database.acquire().await?;
    let registration = accounts::mode(&app, &mut connection).await?;
    let channels = claims::count_channels(&mut connection).await?;
    drop(connection);
    Ok(Json(Status {
        store: stored(&app).await?,
        jobs: media::counts(&app).await?,
        pinning: pinning::is_enabled(&app),
        pins: pinning::recent(&app).await?,
        registration,
        channels,
        records: log::store::size(&app.database).await?,
    }))
}

async fn stored(app: &App) -> ApiResult<Stored> {
    let store = app.store.clone();
    let stats = tokio::task::spawn_blocking(move || store.stats()).await.map_err(ApiError::internal)?;
    let stats = stats.map_err(ApiError::internal)?;
    Ok(Stored { blobs: stats.blobs, bytes: stats.blob_bytes, free_bytes: stats.free_bytes })
}
