//! The calls of accounts.

mod operator;
mod session;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::challenge))
        .routes(routes!(session::open, session::show, session::close))
        .routes(routes!(operator::take))
        .routes(routes!(operator::set_registration))
        .routes(routes!(operator::invite))
}
