//! Uploading by tus 1.0.0, over dropped connections and restarts of the node, from wherever an earlier run got to.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use futures_util::TryStreamExt;
use pinreel_content::{BYTES_AT_ONCE, Cid, FileHasher};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Body, Method, StatusCode};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::beside::Companion;
use super::state::{self, What};
use crate::cli::answer::Failure;
use crate::cli::client::{CallError, Node, Patience, may_pass};
use crate::cli::progress::{Bar, Progress};

const CHUNK_BYTES: usize = 256 * 1024;
/// Uploads begun anew because the node had given the one before up.
const MAX_BEGINNINGS: u32 = 3;

/// The file to publish.
#[derive(Clone, Debug)]
pub struct LocalFile {
    pub path: PathBuf,
    pub name: String,
    pub size_bytes: u64,
    pub cid: Cid,
}

/// An upload as the node shows it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Upload {
    pub id: String,
    pub media_type: String,
    pub state: String,
    pub source: Option<String>,
    /// Not all of its bytes are there and right any more.
    #[serde(default)]
    pub damaged: bool,
    pub job: Option<Job>,
    /// The playback root, with what lies beside the film.
    #[serde(default)]
    pub root: Option<String>,
    #[serde(default)]
    pub companions: Vec<Companion>,
    /// Something is still to be put into the root.
    #[serde(default)]
    pub unfinished: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    pub state: String,
    pub playable: bool,
    pub fraction: f64,
    pub duration_ms: Option<u64>,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub root: Option<String>,
    /// Sentences for the creator, such as that the end of the file is missing.
    #[serde(default)]
    pub warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Uploads {
    items: Vec<Upload>,
}

/// Reads the whole file for its CID.
pub async fn examine(path: &Path, progress: &Progress) -> Result<LocalFile, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new("file_unreadable", format!("{} can't be read ({error}).", path.display()));
    let meta = tokio::fs::metadata(path).await.map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Failure::new("file_unreadable", format!("{} is no file.", path.display())));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bar = progress.bytes("reading", meta.len());
    let owned = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(owned)?;
        let mut hasher = FileHasher::new();
        let mut buffer = vec![0; BYTES_AT_ONCE];
        loop {
            match std::io::Read::read(&mut file, &mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => {
                    hasher.update(&buffer[..read]);
                    bar.add(read as u64);
                }
            }
        }
    });
    let stored = hashed.await.map_err(|error| Failure::new("internal", error))?.map_err(unreadable)?;
    Ok(LocalFile { path: path.to_owned(), name, size_bytes: stored.size_bytes, cid: stored.cid })
}

/// The node holds all bytes of the file as an upload of this channel: one from before, or one that is made now.
pub async fn ensure(node: &Node, what: &What, file: &LocalFile, progress: &Progress) -> Result<Upload, Failure> {
    let uploads: Uploads = node.call_patiently(Method::GET, "/api/v1/uploads", None).await?;
    // One that was damaged since is mended by sending it again.
    let is_same =
        |upload: &Upload| upload.state == "stored" && !upload.damaged && upload.source.as_deref() == Some(&what.source);
    if let Some(upload) = uploads.items.into_iter().find(is_same) {
        return Ok(upload);
    }
    let mut at = state::recall(what);
    for _ in 0..MAX_BEGINNINGS {
        let path = match at.take() {
            Some(path) => path,
            None => create(node, file).await?,
        };
        state::remember(what, Some(&path))?;
        if send(node, &path, file, progress).await? {
            let upload: Upload = node.call_patiently(Method::GET, &path, None).await?;
            state::remember(what, None)?;
            return check(upload, file);
        }
        state::remember(what, None)?;
    }
    Err(Failure::new("upload_gone", "The node gives every upload of this file up; look into its log."))
}

/// What the node holds must be what was read here: the file may have changed meanwhile, or the node be wrong.
fn check(upload: Upload, file: &LocalFile) -> Result<Upload, Failure> {
    if upload.source.as_deref() == Some(&file.cid.to_string()) {
        return Ok(upload);
    }
    let held = upload.source.as_deref().unwrap_or("nothing");
    Err(Failure::new(
        "source_differs",
        format!(
            "{} is {} here, but the node holds {held}; the file changed while it was uploaded.",
            file.name, file.cid
        ),
    ))
}

async fn create(node: &Node, file: &LocalFile) -> Result<String, Failure> {
    // What type that is, the node finds by the name and the first bytes, as for a file from a browser.
    let metadata = format!("filename {}", BASE64.encode(file.name.as_bytes()));
    let mut patience = Patience::default();
    loop {
        let request = tus(node, Method::POST, "/api/v1/uploads")?
            .header("upload-length", file.size_bytes)
            .header("upload-metadata", &metadata);
        match node.send(request).await {
            Ok(response) => {
                let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let location = location.ok_or_else(|| Failure::new("node_odd", "The node names no upload."))?;
                return Ok(location.to_owned());
            }
            Err(error) if may_pass(&error) && !is_own_limit(&error) && patience.pause().await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the channel's other uploads are in the way: they don't end by waiting.
fn is_own_limit(error: &CallError) -> bool {
    matches!(error.code(), "upload_quota" | "uploads_unfinished")
}

/// Sends what is missing. False: the node doesn't know this upload any more.
async fn send(node: &Node, path: &str, file: &LocalFile, progress: &Progress) -> Result<bool, Failure> {
    let bar = progress.bytes("uploading", file.size_bytes);
    let (mut patience, mut best) = (Patience::default(), 0);
    loop {
        let outcome = match offset(node, path).await {
            Ok(offset) => {
                if offset > best {
                    (best, patience) = (offset, Patience::default());
                }
                bar.set(offset);
                if offset >= file.size_bytes {
                    return Ok(true);
                }
                send_from(node, path, file, offset, &bar).await?
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {}
            Err(error) if error.code() == "content_erased" => return Err(error.into()),
            Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::GONE)) => return Ok(false),
            Err(error) if goes_on(&error) && patience.pause().await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether asking for the offset and going on from there may help.
fn goes_on(error: &CallError) -> bool {
    let is_known = matches!(error.code(), "offset_conflict" | "body_broken_off");
    let is_server = error.status().is_some_and(|status| status.is_server_error());
    is_known || may_pass(error) || (is_server && error.status() != Some(StatusCode::INSUFFICIENT_STORAGE))
}

async fn send_from(
    node: &Node,
    path: &str,
    file: &LocalFile,
    offset: u64,
    bar: &Bar,
) -> Result<Result<(), CallError>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new("file_unreadable", format!("{} can't be read ({error}).", file.path.display()))
    };
    let mut bytes = File::open(&file.path).await.map_err(unreadable)?;
    bytes.seek(SeekFrom::Start(offset)).await.map_err(unreadable)?;
    let left_bytes = file.size_bytes - offset;
    let counted = bar.clone();
    let stream = ReaderStream::with_capacity(bytes.take(left_bytes), CHUNK_BYTES)
        .inspect_ok(move |chunk| counted.add(chunk.len() as u64));
    let request = tus(node, Method::PATCH, path)?
        .header("upload-offset", offset)
        .header(CONTENT_TYPE, "application/offset+octet-stream")
        .header(CONTENT_LENGTH, left_bytes)
        .body(Body::wrap_stream(stream));
    Ok(node.send(request).await.map(drop))
}

async fn offset(node: &Node, path: &str) -> Result<u64, CallError> {
    let request = tus(node, Method::HEAD, path).map_err(|failure| CallError::Away(failure.message))?;
    let response = node.send(request).await?;
    header(response.headers(), "upload-offset")
        .ok_or_else(|| CallError::Away("The node doesn't say how far the upload is.".to_owned()))
}

fn header(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn tus(node: &Node, method: Method, path: &str) -> Result<reqwest::RequestBuilder, Failure> {
    Ok(node.request(method, path)?.header("tus-resumable", "1.0.0"))
}
