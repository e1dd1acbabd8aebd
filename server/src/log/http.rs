//! Reading the log: what mirrors and verifiers need to check everything themselves.

use axum::Json;
use axum::extract::State;
use pinreel_records::{RecordId, base64url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::clock::UnixMs;
use crate::http::{ApiError, ApiPath, ApiQuery, ApiResult};

use super::model;
use super::store;

/// Entries in one answer.
const MAX_ENTRIES: i64 = 500;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(range)).routes(routes!(entry))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct RangeQuery {
    /// The first index wanted
    #[serde(default)]
    from: i64,
    /// At most so many entries, up to 500
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LogRange {
    /// Entries in the whole log
    size: i64,
    /// In order and without gaps; fewer than asked for when their bytes would be too many for one answer
    entries: Vec<LogEntry>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LogEntry {
    pub index: i64,
    pub received_ms: UnixMs,
    /// base64url
    pub header: String,
    /// base64url; null when it was erased
    pub body: Option<String>,
    pub state: BodyState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyState {
    Present,
    /// A tombstone later in the log says so
    Erased,
}

impl From<model::Entry> for LogEntry {
    fn from(entry: model::Entry) -> Self {
        let body = entry.body().map(base64url::encode);
        Self {
            index: entry.index,
            received_ms: entry.received_ms,
            header: base64url::encode(&entry.header),
            state: if body.is_some() { BodyState::Present } else { BodyState::Erased },
            body,
        }
    }
}

/// Entries of the log, from an index on.
#[utoipa::path(get, path = "/api/v1/log", params(RangeQuery), responses((status = 200, body = LogRange)))]
async fn range(State(app): State<App>, ApiQuery(query): ApiQuery<RangeQuery>) -> ApiResult<Json<LogRange>> {
    let limit = query.limit.unwrap_or(MAX_ENTRIES).clamp(0, MAX_ENTRIES);
    // The size first: then the answer never claims less than it shows room for.
    let size = store::size(&app.database).await?;
    let entries = store::range(&app.database, query.from.clamp(0, size), limit).await?;
    let size = entries.last().map_or(size, |last| size.max(last.index + 1));
    Ok(Json(LogRange { size, entries: entries.into_iter().map(Into::into).collect() }))
}

/// One entry by its record's id.
#[utoipa::path(
    get, path = "/api/v1/log/{record}", params(("record" = String, Path)),
    responses((status = 200, body = LogEntry), (status = 404))
)]
async fn entry(State(app): State<App>, ApiPath(record): ApiPath<String>) -> ApiResult<Json<LogEntry>> {
    let unknown = || ApiError::not_found("not_found", format!("This node's log holds no record {record}."));
    let id: RecordId = record.parse().map_err(|_| unknown())?;
    let mut connection = app.database.acquire().await?;
    let entry = store::find(&mut connection, &id.to_string()).await?.ok_or_else(unknown)?;
    Ok(Json(entry.into()))
}
