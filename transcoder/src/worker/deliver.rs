//! Delivering a job's files while the rest is still being made.

use std::cell::RefCell;
use std::collections::HashMap;

use futures_util::{TryStreamExt, stream};
use pinreel_runner::FileRef;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::client::{JobClient, Trouble, insist};
use super::grow::Told;
use super::job::Stop;
use crate::failure::Failure;
use crate::parent::folder::Folder;

/// Deliveries at a time.
const AT_ONCE: usize = 4;

/// Delivers every file that `names` brings until it is closed, and tells of each: what was delivered, by name.
pub async fn deliver(
    client: &JobClient,
    folder: &Folder,
    names: UnboundedReceiver<String>,
    told: UnboundedSender<Told>,
) -> Result<HashMap<String, FileRef>, Stop> {
    let (done, told) = (RefCell::new(HashMap::new()), &told);
    let names = stream::unfold(names, |mut names| async move { names.recv().await.map(|name| (Ok(name), names)) });
    names
        .try_for_each_concurrent(AT_ONCE, |name| async {
            let file = deliver_one(client, folder, &name).await?;
            done.borrow_mut().insert(name, file.clone());
            // Whoever listens may have given up; the job goes on.
            let _ = told.send(Told::Delivered(file));
            Ok(())
        })
        .await?;
    Ok(done.into_inner())
}

async fn deliver_one(client: &JobClient, folder: &Folder, name: &str) -> Result<FileRef, Stop> {
    let (file, bytes) = folder.read(name).map_err(Stop::Failed)?;
    let sent = insist("delivering a file", || client.put(&file, bytes.clone())).await;
    match sent {
        Ok(()) => Ok(file),
        Err(Trouble::Lost) => Err(Stop::Lost),
        Err(trouble) => Err(Stop::Failed(Failure::internal(&trouble.to_string()))),
    }
}
