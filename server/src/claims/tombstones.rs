//! `tombstone`: a channel takes back a version of a publication or the words of a profile. That one body is erased in
//! the same transaction; headers stay for ever.

use pinreel_records::{Header, Kind, Tombstone};
use sqlx::PgConnection;

use crate::log;
use crate::signals::{self, Signal};

use super::error::ClaimsError;
use super::store::{channels, claims};
use super::submit::Placed;

pub(super) async fn apply(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    tombstone: &Tombstone,
) -> Result<(), ClaimsError> {
    let target = tombstone.target.to_string();
    let unknown = || ClaimsError::TargetUnknown(target.clone());
    let entry = log::find(connection, &target).await?.ok_or_else(unknown)?;
    let header = Header::decode(&entry.header).map_err(|error| ClaimsError::Corrupt(error.to_string()))?;
    let kind = Kind::from_name(&header.kind).filter(|kind| kind.is_erasable()).ok_or_else(unknown)?;
    if header.channel.map(|channel| channel.to_string()).as_ref() != Some(&placed.channel) {
        return Err(ClaimsError::ClaimForeign(target));
    }
    if entry.body().is_none() {
        return Err(unknown());
    }
    match kind {
        Kind::Stream => erase_stream(connection, placed, &target).await,
        _ => {
            channels::blank_profile(connection, &target).await?;
            Ok(log::erase(connection, &target, placed.index).await?)
        }
    }
}

/// A claim whose newest version is erased is erased; an older version goes alone.
async fn erase_stream(connection: &mut PgConnection, placed: &Placed<'_>, target: &str) -> Result<(), ClaimsError> {
    let unknown = || ClaimsError::TargetUnknown(target.to_owned());
    let claim = claims::claim_of(connection, target).await?.ok_or_else(unknown)?;
    let state = claims::state(connection, &claim).await?.ok_or_else(unknown)?;
    if state.newest == target {
        claims::bury(connection, &claim, &placed.record.id.to_string()).await?;
        signals::say(connection, &Signal::TakenBack).await?;
    }
    Ok(log::erase(connection, target, placed.index).await?)
}
