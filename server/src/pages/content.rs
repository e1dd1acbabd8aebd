//! The pages that show what is published.

use serde_json::Value;

use super::{Head, Page};
use crate::app::App;

/// The newest publications.
pub async fn home(app: &App) -> Page {
    let head = Head { canonical: Some(app.site.link("/")), ..Head::default() };
    Page { status: axum::http::StatusCode::OK, head, data: Value::Null }
}

/// A channel or a publication.
pub async fn at(_app: &App, _path: &str) -> Page {
    Page { status: axum::http::StatusCode::OK, head: Head::default(), data: Value::Null }
}
