//! What all features share at the edge: problem+json errors, extractors, paging, limits.

pub mod error;

pub use error::{ApiError, ApiResult};
