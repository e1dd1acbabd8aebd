//! The layers around the router, from the outside in: request id, trace, measure, headers, panics, limits,
//! origins.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;
use utoipa_axum::router::OpenApiRouter;

use super::{ApiError, guard, limits};
use crate::app::App;
use crate::metrics;

/// The longest JSON body: a record's 65 KiB in base64, with room.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// For calls that take a small body and answer at once; streaming features set limits of their own.
pub fn ordinary(router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    router.layer(from_fn(guard::call_timeout)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).layer(compressed())
}

/// Compresses text as it is answered; what is built is compressed beforehand, and media is already.
pub fn compressed() -> CompressionLayer {
    CompressionLayer::new().quality(CompressionLevel::Fastest)
}

/// Around everything.
pub fn everywhere(router: Router, app: &App) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(Numbers::default()))
            .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(failed))
            .layer(from_fn_with_state(app.metrics.clone(), metrics::measure))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(from_fn(guard::headers))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(app.clone(), admit)),
    )
}

/// Lets in what is within its limits and comes from where it may.
async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Some(refused) = limits::refused(&app, &request) {
        return refused;
    }
    match guard::check_origin(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Numbers the requests of one run: drawing lots for each would cost a call of the system.
#[derive(Clone, Default)]
struct Numbers {
    last: Arc<AtomicU64>,
    run: RunId,
}

/// Tells this run's requests from those of others in a log.
#[derive(Clone, Copy)]
struct RunId(u32);

impl Default for RunId {
    fn default() -> Self {
        let mut random = [0; 4];
        // Without randomness the numbers are still good for one run's log.
        let _ = getrandom::fill(&mut random);
        Self(u32::from_be_bytes(random))
    }
}

impl MakeRequestId for Numbers {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!("{:08x}-{number:x}", self.run.0);
        Some(RequestId::new(text.parse().ok()?))
    }
}

/// The query is left out: it may hold a one-time token.
fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// A full disk is told to whoever sends, who must wait, and strangers may ask for what this program doesn't do: neither
/// is a fault of it.
fn failed(class: ServerErrorsFailureClass, latency: Duration, _: &Span) {
    match class {
        ServerErrorsFailureClass::StatusCode(StatusCode::INSUFFICIENT_STORAGE) => {
            tracing::info!("an upload was refused for want of room");
        }
        ServerErrorsFailureClass::StatusCode(StatusCode::NOT_IMPLEMENTED) => {
            tracing::info!("something was asked for that isn't done here");
        }
        class => tracing::error!(classification = %class, ?latency, "response failed"),
    }
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    ApiError::internal(format!("panic: {}", text.unwrap_or("without a message"))).into_response()
}
