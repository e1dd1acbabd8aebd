//! The calls of accounts.

mod node;
mod operator;
mod session;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use node::{NodeView, view as node_view};

use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::challenge))
        .routes(routes!(session::open, session::show, session::close))
        .routes(routes!(operator::take))
        .routes(routes!(operator::status))
        .routes(routes!(operator::set_registration))
        .routes(routes!(operator::invite))
        .routes(routes!(node::show))
}
