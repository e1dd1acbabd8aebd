//! What can be watched of a claim while its source is transcoded, for whoever may see the claim.

use pinreel_content::{Cid, parse_cid};
use pinreel_records::{Address, RecordId};

use crate::app::App;
use crate::claims::ClaimsError;
use crate::gateway;
use crate::media::{self, GrowingStream};

use super::error::Missing;
use super::resolve::{self, Target};
use super::store::Row;
use super::watch::shown;

/// The newest revision, with steps from number `after` on; nothing where nothing grows.
pub async fn stream(app: &App, claim: &str, after: u64) -> Result<Option<GrowingStream>, Missing> {
    let row = row(app, claim).await?;
    Ok(media::growing(&app.database, &row.source, after).await?)
}

/// The file of this name in it: a root and the path below it. Who still follows the stream when it is complete finds the
/// same file in what it became.
pub async fn file(app: &App, claim: &str, name: &str) -> Result<(Cid, Vec<String>), Missing> {
    let row = row(app, claim).await?;
    let (cid, path) = match media::early_file(&app.database, &row.source, name).await? {
        Some(cid) => (cid, Vec::new()),
        None => {
            let path = gateway::segments(name).map_err(|_| Missing::NotGrowing)?;
            (row.root.ok_or(Missing::NotGrowing)?, path)
        }
    };
    let cid = parse_cid(&cid).ok_or_else(|| ClaimsError::Corrupt(format!("{cid} is no CID")))?;
    Ok((cid, path))
}

async fn row(app: &App, claim: &str) -> Result<Row, Missing> {
    let unknown = || Missing::NotFound(format!("/c/{claim}"));
    let id: RecordId = claim.parse().map_err(|_| unknown())?;
    match resolve::address(app, &Address::Claim(id)).await? {
        Target::Claim(claim) => shown(app, &claim).await,
        Target::Channel(_) => Err(unknown()),
    }
}
