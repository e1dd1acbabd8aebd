//! POST `/import`: a CAR file becomes public blocks of this node.

use std::io::{self, BufReader, Read};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use pinreel_content::{CarImport, Error, Store, Visibility};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::app::App;
use crate::http::{ApiError, ApiResult};

/// Chunks on their way from the socket to the importing thread.
const QUEUE: usize = 8;
const READ_BUFFER: usize = 1 << 20;

/// What one or several CAR files brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// CIDs that the files' headers name.
    pub roots: Vec<String>,
    pub blocks: u64,
    pub bytes: u64,
}

impl Imported {
    pub fn add(&mut self, other: Self) {
        self.roots.extend(other.roots);
        self.blocks += other.blocks;
        self.bytes += other.bytes;
    }
}

impl From<CarImport> for Imported {
    fn from(import: CarImport) -> Self {
        Self {
            roots: import.roots.iter().map(ToString::to_string).collect(),
            blocks: import.blocks,
            bytes: import.bytes,
        }
    }
}

/// Imports a CAR file as the operator does: every block checked, and public. Good blocks before a bad one stay; alone
/// they harm nobody, and another try finds them there.
pub fn import_car(store: &Store, source: impl Read) -> Result<Imported, Error> {
    store.import_car(BufReader::with_capacity(READ_BUFFER, source), Visibility::Public).map(Imported::from)
}

pub async fn import(State(app): State<App>, body: Body) -> ApiResult<Json<Imported>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let store = app.store.clone();
    let reader = BodyReader { chunks: receiver, current: Bytes::new() };
    let importing = tokio::task::spawn_blocking(move || import_car(&store, reader));
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        // The thread stops listening at the first wrong block.
        if sender.send(chunk.map_err(io::Error::other)).await.is_err() {
            break;
        }
    }
    drop(sender);
    let imported = importing.await.map_err(ApiError::internal)?;
    imported.map(Json).map_err(|error| match error {
        Error::Car(_) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "car_refused", format!("{error}.")),
        Error::DiskFull(_) => ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", format!("{error}.")),
        other => ApiError::internal(other),
    })
}

/// An async body as a blocking reader. A body that breaks off is an error, never an early end.
struct BodyReader {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
