//! The operator's one call: try again what was given up.

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::accounts::Operator;
use crate::app::App;
use crate::http::{ApiError, ApiPath, ApiResult};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retry))
}

/// Tries to pin a root again
#[utoipa::path(
    post, path = "/api/v1/operator/pins/{id}/retry", tag = "operator", params(("id" = i64, Path)),
    responses((status = 204), (status = 403), (status = 404))
)]
pub async fn retry(State(app): State<App>, _operator: Operator, ApiPath(id): ApiPath<i64>) -> ApiResult<StatusCode> {
    let mut transaction = app.database.begin().await?;
    let found = store::retry(&mut transaction, id, app.clock.now_ms()).await?;
    transaction.commit().await?;
    if found {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("pin_unknown", format!("There is no pin number {id}; reload the list.")))
}
