//! Telling the world of renditions whose source is published: the root becomes public, its record goes into the log, and
//! Kubo is to pin it.
//!
//! Publishing and completing only mark the row as due, so neither waits for the log, and it doesn't matter which of the
//! two was first or whether the process died between them. Previews become public in the same way, without a record.
//! The log's lock is taken before the row's, as publishing does.

use std::time::Duration;

use pinreel_content::{Cid, parse_cid};
use pinreel_records::{AudioRung, FrameRate, VideoRung};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::app::App;
use crate::signals::{Signal, wait_for};
use crate::{claims, pinning};

use super::error::MediaError;
use super::model::{Rendition, Rung};
use super::previews;
use super::store::{self, Due};

/// A look at the table now and then, should a signal be lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Background task.
pub async fn run(app: App) {
    let mut signals = app.signals.subscribe();
    loop {
        if let Err(error) = announce_due(&app).await {
            tracing::warn!(%error, "can't log a rendition now; trying again");
        }
        let woken = timeout(LOOK_EVERY, wait_for(&mut signals, |signal| *signal == Signal::Rendition));
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            _ = woken => {}
        }
    }
}

/// Announces everything that waits. What can't be announced keeps nothing else back, and is tried again the next time; the
/// first reason is given.
pub async fn announce_due(app: &App) -> Result<(), MediaError> {
    let mut outcome = Ok(());
    for due in store::due_previews(&app.database).await? {
        outcome = outcome.and(previews::show(app, due).await);
    }
    for due in store::due_renditions(&app.database).await? {
        outcome = outcome.and(announce(app, due).await);
    }
    outcome
}

async fn announce(app: &App, due: Due) -> Result<(), MediaError> {
    let root = address(&due.rendition.root)?;
    let content = app.store.clone();
    // Before the record: what the log names can be fetched.
    let published = spawn_blocking(move || content.publish(&root)).await;
    published.map_err(|error| MediaError::Store(error.to_string()))??;

    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    let body = body(&due.rendition)?;
    let record = claims::append_node_record(app, &mut transaction, body).await;
    let record = record.map_err(|error| MediaError::Record(error.to_string()))?.to_string();
    if !store::set_logged(&mut transaction, due.job, &record).await? {
        // Another server of this node was faster; its record is the one. Ours rolls back.
        return Ok(());
    }
    pinning::want(&mut transaction, (&due.rendition.root, pinning::Role::Hls), &due.file_name, now_ms).await?;
    transaction.commit().await?;
    tracing::info!(job = %due.job, root = due.rendition.root, record, "rendition logged");
    Ok(())
}

/// The rendition as the node's record tells it.
fn body(made: &Rendition) -> Result<pinreel_records::Rendition, MediaError> {
    Ok(pinreel_records::Rendition {
        source: address(&made.source)?,
        recipe: made.recipe.clone(),
        root: address(&made.root)?,
        worker: made.worker.clone(),
        video: made.rungs.iter().filter_map(picture).collect(),
        audio: made.rungs.iter().filter_map(sound).collect(),
        duration_ms: made.duration_ms.unsigned_abs(),
        poster: made.poster.as_deref().map(address).transpose()?,
        storyboard: made.storyboard.as_deref().map(address).transpose()?,
    })
}

fn picture(rung: &Rung) -> Option<VideoRung> {
    let (num, den) = rung.frame_rate?;
    Some(VideoRung {
        height: rung.height?.into(),
        width: rung.width?.into(),
        codecs: rung.codecs.clone(),
        peak_bandwidth: rung.peak_bps,
        average_bandwidth: rung.average_bps,
        bytes: rung.bytes,
        frame_rate: FrameRate { num: num.into(), den: den.into() },
    })
}

fn sound(rung: &Rung) -> Option<AudioRung> {
    Some(AudioRung {
        codecs: rung.codecs.clone(),
        channels: rung.channels?.into(),
        language: rung.language.clone(),
        peak_bandwidth: rung.peak_bps,
        average_bandwidth: rung.average_bps,
        bytes: rung.bytes,
    })
}

fn address(cid: &str) -> Result<Cid, MediaError> {
    parse_cid(cid).ok_or_else(|| MediaError::Record(format!("{cid} is no CID")))
}
