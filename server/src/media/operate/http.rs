//! `/api/v1/operator/jobs` and `/api/v1/operator/workers`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Filter, JobDetails, Jobs, USUAL_LIMIT};
use crate::accounts::Operator;
use crate::app::App;
use crate::http::{ApiJson, ApiPath, ApiQuery, ApiResult};
use crate::media::workers::{self, Invitation, Invite, Worker};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(jobs))
        .routes(routes!(job))
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(prioritise))
        .routes(routes!(list))
        .routes(routes!(invite))
        .routes(routes!(revoke))
        .routes(routes!(withdraw))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// All unless told
    #[serde(default)]
    #[param(inline)]
    state: Filter,
    /// `next` of the page before
    after: Option<String>,
    /// 50 unless told, at most 200
    limit: Option<i64>,
}

/// Lists jobs, newest first
#[utoipa::path(
    get, path = "/api/v1/operator/jobs", tag = "operator", params(Listing),
    responses((status = 200, body = Jobs), (status = 401), (status = 403))
)]
pub async fn jobs(
    State(app): State<App>,
    _operator: Operator,
    ApiQuery(asked): ApiQuery<Listing>,
) -> ApiResult<Json<Jobs>> {
    let limit = asked.limit.unwrap_or(USUAL_LIMIT);
    Ok(Json(super::list(&app, asked.state, asked.after.as_deref(), limit).await?))
}

/// Shows a job with its log
#[utoipa::path(
    get, path = "/api/v1/operator/jobs/{id}", tag = "operator", params(("id" = String, Path)),
    responses((status = 200, body = JobDetails), (status = 403), (status = 404))
)]
pub async fn job(
    State(app): State<App>,
    _operator: Operator,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<Json<JobDetails>> {
    Ok(Json(super::show(&app, &id).await?))
}

/// Tries a failed job again
#[utoipa::path(
    post, path = "/api/v1/operator/jobs/{id}/retry", tag = "operator", params(("id" = String, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409))
)]
pub async fn retry(State(app): State<App>, _operator: Operator, ApiPath(id): ApiPath<String>) -> ApiResult<StatusCode> {
    super::retry(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a job that waits or runs
#[utoipa::path(
    post, path = "/api/v1/operator/jobs/{id}/cancel", tag = "operator", params(("id" = String, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409))
)]
pub async fn cancel(
    State(app): State<App>,
    _operator: Operator,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<StatusCode> {
    super::cancel(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Urgency {
    /// -10 to 10; the highest goes first
    priority: i16,
}

/// Says how urgent a job is
#[utoipa::path(
    put, path = "/api/v1/operator/jobs/{id}/priority", tag = "operator", params(("id" = String, Path)),
    request_body = Urgency, responses((status = 204), (status = 403), (status = 404), (status = 422))
)]
pub async fn prioritise(
    State(app): State<App>,
    _operator: Operator,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Urgency>,
) -> ApiResult<StatusCode> {
    super::prioritise(&app, &id, body.priority).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the workers, those that asked last first
#[utoipa::path(
    get, path = "/api/v1/operator/workers", tag = "operator",
    responses((status = 200, body = [Worker]), (status = 401), (status = 403))
)]
pub async fn list(State(app): State<App>, _operator: Operator) -> ApiResult<Json<Vec<Worker>>> {
    Ok(Json(workers::list(&app).await?))
}

/// Makes a token that registers a worker
#[utoipa::path(
    post, path = "/api/v1/operator/workers/invitations", tag = "operator", request_body = Invite,
    responses((status = 201, body = Invitation), (status = 403), (status = 422))
)]
pub async fn invite(
    State(app): State<App>,
    _operator: Operator,
    ApiJson(body): ApiJson<Invite>,
) -> ApiResult<(StatusCode, Json<Invitation>)> {
    Ok((StatusCode::CREATED, Json(workers::invite(&app, body).await?)))
}

/// Takes a worker's key from it
#[utoipa::path(
    post, path = "/api/v1/operator/workers/{name}/revoke", tag = "operator", params(("name" = String, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409))
)]
pub async fn revoke(
    State(app): State<App>,
    _operator: Operator,
    ApiPath(name): ApiPath<String>,
) -> ApiResult<StatusCode> {
    workers::revoke(&app, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub struct Withdrawn {
    /// How many are no longer shown, and are to be made again
    renditions: u64,
}

/// Takes back all that a worker made, and has it made again
#[utoipa::path(
    post, path = "/api/v1/operator/workers/{name}/withdraw", tag = "operator", params(("name" = String, Path)),
    responses((status = 200, body = Withdrawn), (status = 403), (status = 404))
)]
pub async fn withdraw(
    State(app): State<App>,
    _operator: Operator,
    ApiPath(name): ApiPath<String>,
) -> ApiResult<Json<Withdrawn>> {
    Ok(Json(Withdrawn { renditions: workers::withdraw(&app, &name).await? }))
}
