//! What all features share at the edge: problem+json errors, extractors, limits, and what guards the site.

pub mod error;
mod extract;
pub mod guard;
pub mod html;
mod layers;
mod limits;
mod secret;
#[cfg(test)]
mod tests;
mod visitor;

pub use error::{ApiError, ApiResult};
pub use extract::{ApiBytes, ApiJson, ApiPath, ApiQuery, bearer};
pub use layers::{compressed, everywhere, ordinary};
pub use limits::{Budget, Limits, Rates, is_within_limits};
pub use secret::Secret;
pub use visitor::{Network, Peer, Visitor, network, visitor};
