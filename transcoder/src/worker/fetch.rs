//! Fetching a job's source: resumed where it broke off, hashed while it is written, and checked against its CID.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use pinreel_content::FileHasher;

use super::client::{Backoff, JobClient, Trouble};
use super::job::Stop;
use crate::failure::Failure;

/// Whole fetches that end with the wrong hash before the job fails.
const TRIES: u32 = 2;

/// Fetches the source into `path`; `told` hears how many bytes there are.
pub async fn fetch(client: &JobClient, path: &Path, told: impl Fn(u64)) -> Result<File, Stop> {
    for _ in 0..TRIES {
        let (file, cid) = fetch_once(client, path, &told).await?;
        if cid == client.lease.source.cid {
            return Ok(file);
        }
        tracing::warn!(expected = client.lease.source.cid, got = cid, "the source arrived with another hash");
    }
    let text = "The transcoder got other bytes than those that were uploaded. Try again later.";
    Err(Stop::Failed(Failure::of_machine("source_mismatch", text)))
}

async fn fetch_once(client: &JobClient, path: &Path, told: &impl Fn(u64)) -> Result<(File, String), Stop> {
    let disk = |error: std::io::Error| Stop::Failed(Failure::disk(&error));
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(path).map_err(disk)?;
    let whole = client.lease.source.bytes;
    let mut hasher = FileHasher::new();
    let mut backoff = Backoff::new();
    // An empty source needs no call.
    while hasher.size_bytes() < whole {
        let before = hasher.size_bytes();
        match copy(client, &mut file, &mut hasher, told).await? {
            Ok(()) => {}
            Err(Trouble::Lost) => return Err(Stop::Lost),
            Err(trouble @ Trouble::Refused { .. }) => {
                return Err(Stop::Failed(Failure::internal(&trouble.to_string())));
            }
            Err(trouble) => {
                if hasher.size_bytes() > before {
                    backoff = Backoff::new();
                }
                backoff.warn("fetching the source", &trouble);
                backoff.wait().await;
            }
        }
    }
    file.rewind().map_err(disk)?;
    Ok((file, hasher.finish().cid.to_string()))
}

/// One call's bytes. The outer error ends the job, the inner one only this call.
async fn copy(
    client: &JobClient,
    file: &mut File,
    hasher: &mut FileHasher,
    told: &impl Fn(u64),
) -> Result<Result<(), Trouble>, Stop> {
    let mut response = match client.source(hasher.size_bytes()).await {
        Ok(response) => response,
        Err(trouble) => return Ok(Err(trouble)),
    };
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) if hasher.size_bytes() < client.lease.source.bytes => {
                return Ok(Err(Trouble::Away("the source ended too soon".to_owned())));
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(Trouble::Away(error.to_string()))),
        };
        if hasher.size_bytes() + chunk.len() as u64 > client.lease.source.bytes {
            return Err(Stop::Failed(Failure::internal("the source is longer than its lease says")));
        }
        file.write_all(&chunk).map_err(|error| Stop::Failed(Failure::disk(&error)))?;
        hasher.update(&chunk);
        told(hasher.size_bytes());
    }
}
