//! Taking bytes: from the network into the partial file, one piece being written and hashed while the next arrives.
//!
//! A slow client holds no thread: the blocking pool sees a piece when it is full. Memory is two pieces an upload.
//! Whatever ends the body, the bytes that came are put down first.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt;
use pinreel_content::{Error, PartialBlob};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::model::{LIFE_MS, UploadId};
use super::store;
use super::writers::{Lease, LetGo};
use crate::app::App;
use crate::fault;

/// What is written at once: a leaf of the tree.
const PIECE_BYTES: usize = 1 << 20;
/// A client that sends nothing for so long has gone without saying so.
const SILENCE: Duration = Duration::from_secs(60);

/// Why no more bytes were taken.
#[derive(Debug)]
pub enum End {
    /// The body ended as it should.
    Body,
    /// The connection broke, or nothing came for a long time.
    Lost,
    /// Another request for the same upload takes over.
    TakenOver,
    /// Its owner gives the upload up.
    GivenUp,
    /// The node stops.
    Stopping,
    /// More came than was announced; what would have gone over was left out.
    TooLong,
    /// The content store refused.
    Failed(Error),
    /// The writing thread panicked.
    Panicked(String),
}

pub struct Received {
    pub end: End,
    /// Absent after a failure: then what is on the disk is to be looked at anew.
    pub partial: Option<PartialBlob>,
    /// Whether any byte came.
    pub any: bool,
}

/// Appends a body to an upload.
pub async fn receive(partial: PartialBlob, body: Body, lease: &Lease, app: &App) -> Received {
    let mut left = partial.size_bytes() - partial.offset();
    let mut writer = Writer { state: WriterState::Ready(Box::new(partial)), spare: Vec::new() };
    let changed = || app.uploads.changes.tell(lease.id());
    let mut stream = body.into_data_stream();
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    let mut any = false;
    let end = loop {
        let chunk = match next(&mut stream, lease, app).await {
            Ok(chunk) => chunk,
            Err(end) => break end,
        };
        if chunk.len() as u64 > left {
            break End::TooLong;
        }
        left -= chunk.len() as u64;
        if !any && !chunk.is_empty() {
            any = true;
            keep(app, lease.id()).await;
        }
        lease.touch();
        if let Err(end) = collect(&mut piece, &chunk, &mut writer).await {
            break end;
        }
        changed();
    };
    // Nothing was put down since a failure, and nothing may follow it.
    if matches!(end, End::Failed(_) | End::Panicked(_)) {
        return Received { end, partial: None, any };
    }
    let last = writer.write(piece).await.err();
    match (last, writer.take().await) {
        (None, Ok(partial)) => Received { end, partial: Some(partial), any },
        (Some(failure), _) | (None, Err(failure)) => Received { end: failure, partial: None, any },
    }
}

/// From its first byte on an upload holds more than room. A body may take longer than an empty upload lives.
async fn keep(app: &App, id: UploadId) {
    if let Err(error) = store::prolong(&app.database, id, app.clock.now_ms() + LIFE_MS).await {
        // It is tried again at the body's end, which then tells.
        tracing::warn!(%error, upload = %id, "an upload's life isn't prolonged yet");
    }
}

/// The next bytes, or why there are none.
async fn next(stream: &mut BodyDataStream, lease: &Lease, app: &App) -> Result<Bytes, End> {
    tokio::select! {
        biased;
        () = app.tasks.stop.cancelled() => Err(End::Stopping),
        why = lease.let_go() => Err(match why {
            LetGo::TakenOver => End::TakenOver,
            LetGo::GivenUp => End::GivenUp,
        }),
        chunk = timeout(SILENCE, stream.next()) => match chunk {
            Ok(Some(Ok(chunk))) => Ok(chunk),
            Ok(None) => Err(End::Body),
            Ok(Some(Err(_))) | Err(_) => Err(End::Lost),
        },
    }
}

/// Copies into the piece, and hands it on each time that it is full.
async fn collect(piece: &mut Vec<u8>, mut chunk: &[u8], writer: &mut Writer) -> Result<(), End> {
    while !chunk.is_empty() {
        let (now, later) = chunk.split_at(chunk.len().min(PIECE_BYTES - piece.len()));
        piece.extend_from_slice(now);
        chunk = later;
        if piece.len() == PIECE_BYTES {
            let full = std::mem::take(piece);
            *piece = writer.write(full).await?;
        }
    }
    Ok(())
}

/// The partial file, and the piece that is on its way into it.
struct Writer {
    state: WriterState,
    /// The buffer of the piece before.
    spare: Vec<u8>,
}

enum WriterState {
    Ready(Box<PartialBlob>),
    Writing(JoinHandle<(PartialBlob, Vec<u8>, Result<(), Error>)>),
    Broken,
}

impl Writer {
    /// Waits for the piece before, starts to write this one, and gives an empty buffer back.
    async fn write(&mut self, piece: Vec<u8>) -> Result<Vec<u8>, End> {
        let mut partial = self.take().await?;
        self.state = WriterState::Writing(tokio::task::spawn_blocking(move || {
            let written = partial.append(&piece);
            if written.is_ok() && !piece.is_empty() {
                fault::point("upload.after-append");
            }
            (partial, piece, written)
        }));
        let mut spare = std::mem::take(&mut self.spare);
        spare.clear();
        spare.reserve_exact(PIECE_BYTES);
        Ok(spare)
    }

    async fn take(&mut self) -> Result<PartialBlob, End> {
        match std::mem::replace(&mut self.state, WriterState::Broken) {
            WriterState::Ready(partial) => Ok(*partial),
            WriterState::Writing(writing) => {
                let (partial, piece, written) = writing.await.map_err(|error| End::Panicked(error.to_string()))?;
                written.map_err(End::Failed)?;
                self.spare = piece;
                Ok(partial)
            }
            WriterState::Broken => Err(End::Panicked("the writer was used after it failed".to_owned())),
        }
    }
}
