//! What all features share at the edge: problem+json errors, extractors, limits, and what guards the site.

pub mod error;
mod extract;
pub mod guard;
pub mod html;
mod layers;
#[cfg(test)]
mod tests;

pub use error::{ApiError, ApiResult};
pub use extract::{ApiJson, ApiPath, ApiQuery};
pub use layers::{compressed, everywhere, ordinary};
