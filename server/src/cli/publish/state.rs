//! Unfinished uploads, remembered from one run to the next: which upload on which node holds the bytes of which file.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::keys::{home_folder, lock_beside};
use crate::cli::answer::Failure;
use crate::data::write_private;

/// Uploads remembered; the oldest go first. Nodes give unfinished ones up after two days.
const MAX_UPLOADS: usize = 200;

/// What an upload is of and for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// The node's log's name.
    pub node: String,
    pub channel: String,
    /// The file's CID.
    pub source: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    #[serde(flatten)]
    what: What,
    /// Its path on the node.
    upload: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct StateFile {
    uploads: Vec<Remembered>,
}

fn path() -> Result<PathBuf, Failure> {
    Ok(home_folder("XDG_STATE_HOME", ".local/state")?.join("pinreel/uploads.json"))
}

/// The upload that an earlier run began.
pub fn recall(what: &What) -> Option<String> {
    let file = read(&path().ok()?);
    file.uploads.into_iter().find(|remembered| remembered.what == *what).map(|remembered| remembered.upload)
}

/// Remembers an upload in place of an earlier one; `None` forgets it.
pub fn remember(what: &What, upload: Option<&str>) -> Result<(), Failure> {
    let path = path()?;
    let failed = |error: io::Error| {
        Failure::new("state_unwritable", format!("The state file {} can't be written ({error}).", path.display()))
    };
    let _lock = lock_beside(&path).map_err(failed)?;
    let mut file = read(&path);
    file.uploads.retain(|remembered| remembered.what != *what);
    file.uploads.extend(upload.map(|upload| Remembered { what: what.clone(), upload: upload.to_owned() }));
    let surplus = file.uploads.len().saturating_sub(MAX_UPLOADS);
    file.uploads.drain(..surplus);
    let text = serde_json::to_string_pretty(&file).map_err(|error| failed(error.into()))?;
    write_private(&path, text.as_bytes()).map_err(failed)
}

/// A file that is missing or damaged remembers nothing: then an upload begins anew, and no more is lost.
fn read(path: &PathBuf) -> StateFile {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
