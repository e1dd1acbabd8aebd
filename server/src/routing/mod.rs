//! Delegated Routing v1 (`/routing/v1`): who has a block. This node answers for itself alone: what it would give by
//! `/ipfs` it says it has, leaves of published files too; of everything else it knows no provider.
//!
//! What always holds: an answer tells nothing that the gateway wouldn't; peers' addresses are the public ones. Owns no
//! tables. Deliberately absent: taking records, IPNS, and asking other routers.

mod filter;
mod http;
mod record;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::routing::{any, get};

use crate::app::App;

pub fn routes() -> Router<App> {
    let providers = get(http::providers).options(http::preflight).fallback(http::not_supported);
    let peers = get(http::peers).options(http::preflight).fallback(http::not_supported);
    let others = any(http::not_supported).options(http::preflight);
    Router::new()
        .route("/routing/v1/providers/{cid}", providers)
        .route("/routing/v1/peers/{peer}", peers)
        .route("/routing/v1/providers", others.clone())
        .route("/routing/v1/peers", others.clone())
        .route("/routing/v1/ipns/{name}", others.clone())
        .route("/routing/v1/dht/closest/peers/{key}", others)
        .route("/routing/v1/{*rest}", any(http::unknown).options(http::preflight))
}
