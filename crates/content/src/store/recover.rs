//! What opening a store puts right: leftovers of a crash, files that went missing, files that nobody indexed.

use std::{
    fs::{self, DirEntry},
    path::Path,
};

use cid::Cid;
use tracing::{info, warn};

use super::{
    Store,
    index::{Blob, Parts},
    place,
};
use crate::{
    Error, Result,
    address::{RAW, digest_of, parse_cid},
    dagpb, disk,
};

impl Store {
    pub(super) fn recover(&self) -> Result<()> {
        for file in files(&self.inner.dir.join("tmp"))? {
            fs::remove_file(file.path()).map_err(Error::io("remove the leftover", file.path()))?;
        }
        let removing = self.inner.index.read()?.removing()?;
        if let Err(error) = self.remove_files(&removing) {
            warn!(%error, "a file that is to go can't be removed; it is given to nobody");
        }
        self.drop_entries_without_file()?;
        match self.index_files_without_entry() {
            Err(error) if error.is_disk_full() => {
                warn!(%error, "a file without an entry waits for a start with more room")
            }
            indexed => indexed?,
        }
        self.load_damage()?;
        if let Err(error) = self.finish_erasures() {
            warn!(%error, "what was erased can't be removed; it is given to nobody");
        }
        Ok(())
    }

    fn drop_entries_without_file(&self) -> Result<()> {
        let mut lost: Vec<Blob> = Vec::new();
        for blob in self.inner.index.read()?.blobs()? {
            let blob = blob?;
            let path = self.blob_path(&blob.cid());
            match place::size(&path) {
                Ok(found) if found == blob.size_bytes => {}
                Ok(found) => {
                    warn!(path = %path.display(), size_bytes = found, expected = blob.size_bytes, "a stored file has another size; its entry is dropped");
                    lost.push(blob);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    warn!(path = %path.display(), "a stored file is missing; its entry is dropped");
                    lost.push(blob);
                }
                Err(error) => return Err(Error::io("look at", path)(error)),
            }
        }
        lost.iter().try_for_each(|blob| self.forget(blob))
    }

    /// Takes a blob out of the index, with what only it needs.
    pub(super) fn forget(&self, blob: &Blob) -> Result<()> {
        let parts = self.parts_of(blob)?;
        self.inner.index.write_freeing(|tables| {
            // Its leaves were public with it; should they come back one by one, they are what they were.
            if tables.is_public(&blob.root)? {
                parts.leaves.iter().try_for_each(|leaf| tables.publish(leaf).map(drop))?;
            }
            tables.remove_blob(&blob.root, &parts, |_| false)
        })
    }

    /// Walks a blob's tree for its leaves and nodes.
    pub(super) fn parts_of(&self, blob: &Blob) -> Result<Parts> {
        let mut parts = Parts::default();
        if blob.is_leaf() {
            return Ok(parts);
        }
        let index = self.inner.index.read()?;
        let mut stack = vec![blob.cid()];
        // How many of the last nodes wait for their first leaf.
        let mut waiting = 0;
        while let Some(cid) = stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            if cid.codec() == RAW {
                let from = parts.nodes.len() - waiting;
                parts.nodes[from..].iter_mut().for_each(|(_, first_leaf)| *first_leaf = Some(digest));
                parts.leaves.push(digest);
                waiting = 0;
                continue;
            }
            parts.nodes.push((digest, None));
            waiting += 1;
            if let Some(block) = index.node(&digest)? {
                let node = dagpb::decode(&block).map_err(Error::malformed(&cid))?;
                stack.extend(node.links.iter().rev().map(|link| link.cid));
            }
        }
        Ok(parts)
    }

    fn index_files_without_entry(&self) -> Result<()> {
        for shard in entries(&self.inner.dir.join("blobs"))? {
            if shard.file_type().is_ok_and(|kind| kind.is_dir()) {
                files(&shard.path())?.iter().try_for_each(|file| self.index_file(file))?;
            }
        }
        Ok(())
    }

    fn index_file(&self, file: &DirEntry) -> Result<()> {
        let path = file.path();
        let named = file.file_name().to_str().and_then(parse_cid).filter(|cid| self.blob_path(cid) == path);
        if let Some(digest) = named.as_ref().and_then(digest_of)
            && self.inner.index.read()?.blob(&digest)?.is_some()
        {
            return Ok(());
        }
        let tree = disk::file_tree(&path, disk::all_cores(), &|_| {})?;
        if named != Some(tree.root) {
            return self.set_aside(&path, named);
        }
        info!(path = %path.display(), "a file without an entry is indexed");
        self.index_blob(&tree)
    }

    pub(super) fn set_aside(&self, path: &Path, named: Option<Cid>) -> Result<()> {
        warn!(path = %path.display(), named = named.map(|cid| cid.to_string()), "a file is not what its name says; it is set aside");
        let folder = self.inner.dir.join("damaged");
        fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        let target = folder.join(path.file_name().unwrap_or_default());
        fs::rename(path, &target).map_err(Error::io("move a damaged file to", target))
    }
}

/// The files in a folder. What else somebody put there is told, and left alone.
pub(super) fn files(folder: &Path) -> Result<Vec<DirEntry>> {
    let mut files = entries(folder)?;
    files.retain(|entry| {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file {
            warn!(path = %entry.path().display(), "what is here is no file, and is left alone");
        }
        is_file
    });
    Ok(files)
}

pub(super) fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let listed = fs::read_dir(folder).and_then(|entries| entries.collect());
    listed.map_err(Error::io("list", folder))
}
