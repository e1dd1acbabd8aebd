//! Reading files: from a blob with one `pread`, from foreign blocks by walking their DAG (`dag.rs`).

use std::{
    collections::HashSet,
    fs::File,
    io::{self, IoSliceMut},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use cid::Cid;
use rustix::{
    buffer::spare_capacity,
    io::{Errno, ReadWriteFlags, pread, preadv2},
};

use super::{
    Gate, Store,
    dag::read_dag,
    index::{Blob, Place},
    nodes::decode_unixfs,
    place::{self, Seen},
};
use crate::{
    Error, Result,
    address::{DAG_PB, RAW, digest_of, identity_data},
    import::LEAF_BYTES,
    unixfs::Type,
};

/// An open file. Cheap to clone; reads don't move a cursor and may happen in parallel.
#[derive(Clone)]
pub struct FileReader {
    cid: Cid,
    size_bytes: u64,
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// A stretch of a file in `blobs/`.
    Blob {
        file: Arc<File>,
        offset: u64,
        /// Leaves of the file whose bytes aren't given out.
        damaged: Arc<[u32]>,
        /// What was there when it was opened.
        seen: Arc<Seen>,
    },
    Memory(Bytes),
    /// A file of several foreign blocks, walked anew by each read; the root is kept.
    Dag {
        store: Store,
        gate: Gate,
        root: Bytes,
    },
}

impl Store {
    /// Opens a file by its CID: a UnixFS file, or any raw block. `None` if its root isn't held.
    ///
    /// # Errors
    /// [`Error::NotAFile`] for directories and other codecs; [`Error::Malformed`] when the sizes don't add up;
    /// [`Error::Damaged`] when somebody took the file away, which is noted as any other damage.
    pub fn open_file(&self, cid: &Cid) -> Result<Option<FileReader>> {
        self.open_file_through(cid, &Gate::default())
    }

    /// [`Store::open_file`] for someone who may not see every block: where a file is made of foreign blocks, each that
    /// isn't admitted reads as missing. Whether the file itself may be seen, the caller asks.
    pub fn open_file_through(&self, cid: &Cid, gate: &Gate) -> Result<Option<FileReader>> {
        let missed = match self.inner.open_files.get(cid) {
            Ok(file) => return Ok(Some(file)),
            Err(missed) => missed,
        };
        let file = self.find_file(cid, gate)?;
        // A file of foreign blocks keeps the gate that it was opened through, and so is for one asker only.
        if let Some(file) = file.as_ref().filter(|file| matches!(file.source, Source::Blob { .. })) {
            self.inner.open_files.put(&missed, file);
        }
        Ok(file)
    }

    /// Looks after the files that are kept open, here and by the caller. Where somebody else took one away, put another
    /// in its place or wrote to it, what is there is hashed, and what is wrong in it noted as damage; then it is opened anew.
    pub fn look_after_open_files(&self, others: Vec<FileReader>) -> Result<()> {
        let mut strayed = HashSet::new();
        for file in self.inner.open_files.all().into_iter().chain(others) {
            if let Source::Blob { seen, .. } = &file.source
                && !strayed.contains(&seen.blob)
                && !seen.is_still_there()
            {
                strayed.insert(seen.blob);
            }
        }
        for blob in &strayed {
            tracing::warn!(file = %blob, "a stored file that was open was taken away, replaced or changed by somebody else");
            self.scrub(blob, |_| {})?;
        }
        if !strayed.is_empty() {
            self.new_epoch();
        }
        Ok(())
    }

    fn find_file(&self, cid: &Cid, gate: &Gate) -> Result<Option<FileReader>> {
        if !matches!(cid.codec(), RAW | DAG_PB) {
            return if self.holds(cid)? { Err(Error::NotAFile(*cid)) } else { Ok(None) };
        }
        let place = match (identity_data(cid), digest_of(cid)) {
            (Some(data), _) => Some(Place::Node(Bytes::copy_from_slice(data))),
            (None, Some(digest)) => {
                let index = self.inner.index.read()?;
                if cid.codec() == DAG_PB
                    && let Some(blob) = index.blob(&digest)?
                    && !blob.is_leaf()
                {
                    return self.blob_reader(&blob).map(Some);
                }
                match index.place(&digest)? {
                    Some(Place::Node(block)) => Some(Place::Node(self.inner.checked.check(cid, &digest, block)?)),
                    place => place,
                }
            }
            (None, None) => None,
        };
        match place {
            None => Ok(None),
            Some(Place::Blob { blob, offset, length }) if cid.codec() == RAW => {
                let whole = self.blob_reader(&blob)?;
                let Source::Blob { file, damaged, seen, .. } = whole.source else { return Ok(None) };
                let source = Source::Blob { file, offset, damaged, seen };
                Ok(Some(FileReader { cid: *cid, size_bytes: length as u64, source }))
            }
            Some(Place::Node(block)) if cid.codec() == RAW => Ok(Some(FileReader::in_memory(*cid, block))),
            Some(Place::Node(block)) => self.dag_reader(cid, block, gate).map(Some),
            Some(Place::Blob { .. }) => match self.block(cid)? {
                Some(block) => self.dag_reader(cid, block, gate).map(Some),
                None => Ok(None),
            },
        }
    }

    /// A raw block that is a stretch of a stored file of which nothing is known to be damaged.
    pub(super) fn leaf(&self, cid: &Cid) -> Result<Option<FileReader>> {
        let digest = digest_of(cid).filter(|_| cid.codec() == RAW);
        let place = digest.map(|digest| self.inner.index.read()?.place(&digest)).transpose()?.flatten();
        let Some(Place::Blob { blob, offset, length }) = place else { return Ok(None) };
        Ok(match self.open_blob(&blob)?.source {
            Source::Blob { file, damaged, seen, .. } if damaged.is_empty() => {
                let source = Source::Blob { file, offset, damaged, seen };
                Some(FileReader { cid: *cid, size_bytes: length as u64, source })
            }
            _ => None,
        })
    }

    /// [`Store::blob_reader`] of a file that may be open already.
    pub(super) fn open_blob(&self, blob: &Blob) -> Result<FileReader> {
        match self.inner.open_files.get(&blob.cid()) {
            Ok(file) => Ok(file),
            Err(missed) => {
                let file = self.blob_reader(blob)?;
                self.inner.open_files.put(&missed, &file);
                Ok(file)
            }
        }
    }

    pub(super) fn blob_reader(&self, blob: &Blob) -> Result<FileReader> {
        let cid = blob.cid();
        let path = self.blob_path(&cid);
        let (file, meta) = match place::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.look_for_lost(blob, &path)?,
            opened => opened.map_err(Error::io("open the stored file", &path))?,
        };
        if meta.len() < blob.size_bytes {
            self.note_cut(blob, meta.len());
        }
        let (seen, damaged) = (Arc::new(Seen::new(cid, path, &meta)), self.damaged_leaves(blob).into());
        let source = Source::Blob { file: Arc::new(file), offset: 0, damaged, seen };
        Ok(FileReader { cid, size_bytes: blob.size_bytes, source })
    }

    fn dag_reader(&self, cid: &Cid, root: Bytes, gate: &Gate) -> Result<FileReader> {
        let (node, data) = decode_unixfs(cid, &root)?;
        if !matches!(data.kind, Type::File | Type::Raw) {
            return Err(Error::NotAFile(*cid));
        }
        let size_bytes = data.checked_file_size(node.links.len()).map_err(Error::malformed(cid))?;
        if node.links.is_empty() {
            let inline = root.slice_ref(data.data);
            return Ok(FileReader::in_memory(*cid, inline));
        }
        Ok(FileReader { cid: *cid, size_bytes, source: Source::Dag { store: self.clone(), gate: gate.clone(), root } })
    }
}

impl FileReader {
    fn in_memory(cid: Cid, bytes: Bytes) -> Self {
        Self { cid, size_bytes: bytes.len() as u64, source: Source::Memory(bytes) }
    }

    /// The file's CID.
    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    /// The file's size.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The open file and the offset in it, when all bytes lie in one and none is known to be wrong: for callers that read it by other means.
    pub fn as_file(&self) -> Option<(&Arc<File>, u64)> {
        match &self.source {
            Source::Blob { file, offset, damaged, .. } if damaged.is_empty() => Some((file, *offset)),
            _ => None,
        }
    }

    /// Reads bytes at an offset, as many as fit; fewer only at the end, or when a read touches very many blocks.
    /// 0 means the end. Blobs are not hashed again: whoever must know asks for blocks and checks them.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = &mut buffer[..wanted];
        match &self.source {
            Source::Blob { file, offset: base, damaged, .. } => {
                refuse_damaged(&self.cid, damaged, base + offset, wanted as u64)?;
                let read = read_full(file, buffer, base + offset);
                match read.map_err(Error::io("read the stored file", self.cid.to_string()))? {
                    0 if wanted > 0 => Err(Error::Damaged(self.cid)),
                    length => Ok(length),
                }
            }
            Source::Memory(bytes) => {
                let from = offset.min(bytes.len() as u64) as usize;
                buffer.copy_from_slice(&bytes[from..from + wanted]);
                Ok(wanted)
            }
            Source::Dag { store, gate, root } => read_dag((store, gate), (&self.cid, root), buffer, offset),
        }
    }

    /// Whether a stretch can be read, as far as is known without reading it.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&self, offset: u64, length: u64) -> Result<()> {
        match &self.source {
            Source::Blob { offset: base, damaged, .. } => refuse_damaged(&self.cid, damaged, base + offset, length),
            Source::Memory(_) | Source::Dag { .. } => Ok(()),
        }
    }

    /// Reads what is in memory already, without waiting for the disk; `None` when that needs a call that may block.
    /// As [`FileReader::read_at`] otherwise.
    pub fn read_cached(&self, buffer: &mut [u8], offset: u64) -> Result<Option<usize>> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        match &self.source {
            Source::Memory(_) => self.read_at(buffer, offset).map(Some),
            Source::Dag { .. } => Ok(None),
            Source::Blob { file, offset: base, damaged, .. } => {
                refuse_damaged(&self.cid, damaged, base + offset, wanted as u64)?;
                let mut buffers = [IoSliceMut::new(&mut buffer[..wanted])];
                match preadv2(file, &mut buffers, base + offset, ReadWriteFlags::NOWAIT) {
                    Ok(0) if wanted > 0 => Err(Error::Damaged(self.cid)),
                    Ok(length) => Ok(Some(length)),
                    // Not in memory, or a file system that can't tell.
                    Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INTR | Errno::NOSYS) => Ok(None),
                    Err(error) => Err(Error::io("read the stored file", self.cid.to_string())(error.into())),
                }
            }
        }
    }

    /// Reads exactly `length` bytes into memory that needn't be cleared before.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file ends before.
    pub(super) fn read_vec(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let Source::Blob { file, offset: base, damaged, .. } = &self.source else {
            let mut bytes = vec![0; length];
            return self.read_exact_at(&mut bytes, offset).map(|()| bytes);
        };
        refuse_damaged(&self.cid, damaged, base + offset, length as u64)?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = base + offset + bytes.len() as u64;
            match pread(file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(Error::Damaged(self.cid)),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Error::io("read the stored file", self.cid.to_string())(error.into())),
            }
        }
        // There may have been room for more.
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Reads exactly as much as fits.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the file ends before.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset + done as u64)? {
                0 => return Err(Error::Damaged(self.cid)),
                length => done += length,
            }
        }
        Ok(())
    }
}

/// An error when a stretch of a file touches a damaged leaf.
fn refuse_damaged(cid: &Cid, damaged: &[u32], offset: u64, length: u64) -> Result<()> {
    let touched = |number: &u32| {
        let begin = u64::from(*number) * LEAF_BYTES;
        begin < offset + length && offset < begin + LEAF_BYTES
    };
    if damaged.iter().any(touched) { Err(Error::Damaged(*cid)) } else { Ok(()) }
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(length) => done += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
