//! What an address means on this node.

use pinreel_records::{Address, ClaimPrefix, Kind, Located, Name, RecordId};
use pinreel_records::{Body, base64url};

use crate::app::App;
use crate::claims;
use crate::log;

use super::error::Missing;
use super::links;
use super::model::WireRecord;
use super::store::{self, Found};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Channel(String),
    Claim(String),
}

/// Resolves an address in any of its forms, also the URL of a page of this node. `host` is what the caller calls it.
pub async fn text(app: &App, text: &str, host: Option<&str>) -> Result<Target, Missing> {
    let located = Located::parse(text).map_err(|error| Missing::Malformed(error.to_string()))?;
    if let Some(node) = &located.node
        && !app.site.is_own_origin(node, host)
    {
        return Err(Missing::NotFound(format!("of {node}")));
    }
    address(app, &located.address).await
}

pub async fn address(app: &App, address: &Address) -> Result<Target, Missing> {
    let shown = || address.to_string();
    match address {
        Address::Claim(claim) => {
            let found = store::claim(&app.database, &claim.to_string()).await?;
            live(app, found.ok_or_else(|| Missing::NotFound(shown()))?).await
        }
        Address::Named { handle, origin, slug, prefix } => {
            let unknown =
                || Missing::ChannelUnknown(channel_part(handle, origin.as_ref().map(|origin| origin.as_str())));
            if origin.as_ref().is_some_and(|origin| *origin != app.identity.origin) {
                return Err(unknown());
            }
            let channel = store::channel_of_handle(&app.database, handle.as_str()).await?.ok_or_else(unknown)?;
            match (slug, prefix) {
                (None, None) => Ok(Target::Channel(channel)),
                (Some(slug), prefix) => {
                    let found = store::claim_at_slug(&app.database, &channel, slug.as_str()).await?;
                    let found = found.filter(|found| matches(found, prefix.as_ref()));
                    live(app, found.ok_or_else(|| Missing::NotFound(shown()))?).await
                }
                (None, Some(prefix)) => by_prefix(app, &channel, prefix, shown()).await,
            }
        }
    }
}

fn channel_part(handle: &Name, origin: Option<&str>) -> String {
    origin.map_or(format!("@{handle}"), |origin| format!("@{handle}@{origin}"))
}

fn matches(found: &Found, prefix: Option<&ClaimPrefix>) -> bool {
    let Some(prefix) = prefix else { return true };
    found.claim.parse::<RecordId>().is_ok_and(|claim| prefix.matches(&claim))
}

async fn by_prefix(app: &App, channel: &str, prefix: &ClaimPrefix, shown: String) -> Result<Target, Missing> {
    let mut found = store::claims_with_prefix(&app.database, channel, prefix.as_str()).await?;
    // The erased stand last: they count only where nothing else matches.
    if found.iter().any(|found| found.tombstone.is_none()) {
        found.retain(|found| found.tombstone.is_none());
    }
    match found.len() {
        0 => Err(Missing::NotFound(shown)),
        1 => live(app, found.remove(0)).await,
        _ => {
            let mut candidates = Vec::with_capacity(found.len());
            for Found { claim, .. } in found {
                if let Some(row) = store::publication(&app.database, &claim).await? {
                    candidates.push((claim, links::url(app, &row)));
                }
            }
            Err(Missing::Ambiguous(candidates))
        }
    }
}

/// A claim that is there, or how it went.
async fn live(app: &App, found: Found) -> Result<Target, Missing> {
    let Some(tombstone) = found.tombstone else { return Ok(Target::Claim(found.claim)) };
    let mut connection = app.database.acquire().await?;
    let entry = log::find(&mut connection, &tombstone).await?;
    let entry = entry.ok_or_else(|| claims::ClaimsError::Corrupt(format!("the tombstone {tombstone} is missing")))?;
    let body = entry.body().unwrap_or_default();
    let reason = match Body::decode(Kind::Tombstone.name(), body) {
        Ok((_, Body::Tombstone(tombstone))) => tombstone.reason.name(),
        _ => "unknown",
    };
    let tombstone = WireRecord {
        id: entry.record.clone(),
        header: base64url::encode(&entry.header),
        body: Some(base64url::encode(body)),
    };
    Err(Missing::Erased { claim: found.claim, tombstone: Box::new(tombstone), reason })
}
