//! The catalogue's calls.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use pinreel_records::{Address, Name, RecordId};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{ApiPath, ApiQuery, ApiResult};

use super::error::Missing;
use super::model::{ChannelPage, Page, Publications, Resolved, Watch};
use super::{resolve, watch};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(publications))
        .routes(routes!(channel))
        .routes(routes!(claim))
        .routes(routes!(resolve_url))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// `next` of the page before
    after: Option<String>,
    /// At most so many, up to 100
    limit: Option<i64>,
}

impl PageQuery {
    fn page(&self) -> Page {
        Page::new(self.after.as_deref(), self.limit)
    }
}

/// The newest publications.
#[utoipa::path(get, path = "/api/v1/publications", params(PageQuery), responses((status = 200, body = Publications)))]
async fn publications(State(app): State<App>, ApiQuery(query): ApiQuery<PageQuery>) -> ApiResult<Json<Publications>> {
    Ok(Json(watch::publications(&app, query.page()).await?))
}

/// A channel and its newest publications.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{handle}",
    params(("handle" = String, Path), PageQuery),
    responses((status = 200, body = ChannelPage), (status = 404, description = "channel_unknown"))
)]
async fn channel(
    State(app): State<App>,
    ApiPath(handle): ApiPath<String>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> ApiResult<Json<ChannelPage>> {
    let found = channel_page(&app, &handle, query.page()).await;
    found.map(Json).map_err(Missing::into_problem)
}

pub(super) async fn channel_page(app: &App, handle: &str, page: Page) -> Result<ChannelPage, Missing> {
    let unknown = || Missing::ChannelUnknown(format!("@{handle}"));
    let name = Name::parse(handle).map_err(|_| unknown())?;
    match resolve::address(app, &Address::channel(name, None)).await? {
        resolve::Target::Channel(id) => watch::channel(app, &id, page).await?.ok_or_else(unknown),
        resolve::Target::Claim(_) => Err(unknown()),
    }
}

/// Everything that a watch page shows and checks.
#[utoipa::path(
    get,
    path = "/api/v1/claims/{claim}",
    params(("claim" = String, Path)),
    responses((status = 200, body = Watch), (status = 404, description = "not_found"), (status = 410, description = "erased"))
)]
async fn claim(State(app): State<App>, ApiPath(claim): ApiPath<String>) -> ApiResult<Json<Watch>> {
    watch_claim(&app, &claim).await.map(Json).map_err(Missing::into_problem)
}

pub(super) async fn watch_claim(app: &App, claim: &str) -> Result<Watch, Missing> {
    let id: RecordId = claim.parse().map_err(|_| Missing::NotFound(format!("/c/{claim}")))?;
    match resolve::address(app, &Address::Claim(id)).await? {
        resolve::Target::Claim(claim) => watch::watch(app, &claim).await,
        resolve::Target::Channel(_) => Err(Missing::NotFound(format!("/c/{claim}"))),
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ResolveQuery {
    /// `@handle`, `@handle/slug`, `@handle/slug:prefix`, `/c/<claim id>`, or a page's URL
    url: String,
}

/// What an address means.
#[utoipa::path(
    get,
    path = "/api/v1/resolve",
    params(ResolveQuery),
    responses(
        (status = 200, body = Resolved),
        (status = 400, description = "address_malformed"),
        (status = 404, description = "not_found, channel_unknown"),
        (status = 409, description = "ambiguous"),
        (status = 410, description = "erased"),
    )
)]
async fn resolve_url(
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ResolveQuery>,
) -> ApiResult<Json<Resolved>> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let target = resolve::text(&app, &query.url, host).await.map_err(Missing::into_problem)?;
    watch::resolved(&app, &target).await.map(Json).map_err(Missing::into_problem)
}
