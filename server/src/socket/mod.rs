//! The operator's Unix socket: what the command line asks of a node that runs, with `--data DIR`.
//!
//! Whoever may open `DATA/run/node.sock` is the operator; there is no other check, so its folder and the socket itself
//! are this user's alone. It speaks HTTP: POST `/import` takes a CAR file. Owns no tables.

pub mod client;
mod import;
mod place;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;

use crate::app::App;

pub use place::Place;

pub fn routes() -> Router<App> {
    Router::new().route("/import", post(import::import).layer(DefaultBodyLimit::disable()))
}

/// Opens the socket and serves it until the node stops. Without it the node still serves; the command line says so.
pub fn start(app: &App) {
    let place = Place::of(app.data.root());
    let listener = match place.bind() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the operator's socket can't be opened; `pinreel import` needs the node stopped");
            return;
        }
    };
    let (router, stop) = (routes().with_state(app.clone()), app.tasks.stop.clone());
    app.tasks.spawn(async move {
        let outcome = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = outcome {
            tracing::error!(%error, "the operator's socket closed");
        }
        place.remove();
    });
}
