//! The end of a job: the worker's numbers are checked, its files are all held, the server writes the playlists and the
//! root, and one transaction makes it so, if the lease still holds.

use std::collections::HashMap;

use pinreel_content::{Link, Pin, Store, parse_cid};
use pinreel_runner::{Task, Transcoded};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::fault;

use super::error::MediaError;
use super::grow;
use super::measured::{self, File, Measured, Track};
use super::model::{LEASE_MS, Rendition, Rung};
use super::playlist;
use super::previews;
use super::store::{self, DeliveredFile, Held};

/// Ends a job: a film's or a preview's by building its root, a companion's with its one file. The same again for the same lease changes nothing.
pub async fn complete(app: &App, held: &Held, sent: &Transcoded, log: &[(i32, String)]) -> Result<(), MediaError> {
    match held.task {
        Task::Renditions => renditions(app, held, sent, log).await.map(drop),
        Task::Preview { .. } => previews::complete(app, held, sent, log).await,
        _ => companion(app, held, sent, log).await,
    }
}

/// Notes a companion's file, and wakes who waits for it.
async fn companion(app: &App, held: &Held, sent: &Transcoded, log: &[(i32, String)]) -> Result<(), MediaError> {
    if held.completed {
        return Ok(());
    }
    let (file, notes) = measured::check_companion(held.task, sent)?;
    let (key, now_ms) = ((held.job, held.epoch), app.clock.now_ms());
    let delivered = store::delivered_of(&app.database, key, std::slice::from_ref(&file.name)).await?;
    let is_same = |held: &DeliveredFile| held.cid == file.cid && held.size_bytes.unsigned_abs() == file.bytes;
    let missing = || MediaError::FileMissing(file.name.clone());
    let delivered = delivered.into_iter().find(is_same).ok_or_else(missing)?;
    let mut transaction = app.database.begin().await?;
    if !store::complete_companion(&mut transaction, key, (&delivered, &notes, &held.worker), now_ms).await? {
        return Err(MediaError::LeaseLost);
    }
    store::keep_lines(&mut transaction, key, log, now_ms).await?;
    store::note(&mut transaction, held.job, "complete", now_ms).await?;
    transaction.commit().await?;
    tracing::info!(job = %held.job, cid = delivered.cid, "companion made");
    Ok(())
}

/// Builds the root and ends the job; the root's CID.
async fn renditions(app: &App, held: &Held, sent: &Transcoded, log: &[(i32, String)]) -> Result<String, MediaError> {
    if held.completed {
        let rendition = store::rendition_of_job(&app.database, held.job).await?;
        return rendition.map(|rendition| rendition.root).ok_or(MediaError::LeaseLost);
    }
    let measured = measured::check(sent)?;
    let key = (held.job, held.epoch);
    let now_ms = app.clock.now_ms();
    // Writing the playlists of a long film takes a while: not on the last second of a lease.
    let mut connection = app.database.acquire().await?;
    if !store::renew(&mut connection, key, now_ms + LEASE_MS, None, now_ms).await? {
        return Err(MediaError::LeaseLost);
    }
    drop(connection);
    let links = links(&measured, store::delivered(&app.database, key).await?)?;

    let (content, job) = (app.store.clone(), held.job);
    let build = spawn_blocking(move || {
        let root = build(&content, &measured, &links)?;
        // As the retention would by and by: a node that is stopped a moment later may be tidied up by hand.
        let (owner, reason) = (format!("rendition:{job}"), "a rendition".to_owned());
        let since_ms = now_ms.unsigned_abs();
        content.pin(&Pin { cid: root.cid, owner, reason, since_ms, until_ms: None })?;
        Ok::<_, MediaError>((root, measured))
    });
    let (root, measured) = build.await.map_err(|error| MediaError::Store(error.to_string()))??;
    fault::point("transcode.after-root");

    let tracks: Vec<&Track> = measured.tracks().collect();
    let rendition = Rendition {
        source: held.source.clone(),
        recipe: held.recipe.clone(),
        root: root.cid.to_string(),
        worker: held.worker.clone(),
        duration_ms: i64::try_from(measured.duration_ms).unwrap_or(i64::MAX),
        poster: measured.poster.as_ref().map(|poster| poster.cid.clone()),
        storyboard: measured.storyboard.first().map(|index| index.cid.clone()),
        rungs: rungs(&measured),
        warnings: measured.warnings.clone(),
        record: None,
        created_ms: app.clock.now_ms(),
    };
    let mut transaction = app.database.begin().await?;
    if !store::complete(&mut transaction, key, &rendition).await? {
        return Err(MediaError::LeaseLost);
    }
    grow::settle(&mut transaction, &app.identity.node_key, held.job, &tracks).await?;
    store::keep_lines(&mut transaction, key, log, rendition.created_ms).await?;
    store::note(&mut transaction, held.job, "complete", rendition.created_ms).await?;
    transaction.commit().await?;
    tracing::info!(job = %held.job, root = rendition.root, "transcoded");
    Ok(rendition.root)
}

/// What a folder needs of each file in the result; each must have been delivered with just these bytes.
fn links(measured: &Measured, delivered: Vec<DeliveredFile>) -> Result<HashMap<String, Link>, MediaError> {
    let delivered: HashMap<&str, &DeliveredFile> = delivered.iter().map(|file| (file.name.as_str(), file)).collect();
    let link = |file: &File| {
        let held = delivered.get(file.name.as_str())?;
        let is_same = held.cid == file.cid && held.size_bytes.unsigned_abs() == file.bytes;
        let cid = parse_cid(&held.cid).filter(|_| is_same)?;
        Some((file.name.clone(), Link { cid, tsize: held.tsize_bytes.unsigned_abs() }))
    };
    measured.files().map(|file| link(file).ok_or_else(|| MediaError::FileMissing(file.name.clone()))).collect()
}

fn build(content: &Store, measured: &Measured, links: &HashMap<String, Link>) -> Result<Link, MediaError> {
    let linked = |file: &File| {
        let link = links.get(&file.name).ok_or_else(|| MediaError::FileMissing(file.name.clone()))?;
        Ok::<_, MediaError>((file.leaf_name().to_owned(), *link))
    };
    let target_s = playlist::target_s(measured);
    let folder = |track: &Track, keyframes: Option<String>| {
        let mut entries = track.files().map(linked).collect::<Result<Vec<_>, _>>()?;
        let playlists = [("media.m3u8", Some(playlist::media(track, target_s))), ("iframes.m3u8", keyframes)];
        for (name, text) in playlists {
            if let Some(text) = text {
                entries.push((name.to_owned(), content.put_bytes(text.as_bytes())?.into()));
            }
        }
        Ok::<_, MediaError>((track.name.clone(), content.put_directory(borrowed(&entries))?))
    };
    let pictures = measured.video.iter().map(|video| folder(&video.track, playlist::keyframes(video, target_s)));
    let sounds = measured.audio.iter().map(|audio| folder(&audio.track, None));
    let mut root = pictures.chain(sounds).collect::<Result<Vec<_>, _>>()?;
    for file in measured.poster.iter().chain(&measured.beside) {
        root.push(linked(file)?);
    }
    if !measured.storyboard.is_empty() {
        let entries = measured.storyboard.iter().map(linked).collect::<Result<Vec<_>, _>>()?;
        root.push(("storyboard".to_owned(), content.put_directory(borrowed(&entries))?));
    }
    for captions in &measured.captions {
        let playlist = content.put_bytes(playlist::captions(&captions.file, measured.duration_ms).as_bytes())?;
        let entries = [linked(&captions.file)?, ("media.m3u8".to_owned(), playlist.into())];
        root.push((captions.name.clone(), content.put_directory(borrowed(&entries))?));
    }
    let master = content.put_bytes(playlist::master(measured).as_bytes())?;
    root.push(("master.m3u8".to_owned(), master.into()));
    Ok(content.put_directory(borrowed(&root))?)
}

pub(super) fn borrowed(entries: &[(String, Link)]) -> impl Iterator<Item = (&str, Link)> {
    entries.iter().map(|(name, link)| (name.as_str(), *link))
}

fn rungs(measured: &Measured) -> Vec<Rung> {
    let video = playlist::best_first(&measured.video).into_iter().map(|video| Rung {
        width: Some(video.width),
        height: Some(video.height),
        frame_rate: Some(video.frame_rate),
        bandwidth: Some(playlist::variant_rates(&video.track, &measured.audio).peak_bps),
        ..rung(&video.track)
    });
    let alone = measured.video.is_empty();
    let audio = measured.audio.iter().map(|audio| Rung {
        channels: Some(audio.channels),
        language: audio.language.clone(),
        loudness: audio.loudness,
        bandwidth: alone.then(|| playlist::rates(&audio.track).peak_bps),
        ..rung(&audio.track)
    });
    video.chain(audio).collect()
}

/// What picture and sound have in common.
fn rung(track: &Track) -> Rung {
    let rates = playlist::rates(track);
    Rung {
        name: track.name.clone(),
        width: None,
        height: None,
        frame_rate: None,
        channels: None,
        language: None,
        codecs: track.codecs.clone(),
        peak_bps: rates.peak_bps,
        average_bps: rates.average_bps,
        bytes: track.bytes(),
        bandwidth: None,
        is_remuxed: track.is_remuxed,
        why: track.why.clone(),
        loudness: None,
    }
}
