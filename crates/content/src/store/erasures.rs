//! What was erased, in a file beside the index as well: `erased`, a line for each, with the CID as a raw block and when, in
//! milliseconds since 1970.
//!
//! The index is what is asked. But of an index that is torn, rows of erasures can't be told from others, and what was
//! erased must stay out of one that is made anew.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use cid::Cid;

use super::Store;
use crate::{
    Digest, Error, Result,
    address::{dag_pb_cid, digest_of, parse_cid, raw_cid},
};

pub(super) const FILE: &str = "erased";

impl Store {
    /// What was erased, each as a raw block and as dag-pb, since only its hash is known.
    pub fn erased(&self) -> Result<Vec<Cid>> {
        let erased = self.inner.index.read()?.erasures()?;
        Ok(erased.into_iter().flat_map(|(digest, _)| [raw_cid(digest), dag_pb_cid(digest)]).collect())
    }

    /// Writes an erasure down that the index has. On a full disk it is in the index alone, until the next start.
    pub(super) fn write_erasure_down(&self, digest: &Digest, now_ms: u64) {
        if let Err(error) = append(&self.inner.dir, &[(*digest, now_ms)]) {
            tracing::warn!(%error, "an erasure is noted in the index only");
        }
    }

    /// Makes the index and the file say the same. What the file lacks was erased before there was one, or while the disk was
    /// full; what the index lacks, since it was taken from a backup.
    pub(super) fn agree_on_erasures(&self) -> Result<()> {
        let written = read(&self.inner.dir)?;
        let mut missing = self.inner.index.read()?.erasures()?;
        let known: HashSet<Digest> = missing.iter().map(|(digest, _)| *digest).collect();
        if !written.iter().all(|(digest, _)| known.contains(digest)) {
            self.take_erasures_over()?;
        }
        let written: HashSet<Digest> = written.into_iter().map(|(digest, _)| digest).collect();
        missing.retain(|(digest, _)| !written.contains(digest));
        if !missing.is_empty()
            && let Err(error) = append(&self.inner.dir, &missing)
        {
            tracing::warn!(%error, "erasures are noted in the index only");
        }
        Ok(())
    }

    /// Takes what is written down into the index: it isn't public or pinned there any more either.
    pub(super) fn take_erasures_over(&self) -> Result<()> {
        let erased = read(&self.inner.dir)?;
        self.inner.index.write_freeing(|tables| erased.iter().try_for_each(|(digest, at)| tables.erase(digest, *at)))
    }
}

fn append(dir: &Path, erased: &[(Digest, u64)]) -> io::Result<()> {
    // A line that a crash cut short spoils none after it.
    let lines: String = erased.iter().map(|(digest, at)| format!("\n{} {at}\n", raw_cid(*digest))).collect();
    let mut file = File::options().create(true).append(true).open(dir.join(FILE))?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()
}

fn read(dir: &Path) -> Result<Vec<(Digest, u64)>> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).lines().filter_map(erasure).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

fn erasure(line: &str) -> Option<(Digest, u64)> {
    let (cid, at) = line.split_once(' ')?;
    Some((digest_of(&parse_cid(cid)?)?, at.parse().ok()?))
}
