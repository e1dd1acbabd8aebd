//! Previews of what is neither film nor sound: a job makes still pictures of the file in several sizes, the node puts them
//! into a folder, and everybody may fetch that once the file is published.
//!
//! No record names a preview: it is this node's picture of a file whose bytes were signed, and pages say so.

use pinreel_content::{Link, Pin, parse_cid};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::app::App;
use crate::pinning;

use super::complete::borrowed;
use super::error::MediaError;
use super::measured::{self, File};
use super::model::JobState;
use super::store::{self, DeliveredFile, DuePreview, Held};

/// How wide a picture of a publication in a list is, and one that stands for its page elsewhere.
pub const CARD_WIDTH: u32 = 640;
pub const PAGE_WIDTH: u32 = 1280;

/// One size of a preview: `<width>.webp` in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewSize {
    pub width: u32,
    pub height: u32,
    pub bytes: u64,
}

/// How far a source's preview is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preview {
    pub state: JobState,
    /// Why there is none, as a sentence
    pub reason: Option<String>,
    /// The folder with `<width>.webp` for each of the sizes, once it is made
    pub root: Option<String>,
    /// Of what it was made from, upright: pixels of a picture, points of a page
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// The smallest first
    pub sizes: Vec<PreviewSize>,
    #[serde(skip)]
    pub is_shown: bool,
}

impl Preview {
    /// As everybody sees it: what can't be fetched yet isn't made yet.
    #[must_use]
    pub fn public(self) -> Self {
        if self.is_shown || self.root.is_none() {
            return self;
        }
        Self { state: JobState::Running, root: None, sizes: Vec::new(), ..self }
    }
}

/// What a job made.
#[derive(Clone, Debug)]
pub struct MadePreview {
    pub source: String,
    pub root: String,
    pub width: i32,
    pub height: i32,
    pub sizes: Vec<PreviewSize>,
    pub worker: String,
}

/// The path of the picture that is best shown so wide: the smallest that isn't narrower, else the largest.
pub fn picture(root: &str, sizes: &[PreviewSize], width: u32) -> Option<String> {
    let best = sizes.iter().find(|size| size.width >= width).or(sizes.last())?;
    Some(format!("/ipfs/{root}/{}.webp", best.width))
}

/// Ends a preview's job by building its folder. The same again for the same lease changes nothing.
pub(super) async fn complete(
    app: &App,
    held: &Held,
    sent: &pinreel_runner::Transcoded,
    log: &[(i32, String)],
) -> Result<(), MediaError> {
    if held.completed {
        return Ok(());
    }
    let checked = measured::check_preview(sent)?;
    let (key, now_ms) = ((held.job, held.epoch), app.clock.now_ms());
    let links = links(&checked.files, &store::delivered(&app.database, key).await?)?;
    let (content, job) = (app.store.clone(), held.job);
    let build = spawn_blocking(move || {
        let root = content.put_directory(borrowed(&links))?;
        // As the retention would by and by: a node that is stopped a moment later may be tidied up by hand.
        let (owner, reason) = (format!("preview:{job}"), "a preview".to_owned());
        content.pin(&Pin { cid: root.cid, owner, reason, since_ms: now_ms.unsigned_abs(), until_ms: None })?;
        Ok::<_, MediaError>(root.cid.to_string())
    });
    let root = build.await.map_err(|error| MediaError::Store(error.to_string()))??;
    let made = MadePreview {
        source: held.source.clone(),
        root,
        width: checked.width,
        height: checked.height,
        sizes: checked.sizes,
        worker: held.worker.clone(),
    };
    let mut transaction = app.database.begin().await?;
    if !store::complete_preview(&mut transaction, key, &made, now_ms).await? {
        return Err(MediaError::LeaseLost);
    }
    store::keep_lines(&mut transaction, key, log, now_ms).await?;
    store::note(&mut transaction, held.job, "complete", now_ms).await?;
    transaction.commit().await?;
    tracing::info!(job = %held.job, root = made.root, "preview made");
    Ok(())
}

/// What the folder needs of each file; each must have been delivered with just these bytes.
fn links(files: &[File], delivered: &[DeliveredFile]) -> Result<Vec<(String, Link)>, MediaError> {
    let link = |file: &File| {
        let is_same = |held: &&DeliveredFile| {
            held.name == file.name && held.cid == file.cid && held.size_bytes.unsigned_abs() == file.bytes
        };
        let held = delivered.iter().find(is_same)?;
        let link = Link { cid: parse_cid(&held.cid)?, tsize: held.tsize_bytes.unsigned_abs() };
        Some((file.leaf_name().to_owned(), link))
    };
    files.iter().map(|file| link(file).ok_or_else(|| MediaError::FileMissing(file.name.clone()))).collect()
}

/// Lets everybody fetch a preview whose source is published by now.
pub(super) async fn show(app: &App, due: DuePreview) -> Result<(), MediaError> {
    let root = parse_cid(&due.root).ok_or_else(|| MediaError::Store(format!("{} is no CID", due.root)))?;
    let content = app.store.clone();
    // Before the row says so: what a page names can be fetched.
    let published = spawn_blocking(move || content.publish(&root)).await;
    published.map_err(|error| MediaError::Store(error.to_string()))??;
    let mut transaction = app.database.begin().await?;
    if store::set_shown(&mut transaction, due.job).await? {
        let (root, now_ms) = ((due.root.as_str(), pinning::Role::Preview), app.clock.now_ms());
        pinning::want(&mut transaction, root, &due.file_name, now_ms).await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_the_smallest_that_is_wide_enough() {
        let size = |width| PreviewSize { width, height: 1, bytes: 1 };
        let sizes = [size(320), size(640), size(1000)];
        for (width, expected) in [(1, "320"), (320, "320"), (640, "640"), (641, "1000"), (1280, "1000")] {
            assert_eq!(picture("r", &sizes, width).unwrap(), format!("/ipfs/r/{expected}.webp"));
        }
        assert_eq!(picture("r", &[], 1), None);
    }
}
