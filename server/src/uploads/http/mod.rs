//! The addresses under `/api/v1/uploads`: tus's own, and JSON about uploads.

mod create;
mod events;
mod files;
mod json;
mod patch;
mod protocol;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, head, options};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::UploadError;
use super::model::{Upload, UploadId};
use super::{store, tus};
use crate::app::App;
use crate::http::ordinary;

/// tus's own calls follow its specification and stand in no document of ours; nor do the files, which the player and
/// `<video>` fetch.
pub fn routes() -> OpenApiRouter<App> {
    let json = OpenApiRouter::new().routes(routes!(json::list)).routes(routes!(json::one)).routes(routes!(json::retry));
    let tus = Router::new()
        .route("/api/v1/uploads", options(protocol::options).post(create::create))
        .route(
            "/api/v1/uploads/{id}",
            head(protocol::head)
                .patch(patch::patch)
                .delete(protocol::delete)
                .post(protocol::overridden)
                .options(protocol::options),
        )
        .layer(middleware::from_fn(decorate));
    let files = Router::new()
        .route("/api/v1/uploads/{id}/source", get(files::source))
        .route("/api/v1/uploads/{id}/preview", get(files::preview))
        .route("/api/v1/uploads/{id}/preview/{*path}", get(files::preview));
    OpenApiRouter::from(tus.merge(files)).merge(ordinary(json)).routes(routes!(events::events))
}

/// What tus wants on every answer, whoever made it.
async fn decorate(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(tus::TUS_RESUMABLE, HeaderValue::from_static(tus::VERSION));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, tus::EXPOSED);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The caller's own upload. Somebody else's is as unknown as none.
pub async fn own(app: &App, channel: &str, id: &str) -> Result<Upload, UploadError> {
    let id: UploadId = id.parse().map_err(|_| UploadError::Unknown)?;
    let upload = store::find(&app.database, id).await?.filter(|upload| upload.channel == channel);
    let upload = upload.ok_or(UploadError::Unknown)?;
    if upload.is_expired(app.clock.now_ms()) { Err(UploadError::Expired) } else { Ok(upload) }
}
