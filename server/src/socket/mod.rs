//! The operator's Unix socket: what the command line asks of a node that runs, with `--data DIR`.
//!
//! Whoever may open `DATA/run/node.sock` is the operator; there is no other check, so its folder and the socket itself
//! are this user's alone. It speaks HTTP:
//!
//! | request | what it does |
//! |---|---|
//! | POST `/store` | an operation on the store; its events are streamed, a line of JSON each |
//! | POST `/media` | an operation on jobs and workers |
//! | POST `/import?name=&bytes=` | takes a CAR file, if there is room for so many bytes |
//! | GET `/export/{cid}` | gives a CAR file, or half of one and a trailer that says why |
//! | POST `/blocks/{cid}` | takes the right bytes of a damaged block |
//!
//! A node that is stopping refuses new requests and breaks off those that only look. Owns no tables.

pub mod client;
mod http;
mod import;
pub mod operation;
mod place;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use pinreel_content::limits::BLOCK_BYTES;

use crate::app::App;
use crate::http::{ApiError, ApiResult};

pub use http::CUT_OFF;
pub use place::Place;

const STOPPING: &str = "The node is stopping; ask again once it has stopped or is back.";

pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/import", post(import::import).layer(DefaultBodyLimit::disable()))
        .route("/export/{cid}", get(http::export))
        .route("/store", post(http::operate))
        .route("/media", post(http::media))
        .route("/blocks/{cid}", post(http::restore).layer(DefaultBodyLimit::max(BLOCK_BYTES)))
        .layer(middleware::from_fn_with_state(app.clone(), refuse_when_stopping))
}

async fn refuse_when_stopping(State(app): State<App>, request: Request, next: Next) -> ApiResult<Response> {
    if app.tasks.stop.is_cancelled() { Err(stopping()) } else { Ok(next.run(request).await) }
}

fn stopping() -> ApiError {
    ApiError::unavailable("node_stopping", STOPPING)
}

fn now_ms(app: &App) -> u64 {
    u64::try_from(app.clock.now_ms()).unwrap_or_default()
}

/// Opens the socket and serves it until the node stops. Without it the node still serves; the command line says so.
pub fn start(app: &App) {
    let place = Place::of(app.data.root());
    let listener = match place.bind() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the operator's socket can't be opened; commands with --data need the node stopped");
            return;
        }
    };
    let (router, stop) = (routes(app).with_state(app.clone()), app.tasks.stop.clone());
    app.tasks.spawn(async move {
        let outcome = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = outcome {
            tracing::error!(%error, "the operator's socket closed");
        }
        place.remove();
    });
}
