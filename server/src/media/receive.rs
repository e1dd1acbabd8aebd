//! A file from a worker: streamed into the content store with bounded memory, counted and hashed on the way.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use pinreel_content::{BlobWriter, Cid, Store, Stored};
use pinreel_runner::text::plain;
use pinreel_runner::{MAX_FILES, names};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::fault;

use super::error::MediaError;
use super::model::max_job_bytes;
use super::store::{self, DeliveredFile, Held};

/// Bytes gathered before the disk is asked to take them.
const PIECE_BYTES: usize = 1 << 20;

/// Stores the file and notes it as delivered. What is too large or isn't what was announced leaves nothing behind.
pub async fn receive(app: &App, held: &Held, name: &str, expected: Cid, body: Body) -> Result<Stored, MediaError> {
    let kind = names::kind(name).ok_or_else(|| MediaError::NameRefused(plain(name, 60)))?;
    let (files, bytes) = store::delivered_beside(&app.database, held.job, name).await?;
    if usize::try_from(files).is_ok_and(|files| files >= MAX_FILES) {
        return Err(MediaError::TooManyFiles(MAX_FILES));
    }
    let limit_bytes = max_job_bytes(held.source_bytes.unsigned_abs());
    let left_bytes = limit_bytes.saturating_sub(bytes.unsigned_abs());
    let stored = stream(&app.store, name, kind.max_bytes().min(left_bytes), body).await;
    let stored = match stored {
        Err(MediaError::FileTooLarge { .. }) if left_bytes < kind.max_bytes() => {
            return Err(MediaError::JobTooLarge(limit_bytes));
        }
        other => other?,
    };
    if stored.cid != expected {
        return Err(MediaError::CidWrong {
            name: name.to_owned(),
            expected: expected.to_string(),
            actual: stored.cid.to_string(),
        });
    }
    fault::point("transcode.after-file");
    let file = DeliveredFile {
        name: name.to_owned(),
        cid: stored.cid.to_string(),
        size_bytes: signed(stored.size_bytes),
        tsize_bytes: signed(stored.tsize),
    };
    if !store::note_file(&app.database, (held.job, held.epoch), &file).await? {
        return Err(MediaError::LeaseLost);
    }
    Ok(stored)
}

async fn stream(content: &Store, name: &str, limit_bytes: u64, body: Body) -> Result<Stored, MediaError> {
    let mut pieces = body.into_data_stream();
    let mut writer: Option<BlobWriter> = None;
    let mut seen_bytes = 0u64;
    loop {
        let (piece, ended) = gather(&mut pieces, name).await?;
        seen_bytes += piece.len() as u64;
        if seen_bytes > limit_bytes {
            return Err(MediaError::FileTooLarge { name: name.to_owned(), limit_bytes });
        }
        let (content, taken) = (content.clone(), writer.take());
        let step = spawn_blocking(move || write(&content, taken, &piece, ended)).await;
        match step.map_err(|error| MediaError::Store(error.to_string()))?? {
            Step::Finished(stored) => return Ok(stored),
            Step::More(next) => writer = Some(next),
        }
    }
}

/// Up to `PIECE_BYTES` (and the rest of one frame), and whether that was the last.
async fn gather(pieces: &mut BodyDataStream, name: &str) -> Result<(Bytes, bool), MediaError> {
    let mut gathered = BytesMut::new();
    while gathered.len() < PIECE_BYTES {
        match pieces.next().await {
            None => return Ok((gathered.freeze(), true)),
            Some(Ok(frame)) => gathered.extend_from_slice(&frame),
            Some(Err(_)) => return Err(MediaError::Interrupted(name.to_owned())),
        }
    }
    Ok((gathered.freeze(), false))
}

enum Step {
    More(BlobWriter),
    Finished(Stored),
}

fn write(content: &Store, writer: Option<BlobWriter>, piece: &[u8], ended: bool) -> Result<Step, MediaError> {
    let mut writer = match writer {
        Some(writer) => writer,
        None => content.writer()?,
    };
    writer.write(piece)?;
    Ok(if ended { Step::Finished(writer.finish()?) } else { Step::More(writer) })
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
