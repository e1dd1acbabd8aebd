//! The catalogue's calls.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pinreel_records::{Address, Name, RecordId};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::gateway;
use crate::http::{ApiPath, ApiQuery, ApiResult};
use crate::media::GrowingStream;

use super::error::Missing;
use super::model::{ChannelPage, Page, Publications, Resolved, Watch};
use super::{growing, resolve, watch};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(publications))
        .routes(routes!(channel))
        .routes(routes!(claim))
        .routes(routes!(growing))
        .routes(routes!(resolve_url))
        .route("/api/v1/claims/{claim}/growing/{*name}", get(growing_file))
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
struct GrowingQuery {
    /// How many steps the caller has already
    after: Option<u64>,
}

/// What can be watched of a claim whose source is still transcoded: signed by the node, and only added to.
#[utoipa::path(
    get,
    path = "/api/v1/claims/{claim}/growing",
    params(("claim" = String, Path), GrowingQuery),
    responses(
        (status = 200, body = GrowingStream),
        (status = 204, description = "nothing grows: it is complete, or can't be watched yet"),
        (status = 404, description = "not_found"),
        (status = 410, description = "erased"),
    )
)]
async fn growing(
    State(app): State<App>,
    ApiPath(claim): ApiPath<String>,
    ApiQuery(query): ApiQuery<GrowingQuery>,
) -> ApiResult<Response> {
    let found = growing::stream(&app, &claim, query.after.unwrap_or(0)).await.map_err(Missing::into_problem)?;
    let mut response =
        found.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |stream| Json(stream).into_response());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A segment of such a stream, by the name that it has in the root later.
async fn growing_file(
    State(app): State<App>,
    ApiPath((claim, name)): ApiPath<(String, String)>,
    RawQuery(raw_query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let (root, segments) = growing::file(&app, &claim, &name).await.map_err(Missing::into_problem)?;
    let ask = gateway::Ask {
        root,
        segments,
        trailing_slash: false,
        path: request.uri().path().to_owned(),
        query: gateway::Query::parse(raw_query.as_deref()),
        raw_query,
        is_head: request.method() == Method::HEAD,
        takes_files: false,
        headers: request.into_parts().0.headers,
        // Its claim is shown; the file itself becomes public with the root.
        audience: gateway::Audience::Owner,
    };
    Ok(gateway::answer(&app, ask).await)
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
