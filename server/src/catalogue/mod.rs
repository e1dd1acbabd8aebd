//! The catalogue: what people find and are shown. Lists of publications, channels, watch pages, and what an address
//! means.
//!
//! What always holds: only what is announced is shown, so every source and root that is named can be fetched; every list
//! is paged by the log's order and bounded. Reads the tables of [`crate::claims`] and writes none. Deliberately absent:
//! search, trending and feeds.

mod error;
mod growing;
mod http;
mod links;
mod model;
mod resolve;
mod store;
#[cfg(test)]
mod tests;
mod watch;

use pinreel_records::Address;

use crate::app::App;

pub use error::Missing;
pub use http::routes;
pub use model::{Card, ChannelPage, Page, Publications, Resolved, Watch};
pub use store::claim_of_source;
pub use watch::publications;

/// What stands at a page's path.
#[derive(Debug)]
pub enum Shown {
    Channel(ChannelPage),
    Watch(Box<Watch>),
}

/// The channel or publication whose page has this path: `/@handle`, `/@handle/name` or `/c/<claim id>`.
pub async fn at(app: &App, path: &str) -> Result<Shown, Missing> {
    let address: Address = path.parse().map_err(|error| Missing::Malformed(format!("{error}")))?;
    match resolve::address(app, &address).await? {
        resolve::Target::Claim(claim) => Ok(Shown::Watch(Box::new(watch::watch(app, &claim).await?))),
        resolve::Target::Channel(channel) => {
            let page = watch::channel(app, &channel, Page::default()).await?;
            Ok(Shown::Channel(page.ok_or_else(|| Missing::ChannelUnknown(address.to_string()))?))
        }
    }
}
