//! The table of contents of everything this node answers. Features bring their own `routes()`.

use axum::Router;
use axum::routing::get;

use crate::app::App;
use crate::gateway;

pub fn router(app: App) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).merge(gateway::routes()).with_state(app)
}
