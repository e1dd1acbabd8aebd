//! Whole files: writing them, and putting finished ones in their place.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use super::{Store, lock, sync_folder};
use crate::{
    Error, FileHasher, Result, Stored,
    address::digest_of,
    import::{BYTES_AT_ONCE, Tree},
};

/// What a leaf's row takes in the index.
const LEAF_ROW_BYTES: usize = 64;

impl Store {
    /// Stores bytes as a file; they are private until published. Bytes that are held already are kept once.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Stored> {
        let mut writer = self.writer()?;
        writer.write(bytes)?;
        writer.finish()
    }

    /// Stores all that a reader gives as a file.
    pub fn put_reader(&self, mut source: impl Read) -> Result<Stored> {
        let mut writer = self.writer()?;
        let mut buffer = Vec::with_capacity(BYTES_AT_ONCE);
        loop {
            let mut next = source.by_ref().take(BYTES_AT_ONCE as u64);
            next.read_to_end(&mut buffer).map_err(|error| Error::io("read the source for", &writer.path)(error))?;
            if buffer.is_empty() {
                return writer.finish();
            }
            writer.write(&buffer)?;
            buffer.clear();
        }
    }

    /// Starts a file whose bytes come piece by piece.
    pub fn writer(&self) -> Result<BlobWriter> {
        let path = self.temporary_path();
        let file = File::options().write(true).create_new(true).open(&path).map_err(Error::io("make", &path))?;
        Ok(BlobWriter { store: self.clone(), file, path, hasher: FileHasher::new(), placed: false })
    }

    /// Moves a complete, synced file to its place and indexes it. The source is gone afterwards.
    pub(super) fn place_blob(&self, source: &Path, tree: &Tree) -> Result<Stored> {
        let target = self.blob_path(&tree.root);
        let digest = digest_of(&tree.root).ok_or(Error::HashUnsupported(tree.root))?;
        let _files = lock(&self.inner.files);
        if self.inner.index.read()?.is_erased(&digest)? {
            return Err(Error::Erased(tree.root));
        }
        self.touch(tree.nodes.iter().map(|(digest, _)| digest).chain([&digest]));
        // Whatever is there gives way to bytes that have just been hashed: it may have changed since it was.
        let was_there = fs::symlink_metadata(&target).is_ok();
        self.rename_into_place(source, &target)?;
        if was_there {
            self.new_epoch();
        }
        self.fault("blob.renamed");
        self.index_blob(tree)?;
        self.forget_damage(&digest)?;
        self.fault("blob.indexed");
        Ok(tree.stored())
    }

    /// Indexes a blob whose file is in place.
    pub(super) fn index_blob(&self, tree: &Tree) -> Result<()> {
        let root = digest_of(&tree.root).ok_or(Error::HashUnsupported(tree.root))?;
        if self.inner.index.read()?.blob(&root)?.is_some() {
            return Ok(());
        }
        let rows = (tree.leaves.len() * LEAF_ROW_BYTES) as u64;
        let nodes: u64 = tree.nodes.iter().map(|(_, block)| block.len() as u64).sum();
        self.inner.index.write_sized(rows + nodes, |tables| tables.insert_blob(tree, root))
    }

    fn rename_into_place(&self, source: &Path, target: &Path) -> Result<()> {
        let shard = target.parent().unwrap_or(&self.inner.dir);
        if !shard.is_dir() {
            fs::create_dir_all(shard).map_err(Error::io("make the folder", shard))?;
            sync_folder(&self.inner.dir.join("blobs"))?;
        }
        fs::rename(source, target).map_err(Error::io("move a finished file to", target))?;
        sync_folder(shard)
    }
}

/// Writes a file into the store and hashes it on the way. Dropped unfinished, it leaves nothing.
pub struct BlobWriter {
    store: Store,
    file: File,
    path: PathBuf,
    hasher: FileHasher,
    placed: bool,
}

impl BlobWriter {
    /// Appends bytes, any number.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// How many bytes have been written.
    pub fn size_bytes(&self) -> u64 {
        self.hasher.size_bytes()
    }

    /// Makes the file durable and gives its CID.
    pub fn finish(mut self) -> Result<Stored> {
        self.store.fault("blob.written");
        self.file.sync_data().map_err(Error::io("sync", &self.path))?;
        self.store.fault("blob.synced");
        let tree = std::mem::take(&mut self.hasher).finish_tree();
        let stored = self.store.place_blob(&self.path, &tree)?;
        self.placed = true;
        Ok(stored)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.placed {
            // A file that cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
