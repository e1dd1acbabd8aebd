//! The addresses and pages of what is published here.

use pinreel_records::{Address, Name};

use crate::app::App;

use super::store::Row;

/// A publication's address in full: `@handle@origin/slug`.
pub fn url(app: &App, row: &Row) -> String {
    format!("@{}@{}/{}", row.handle, app.identity.origin, row.slug)
}

/// A channel's: `@handle@origin`.
pub fn channel_url(app: &App, handle: &str) -> String {
    format!("@{handle}@{}", app.identity.origin)
}

/// The publication's page on this node.
pub fn page(app: &App, row: &Row) -> String {
    let names = Name::parse(&row.handle).and_then(|handle| Ok((handle, Name::parse(&row.slug)?)));
    // Both passed this very rule on their way into the log; the claim's own page is as good.
    let path =
        names.map_or_else(|_| format!("/c/{}", row.claim), |(handle, slug)| Address::claim(handle, None, slug).path());
    app.site.link(&path)
}

/// The channel's page on this node.
pub fn channel_page(app: &App, handle: &str) -> String {
    let path = Name::parse(handle).map(|handle| Address::channel(handle, None).path()).unwrap_or_default();
    app.site.link(&path)
}
