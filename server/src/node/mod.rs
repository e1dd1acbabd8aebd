//! What this node is and how it does, gathered from all features: for anyone who connects, and for its operator.
//! Nothing depends on it but pages; it owns no table.

mod status;
#[cfg(test)]
mod tests;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use view::{NodeView, view};

use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(view::show)).routes(routes!(status::show))
}
