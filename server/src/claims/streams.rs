//! `stream`: a publication comes into being or changes. Everything that it names must be here already.

use std::collections::HashMap;

use pinreel_content::{Cid, Error, Store};
use pinreel_records::{Body, Stream, Visibility, with_suffix};
use sqlx::PgConnection;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::companions;
use crate::media;
use crate::uploads;

use super::error::ClaimsError;
use super::store::{channels, claims, outbox};
use super::submit::Placed;

/// How many `-2`, `-3` … are looked at for a suggestion.
const MAX_SUFFIX: u32 = 1000;

/// What this node holds of what a body names, looked up before the log is locked.
#[derive(Debug, Default)]
pub(super) struct Files {
    held: HashMap<Cid, Held>,
    /// One that the operator has erased.
    erased: Option<Cid>,
    /// Whether the root that is named is what this node made of the source.
    is_root_ours: bool,
    /// Whose companions are in it; empty if nobody's are.
    root_of: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    bytes: u64,
    is_public: bool,
    /// Whether all of it is here, and right as far as is known.
    is_whole: bool,
}

/// Looks up the files and the root that a stream names.
pub(super) async fn look_up(app: &App, body: &Body) -> Result<Files, ClaimsError> {
    let Body::Stream(stream) = body else { return Ok(Files::default()) };
    let store = app.store.clone();
    let named = files_of(stream);
    let look = spawn_blocking(move || look_at_all(&store, named));
    let looked = look.await.map_err(|error| ClaimsError::Content(error.to_string()))?;
    let (held, erased) = looked.map_err(|error| ClaimsError::Content(error.to_string()))?;
    let source = stream.source.cid.to_string();
    let is_root_ours = match stream.root.map(|root| root.to_string()) {
        None => true,
        Some(root) => {
            let newest = media::rendition_for(&app.database, &source).await?;
            let at_root = media::rendition_at(&app.database, &root).await?;
            newest.into_iter().chain(at_root).any(|made| made.source == source && made.root == root)
        }
    };
    let root_of = match stream.root {
        Some(root) => media::channels_of_root(&app.database, &root.to_string()).await?,
        None => Vec::new(),
    };
    Ok(Files { held, erased, is_root_ours, root_of })
}

type Looked = (HashMap<Cid, Held>, Option<Cid>);

/// What is held, and one that was erased.
fn look_at_all(store: &Store, named: Vec<Cid>) -> Result<Looked, Error> {
    let (mut held, mut erased) = (HashMap::new(), None);
    for cid in named {
        if store.is_erased(&cid)? {
            erased = Some(cid);
        }
        held.extend(look_at(store, cid)?);
    }
    Ok((held, erased))
}

fn look_at(store: &Store, cid: Cid) -> Result<Option<(Cid, Held)>, Error> {
    let bytes = match store.open_file(&cid) {
        Ok(Some(file)) => file.size_bytes(),
        Ok(None) => return Ok(None),
        Err(Error::Damaged(_)) => {
            return Ok(Some((cid, Held { bytes: 0, is_public: store.is_public(&cid)?, is_whole: false })));
        }
        Err(error) => return Err(error),
    };
    Ok(Some((cid, Held { bytes, is_public: store.is_public(&cid)?, is_whole: store.is_whole(&cid)? })))
}

/// Source, poster and captions.
pub(super) fn files_of(stream: &Stream) -> Vec<Cid> {
    let captions = stream.captions.iter().map(|caption| caption.cid);
    std::iter::once(stream.source.cid).chain(stream.poster).chain(captions).collect()
}

pub(super) async fn apply(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    stream: &Stream,
    files: &Files,
) -> Result<(), ClaimsError> {
    if stream.visibility == Visibility::Unlisted {
        return Err(ClaimsError::Unlisted);
    }
    let channel = channels::find_channel(connection, &placed.channel).await?;
    if channel.is_none_or(|channel| channel.handle.is_none()) {
        return Err(ClaimsError::ProfileNeeded);
    }
    check_files(connection, placed, stream, files).await?;
    let claim = match stream.update {
        Some(update) => {
            check_update(connection, placed, (update.claim.to_string(), update.replaces.to_string())).await?
        }
        None => placed.record.id.to_string(),
    };
    check_slug(connection, placed, &claim, stream).await?;
    match stream.update {
        Some(update) => claims::update(connection, update.claim, placed.record.id, stream.name.as_str()).await?,
        None => claims::insert(connection, placed.record.id, &placed.channel, stream.name.as_str()).await?,
    }
    outbox::insert(connection, placed.index).await?;
    Ok(())
}

/// Only what the channel uploaded, or what everybody may have already, can be named: otherwise a CID alone would open
/// somebody else's unpublished upload.
async fn check_files(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    stream: &Stream,
    files: &Files,
) -> Result<(), ClaimsError> {
    if let Some(cid) = files.erased {
        return Err(ClaimsError::ContentErased(cid));
    }
    for cid in files_of(stream) {
        let held = files.held.get(&cid).ok_or_else(|| ClaimsError::SourceMissing(cid.to_string()))?;
        let (channel, named) = (&placed.channel, cid.to_string());
        let is_own = held.is_public
            || uploads::owns_source(connection, channel, &named).await?
            || companions::owns_file(connection, channel, &named).await?;
        if !is_own {
            return Err(ClaimsError::SourceMissing(named));
        }
        // What is published already may be described anew, whatever became of it.
        if !held.is_whole && stream.update.is_none() {
            return Err(ClaimsError::SourceDamaged(named));
        }
    }
    let (source, said) = (stream.source.cid, stream.source.bytes);
    match files.held.get(&source) {
        Some(held) if held.is_whole && held.bytes != said => {
            return Err(ClaimsError::SourceSize { cid: source.to_string(), said, held: held.bytes });
        }
        _ => {}
    }
    // A folder with somebody else's captions in it is theirs to publish.
    let is_root_own = files.root_of.is_empty() || files.root_of.contains(&placed.channel);
    match stream.root {
        Some(root) if !files.is_root_ours || !is_root_own => Err(ClaimsError::RootMismatch { root: root.to_string() }),
        _ => Ok(()),
    }
}

async fn check_update(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    (claim, replaces): (String, String),
) -> Result<String, ClaimsError> {
    let Some(state) = claims::state(connection, &claim).await? else {
        return Err(ClaimsError::TargetUnknown(claim));
    };
    if state.channel != placed.channel {
        return Err(ClaimsError::ClaimForeign(claim));
    }
    if state.is_erased {
        return Err(ClaimsError::ClaimErased(claim));
    }
    if state.newest != replaces {
        return Err(ClaimsError::ClaimStale { newest: state.newest });
    }
    Ok(claim)
}

async fn check_slug(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    claim: &str,
    stream: &Stream,
) -> Result<(), ClaimsError> {
    let owner = claims::at_slug(connection, &placed.channel, stream.name.as_str()).await?;
    if owner.is_none_or(|owner| owner == claim) {
        return Ok(());
    }
    for number in 2..MAX_SUFFIX {
        let suggestion = with_suffix(&stream.name, number);
        if claims::at_slug(connection, &placed.channel, suggestion.as_str()).await?.is_none() {
            let (slug, suggestion) = (stream.name.to_string(), suggestion.to_string());
            return Err(ClaimsError::SlugTaken { slug, suggestion });
        }
    }
    // Nobody has a thousand of one name; whoever does chooses another.
    let digits: String = placed.record.id.digest_hex().chars().take(12).collect();
    Err(ClaimsError::SlugTaken { slug: stream.name.to_string(), suggestion: format!("v-{digits}") })
}
