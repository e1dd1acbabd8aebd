//! What can be watched while a job runs: signed revisions of a growing stream, each of which only adds to the last.
//!
//! Segments are delivered, checked by CID and held before a revision names them. One stream for each job: a later lease
//! goes on with it as long as it makes the same bytes, which our encoders do; where it doesn't, and where the job fails,
//! the stream is taken back for good rather than contradict what was played. The completing transaction ends it.

use std::collections::HashMap;

use pinreel_content::parse_cid;
use pinreel_records::growing::{EMPTY_CHAIN, extend};
use pinreel_records::{Growing, Opening, Piece, SigningKey, base64url};
use pinreel_runner::{Growth, Task};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::database::Database;

use super::error::MediaError;
use super::grown::{self, Grown};
use super::measured::{File, Segment, Track, Unfit};
use super::store::{self, Held, Kept, KeptPiece};

/// Steps in one answer: with more, who asks gets the next ones by asking again.
const MAX_STEPS: u64 = 2_000;

/// A growing stream as it is answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GrowingStream {
    /// The newest revision, as the node signed it, base64url
    pub statement: String,
    /// The signature over it, base64url
    pub sig: String,
    /// The number of the first step below
    pub first: u64,
    /// A segment of each rendition, in the statement's order, for each step from `first` on; perhaps not up to the last
    #[schema(value_type = Vec<Vec<KeptPiece>>)]
    pub steps: Vec<Vec<KeptPiece>>,
}

/// Takes what a worker says can be watched. The same again changes nothing.
pub async fn grow(app: &App, held: &Held, sent: &Growth) -> Result<(), MediaError> {
    if held.task != Task::Renditions {
        return Err(Unfit::Companion.into());
    }
    let grown = grown::check(sent)?;
    let key = (held.job, held.epoch);
    check_delivered(app, key, &grown).await?;
    let told = Told {
        openings: grown.openings.iter().map(|one| opening(&one.track, one.size)).collect::<Result<_, _>>()?,
        first: grown.first,
        steps: grown.steps.iter().map(|step| step.iter().map(piece).collect()).collect::<Result<_, _>>()?,
        ended: grown.ended,
    };
    let mut transaction = app.database.begin().await?;
    if !store::lock_lease(&mut transaction, key).await? {
        return Err(MediaError::LeaseLost);
    }
    add(&mut transaction, held, &app.identity.node_key, told).await?;
    Ok(transaction.commit().await?)
}

/// Every file must have been delivered under this lease, with just these bytes.
async fn check_delivered(app: &App, key: (Uuid, i32), grown: &Grown) -> Result<(), MediaError> {
    let names: Vec<String> = grown.files().map(|file| file.name.clone()).collect();
    let delivered = store::delivered_of(&app.database, key, &names).await?;
    let delivered: HashMap<&str, _> = delivered.iter().map(|file| (file.name.as_str(), file)).collect();
    let is_held = |file: &&File| {
        let held = delivered.get(file.name.as_str());
        held.is_some_and(|held| held.cid == file.cid && held.size_bytes.unsigned_abs() == file.bytes)
    };
    match grown.files().find(|file| !is_held(file)) {
        Some(missing) => Err(MediaError::FileMissing(missing.name.clone())),
        None => Ok(()),
    }
}

struct Told {
    openings: Vec<Opening>,
    first: u64,
    steps: Vec<Vec<Piece>>,
    ended: bool,
}

/// Adds to the stream of a job whose row is locked, or takes it back if what is told isn't what was told before.
async fn add(connection: &mut PgConnection, held: &Held, key: &SigningKey, told: Told) -> Result<(), MediaError> {
    let job = held.job;
    let before = match store::early(connection, job).await? {
        Kept::TakenBack => return Ok(()),
        Kept::Growing(before) => *before,
        Kept::None => Growing {
            key: key.public(),
            source: address(&held.source)?,
            recipe: held.recipe.clone(),
            renditions: told.openings.clone(),
            revision: 0,
            segments: 0,
            chain: EMPTY_CHAIN,
            ended: false,
        },
    };
    let Some(known) = before.segments.checked_sub(told.first) else { return Err(Unfit::Gap(told.first).into()) };
    let again = told.steps.len().min(usize::try_from(known).unwrap_or(usize::MAX));
    let (again, added) = told.steps.split_at(again);
    let kept = store::early_steps(connection, job, (told.first, again.len() as u64)).await?;
    let is_same = kept.iter().map(|step| step.iter().map(KeptPiece::piece).collect::<Option<Vec<_>>>());
    let is_same = before.renditions == told.openings && is_same.eq(again.iter().cloned().map(Some));
    if !is_same || before.ended && !added.is_empty() {
        tracing::warn!(%job, "other bytes than before: what could be watched already is taken back");
        return Ok(store::take_back_early(connection, job).await?);
    }
    if added.is_empty() && (before.ended || !told.ended) {
        return Ok(());
    }
    revise(connection, (job, key), before, (added, told.ended)).await
}

/// Signs and writes the next revision.
async fn revise(
    connection: &mut PgConnection,
    (job, key): (Uuid, &SigningKey),
    before: Growing,
    (added, ended): (&[Vec<Piece>], bool),
) -> Result<(), MediaError> {
    let growing = Growing {
        revision: before.revision + 1,
        segments: before.segments + added.len() as u64,
        chain: added.iter().fold(before.chain, |chain, step| extend(&chain, step)),
        ended,
        ..before
    };
    let (statement, sig) = growing.sign(key);
    Ok(store::put_early(connection, job, &growing, (&statement, &sig), added).await?)
}

/// To be called in the transaction that completes a job: ends its stream with the segments that are still missing in it,
/// or takes it back if the result isn't what was played.
pub async fn settle(
    connection: &mut PgConnection,
    key: &SigningKey,
    job: Uuid,
    tracks: &[&Track],
) -> Result<(), MediaError> {
    let Kept::Growing(before) = store::early(connection, job).await? else { return Ok(()) };
    if !store::is_published(connection, &before.source.to_string()).await? {
        // Nobody follows it.
        return Ok(store::forget_early(connection, job).await?);
    }
    let made: Option<Vec<&Track>> = before.renditions.iter().map(|opening| made_of(opening, tracks)).collect();
    let steps = made.as_deref().map(steps).transpose()?.unwrap_or_default();
    let known = usize::try_from(before.segments).unwrap_or(usize::MAX);
    let is_its_end = |added: &[_]| !before.ended || added.is_empty();
    let split = steps.split_at_checked(known);
    let split = split.filter(|(played, added)| chain(played) == before.chain && is_its_end(added));
    let Some((_, added)) = split else {
        tracing::warn!(%job, "the result isn't what could be watched before: that is taken back");
        return Ok(store::take_back_early(connection, job).await?);
    };
    let is_even = made.iter().flatten().all(|track| track.segments.len() == steps.len());
    if before.ended || !is_even {
        return Ok(());
    }
    revise(connection, (job, key), *before, (added, true)).await
}

fn made_of<'t>(opening: &Opening, tracks: &[&'t Track]) -> Option<&'t Track> {
    let track = tracks.iter().find(|track| track.name == opening.name)?;
    (track.init.cid == opening.init.to_string()).then_some(*track)
}

/// The segments that begin together, as far as all tracks go.
fn steps(tracks: &[&Track]) -> Result<Vec<Vec<Piece>>, MediaError> {
    let count = tracks.iter().map(|track| track.segments.len()).min().unwrap_or(0);
    (0..count).map(|number| tracks.iter().map(|track| piece(&track.segments[number])).collect()).collect()
}

fn chain(steps: &[Vec<Piece>]) -> [u8; 32] {
    steps.iter().fold(EMPTY_CHAIN, |chain, step| extend(&chain, step))
}

fn opening(track: &Track, size: Option<(u32, u32)>) -> Result<Opening, MediaError> {
    Ok(Opening {
        name: track.name.clone(),
        init: address(&track.init.cid)?,
        codecs: track.codecs.clone(),
        timescale: track.timescale.into(),
        width: size.map(|(width, _)| width.into()),
        height: size.map(|(_, height)| height.into()),
    })
}

fn piece(segment: &Segment) -> Result<Piece, MediaError> {
    Ok(Piece { cid: address(&segment.file.cid)?, ticks: segment.ticks })
}

fn address(cid: &str) -> Result<pinreel_content::Cid, MediaError> {
    parse_cid(cid).ok_or_else(|| MediaError::Store(format!("{cid} is no CID")))
}

/// The stream that grows for a source, with steps from number `after` on; nothing where there is none, or no more.
pub async fn growing(database: &Database, source: &str, after: u64) -> sqlx::Result<Option<GrowingStream>> {
    let found = store::revision(database, source, (after, MAX_STEPS)).await?;
    Ok(found.map(|revision| GrowingStream {
        statement: base64url::encode(&revision.statement),
        sig: base64url::encode(&revision.sig),
        first: after,
        steps: revision.steps,
    }))
}

/// The CID of one of its files, by the name that the file has in the root later.
pub async fn early_file(database: &Database, source: &str, name: &str) -> sqlx::Result<Option<String>> {
    let Some((folder, leaf)) = name.split_once('/') else { return Ok(None) };
    let Some(revision) = store::revision(database, source, (0, 0)).await? else { return Ok(None) };
    let openings = Growing::decode(&revision.statement).map(|growing| growing.renditions).unwrap_or_default();
    let Some(place) = openings.iter().position(|opening| opening.name == folder) else { return Ok(None) };
    if leaf == "init.mp4" {
        return Ok(Some(openings[place].init.to_string()));
    }
    let number = leaf.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".m4s")).and_then(|n| n.parse().ok());
    match (number, i32::try_from(place)) {
        (Some(number), Ok(place)) => store::early_piece(database, source, (number, place)).await,
        _ => Ok(None),
    }
}
