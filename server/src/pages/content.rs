//! The pages that show what is published.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::{Head, Page};
use crate::app::App;
use crate::catalogue::{self, ChannelPage, Missing, Shown, Watch};
use crate::http::ApiError;

/// The newest publications.
pub async fn home(app: &App) -> Page {
    let head = Head { canonical: Some(app.site.link("/")), ..Head::default() };
    match catalogue::publications(app, catalogue::Page::default()).await {
        Ok(publications) => page(head, "home", "publications", &publications),
        Err(error) => Page::problem(&error.into()),
    }
}

/// A channel or a publication.
pub async fn at(app: &App, path: &str) -> Page {
    match catalogue::at(app, path).await {
        Ok(Shown::Channel(channel)) => page(channel_head(app, &channel), "channel", "channel", &channel),
        Ok(Shown::Watch(watch)) => page(watch_head(app, &watch), "watch", "claim", &watch),
        // People who mistype an address are told that nothing is there, not how addresses are made.
        Err(Missing::Malformed(_)) => {
            Page::problem(&ApiError::not_found("not_found", "There is nothing at this address."))
        }
        Err(missing) => Page::problem(&missing.into_problem()),
    }
}

fn channel_head(app: &App, channel: &ChannelPage) -> Head {
    Head {
        title: channel.name.clone(),
        description: channel.about.clone(),
        canonical: Some(channel.page.clone()),
        image: channel.items.iter().find_map(|card| absolute(app, card.poster.as_deref())),
        kind: Some("profile"),
        unlisted: false,
    }
}

fn watch_head(app: &App, watch: &Watch) -> Head {
    let description =
        if watch.excerpt.is_empty() { format!("By {}", watch.channel.channel.name) } else { watch.excerpt.clone() };
    Head {
        title: watch.title.clone(),
        description: Some(description),
        canonical: Some(watch.watch.clone()),
        image: absolute(app, watch.poster.as_deref()),
        kind: Some(if watch.source.media_type.starts_with("video/") { "video.other" } else { "article" }),
        unlisted: false,
    }
}

fn absolute(app: &App, path: Option<&str>) -> Option<String> {
    path.map(|path| app.site.link(path))
}

fn page(head: Head, kind: &str, name: &str, data: &impl Serialize) -> Page {
    match serde_json::to_value(data) {
        Ok(data) => {
            let mut object = json!({ "kind": kind });
            object[name] = data;
            Page { status: StatusCode::OK, head, data: object }
        }
        Err(error) => Page::problem(&ApiError::internal(error)),
    }
}
