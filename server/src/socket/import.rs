//! POST `/import?name=&bytes=`: the DAGs of a CAR file become public content of this node, pinned.

use std::io::{self, Read};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use pinreel_content::{CarImport, CarRoom, Error, Pin, Store, raw_cid};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::Fault;
use crate::app::App;
use crate::http::{ApiError, ApiQuery, ApiResult};
use crate::uploads;

/// Chunks on their way from the socket to the importing thread.
const QUEUE: usize = 8;
/// How much of a refused file is still read.
const DRAINED_BYTES: usize = 256 << 20;
/// Who pins what was imported.
const OWNER: &str = "import";

/// What one or several CAR files brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// CIDs that the files' headers name and that are public and pinned now.
    pub roots: Vec<String>,
    /// Those that the headers name and that are neither in the files nor here.
    #[serde(default)]
    pub absent: Vec<String>,
    /// How many links lead to what is neither in the files nor here.
    #[serde(default)]
    pub missing: u64,
    /// The first of these.
    #[serde(default)]
    pub first_missing: Option<String>,
    pub blocks: u64,
    pub bytes: u64,
}

impl Imported {
    pub fn add(&mut self, other: Self) {
        self.roots.extend(other.roots);
        self.absent.extend(other.absent);
        self.missing += other.missing;
        self.first_missing = self.first_missing.take().or(other.first_missing);
        self.blocks += other.blocks;
        self.bytes += other.bytes;
    }
}

impl From<CarImport> for Imported {
    fn from(import: CarImport) -> Self {
        Self {
            roots: import.roots.iter().map(ToString::to_string).collect(),
            absent: import.absent.iter().map(ToString::to_string).collect(),
            missing: import.missing,
            first_missing: import.first_missing.map(|cid| cid.to_string()),
            blocks: import.blocks,
            bytes: import.bytes,
        }
    }
}

/// Imports a CAR file as the operator does: its roots are public and pinned. A file that is refused changes nothing that
/// anybody sees; its good blocks stay, private, until the next collections take them.
pub fn import_car(
    store: &Store,
    now_ms: u64,
    (name, room): (&str, CarRoom),
    source: impl Read,
) -> Result<Imported, Error> {
    let (cid, owner) = (raw_cid([0; 32]), OWNER.to_owned());
    let pin = Pin { cid, owner, reason: name.to_owned(), since_ms: now_ms, until_ms: None };
    store.import_dags(source, &pin, room).map(Imported::from)
}

#[derive(Deserialize)]
pub struct Query {
    /// The file's name: why it is pinned.
    name: String,
    /// How long it is, if that is known.
    bytes: Option<u64>,
}

pub async fn import(State(app): State<App>, ApiQuery(query): ApiQuery<Query>, body: Body) -> ApiResult<Json<Imported>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let room = CarRoom { spare_bytes: uploads::kept_free_bytes(&app).await?, announced_bytes: query.bytes };
    let (store, now_ms) = (app.store.clone(), super::now_ms(&app));
    let reader = BodyReader { chunks: receiver, current: Bytes::new() };
    let importing = tokio::task::spawn_blocking(move || import_car(&store, now_ms, (&query.name, room), reader));
    let mut stream = body.into_data_stream();
    loop {
        let chunk = tokio::select! {
            chunk = stream.next() => chunk,
            () = app.tasks.stop.cancelled() => Some(Err(axum::Error::new("the node is stopping"))),
        };
        let Some(chunk) = chunk else { break };
        let is_last = chunk.is_err();
        // The thread stops listening at the first wrong block.
        if sender.send(chunk.map_err(io::Error::other)).await.is_err() || is_last {
            break;
        }
    }
    drop(sender);
    // Who is still sending must come to hear why it was refused, and not only that nobody listens.
    let mut drained = 0;
    while drained < DRAINED_BYTES
        && !app.tasks.stop.is_cancelled()
        && let Some(Ok(chunk)) = stream.next().await
    {
        drained += chunk.len();
    }
    let imported = importing.await.map_err(ApiError::internal)?;
    imported.map(Json).map_err(|error| match error {
        _ if app.tasks.stop.is_cancelled() => super::stopping(),
        other => refusal(Fault::from(other)),
    })
}

/// A fault as a problem document; the operator is told everything.
pub fn refusal(fault: Fault) -> ApiError {
    let (status, code) = match fault.code.as_str() {
        "car_refused" => (StatusCode::UNPROCESSABLE_ENTITY, "car_refused"),
        "block_refused" => (StatusCode::UNPROCESSABLE_ENTITY, "block_refused"),
        "content_malformed" => (StatusCode::UNPROCESSABLE_ENTITY, "content_malformed"),
        "cid_malformed" => (StatusCode::BAD_REQUEST, "cid_malformed"),
        "not_held" => (StatusCode::NOT_FOUND, "not_held"),
        "erased" => (StatusCode::GONE, "erased"),
        "disk_full" => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        _ => {
            tracing::error!(code = fault.code, message = fault.message, "the store failed the operator");
            (StatusCode::INTERNAL_SERVER_ERROR, "store")
        }
    };
    ApiError::new(status, code, fault.message)
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
