//! The table of contents of everything this node answers. Features bring their own `routes()`.
//!
//! Calls of the API are annotated with `#[utoipa::path]` and collected in an `OpenApiRouter`, so that `pinreel openapi`
//! prints exactly what is served and the web app's client is generated from it.

use std::convert::Infallible;
use std::future::{Future, ready};

use axum::body::{Body, HttpBody};
use axum::handler::Handler;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::future::Either;
use tower::ServiceExt;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::accounts;
use crate::app::App;
use crate::catalogue;
use crate::claims;
use crate::companions;
use crate::gateway;
use crate::http::{ApiError, compressed, everywhere, ordinary};
use crate::log;
use crate::media;
use crate::metrics;
use crate::node;
use crate::pages;
use crate::pinning;
use crate::routing;
use crate::uploads;

#[derive(OpenApi)]
#[openapi(info(
    title = "Pinreel",
    description = "The API of a Pinreel node. Failures are RFC 9457 problem documents with a stable `code`."
))]
struct Document;

/// Every call that stands in the API's document.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        // Small bodies, answered at once.
        .merge(ordinary(
            OpenApiRouter::new()
                .merge(accounts::routes())
                .merge(catalogue::routes())
                .merge(claims::routes())
                .merge(log::routes())
                .merge(media::operator_routes())
                .merge(node::routes())
                .merge(pinning::routes()),
        ))
        // With limits of its own: bytes flow, and events last.
        .merge(uploads::routes())
        .merge(companions::routes())
}

/// Everything that this node answers: by the router, and before it, at once, what the gateway knows.
#[derive(Clone)]
pub struct Answers {
    app: App,
    router: Router,
}

impl Answers {
    pub fn of(app: App) -> Self {
        Self { router: router(app.clone()), app }
    }

    pub fn answer<B>(&self, request: Request<B>) -> impl Future<Output = Result<Response, Infallible>> + use<B>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match gateway::known(&self.app, &request) {
            Some(known) => Either::Left(ready(Ok(known))),
            None => Either::Right(self.router.clone().oneshot(request.map(Body::new))),
        }
    }
}

fn router(app: App) -> Router {
    let (api, _) = api().split_for_parts();
    let router = pages::add_files(api, &app.web)
        .route("/healthz", get(|| async { "ok" }))
        .merge(gateway::routes())
        .merge(media::routes())
        .merge(metrics::routes())
        .merge(routing::routes())
        .fallback(pages::fallback.layer(compressed()))
        .method_not_allowed_fallback(method_wrong)
        .with_state(app.clone());
    everywhere(router, &app)
}

/// The API's OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

async fn method_wrong() -> impl IntoResponse {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    // Without a word, caches may keep it.
    let uncached = [(axum::http::header::CACHE_CONTROL, "no-cache")];
    (uncached, ApiError::new(status, "method_not_allowed", "This address doesn't answer that method."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The web app's types are made from the committed document.
    #[test]
    fn the_committed_document_is_what_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/openapi.json");
        let committed = std::fs::read_to_string(path).unwrap();
        let served = openapi().to_pretty_json().unwrap();
        let differs = committed.lines().zip(served.lines()).position(|(committed, served)| committed != served);
        assert!(
            committed.trim_end() == served,
            "web/openapi.json isn't the API's document (from line {} on); run `bin/pinreel openapi > web/openapi.json` \
             and `npm run api` in web/.",
            differs.map_or(committed.lines().count().min(served.lines().count()), |line| line) + 1
        );
    }
}
