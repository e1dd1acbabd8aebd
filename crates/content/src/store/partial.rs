//! Uploads on their way: bytes are appended to `<id>.part` and hashed leaf by leaf, so the CID is known with the last
//! byte, and after a crash at most one leaf is read again.
//!
//! `<id>.leaves` is the sidecar: the announced size, then for each finished leaf its digest and a check sum. The
//! part file alone says how much has arrived; entries beyond it are dropped, and leaves without a valid entry are
//! hashed anew. After [`PartialBlob::finish`] the sidecar stays, complete, so that finishing again gives the same
//! answer without reading: the caller removes it with [`Store::remove_partial`] once the CID is recorded elsewhere.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Store, lock, sync_folder};
use crate::{
    Error, FileHasher, Result, Stored,
    address::{Digest, sha256},
    import::{LEAF_BYTES, Tree, leaf_count},
};

/// The sidecar's first bytes; the announced size (8 bytes, little-endian) follows.
const MAGIC: [u8; 8] = *b"pinreel1";
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 36;

/// An upload that is open for writing; there is one at a time for each id.
pub struct PartialBlob {
    store: Store,
    id: String,
    size_bytes: u64,
    hasher: FileHasher,
    sidecar: File,
    /// How many leaves the sidecar has.
    noted: usize,
    /// `None` once the file has moved to its place.
    part: Option<File>,
}

/// An upload in the store's folder, as a sweep sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialInfo {
    pub id: String,
    /// When its last byte came.
    pub modified: SystemTime,
    /// How many bytes of it take room in its own file; 0 once that has moved to its place.
    pub arrived_bytes: u64,
}

impl Store {
    /// Starts an upload of `size_bytes` under an id that the caller chooses: 1 to 64 letters, digits, `-`, `_`.
    pub fn create_partial(&self, id: &str, size_bytes: u64) -> Result<PartialBlob> {
        self.claim(id)?;
        self.create_claimed(id, size_bytes).inspect_err(|_| self.release(id))
    }

    /// Goes on with an upload; `None` if there is none with this id. Its offset is what is on the disk.
    ///
    /// # Errors
    /// [`Error::PartialBusy`] while another [`PartialBlob`] of this id is alive.
    pub fn open_partial(&self, id: &str) -> Result<Option<PartialBlob>> {
        self.claim(id)?;
        let opened = self.open_claimed(id);
        if !matches!(opened, Ok(Some(_))) {
            self.release(id);
        }
        opened
    }

    /// Removes an upload's files: to abandon it, or after its CID was recorded. `false` if there was none.
    pub fn remove_partial(&self, id: &str) -> Result<bool> {
        self.claim(id)?;
        let removed = [self.part_path(id), self.sidecar_path(id)].map(|path| match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", path)(error)),
        });
        self.release(id);
        let [part, sidecar] = removed;
        Ok(part? | sidecar?)
    }

    /// All uploads, finished ones that weren't removed included, by id: for sweeping what has expired.
    pub fn partials(&self) -> Result<Vec<PartialInfo>> {
        let folder = self.inner.dir.join("partial");
        let mut found: BTreeMap<String, PartialInfo> = BTreeMap::new();
        for file in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
            let file = file.map_err(Error::io("list", &folder))?;
            let name = file.file_name().into_string().unwrap_or_default();
            let Some((id, kind)) = name.rsplit_once('.') else { continue };
            let Ok(meta) = file.metadata() else { continue };
            let Ok(modified) = meta.modified() else { continue };
            let info = found.entry(id.to_owned()).or_insert_with(|| PartialInfo {
                id: id.to_owned(),
                modified,
                arrived_bytes: 0,
            });
            info.modified = info.modified.max(modified);
            if kind == "part" {
                info.arrived_bytes = meta.len();
            }
        }
        Ok(found.into_values().collect())
    }

    /// How many bytes of an upload have arrived, without opening it: also while somebody writes. `None` once its file
    /// has moved to its place, and when there is no such upload.
    pub fn partial_arrived_bytes(&self, id: &str) -> Result<Option<u64>> {
        let path = self.part_path(id);
        match fs::metadata(&path) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("look at", path)(error)),
        }
    }

    fn create_claimed(&self, id: &str, size_bytes: u64) -> Result<PartialBlob> {
        let (part_path, sidecar_path) = (self.part_path(id), self.sidecar_path(id));
        if part_path.exists() || self.finished_sidecar(&sidecar_path)? {
            return Err(Error::PartialExists(id.to_owned()));
        }
        let create = |path: &Path| File::options().read(true).write(true).create(true).truncate(true).open(path);
        let mut sidecar = create(&sidecar_path).map_err(Error::io("make", &sidecar_path))?;
        let header = [MAGIC, size_bytes.to_le_bytes()].concat();
        sidecar.write_all(&header).and_then(|()| sidecar.sync_all()).map_err(Error::io("write", &sidecar_path))?;
        // The part file comes last: an upload exists when both do.
        let part = create(&part_path).map_err(Error::io("make", &part_path))?;
        sync_folder(&self.inner.dir.join("partial"))?;
        let (store, id) = (self.clone(), id.to_owned());
        Ok(PartialBlob { store, id, size_bytes, hasher: FileHasher::new(), sidecar, noted: 0, part: Some(part) })
    }

    /// Whether a sidecar is that of a finished upload; without a part file, another one is a creation that was cut off.
    fn finished_sidecar(&self, path: &Path) -> Result<bool> {
        let Some(sidecar) = open_existing(path)? else { return Ok(false) };
        let bytes = read_all(&sidecar).map_err(Error::io("read", path))?;
        Ok(parse_sidecar(&bytes).is_some_and(|(size_bytes, leaves)| leaves.len() as u64 == leaf_count(size_bytes)))
    }

    fn open_claimed(&self, id: &str) -> Result<Option<PartialBlob>> {
        let Some(sidecar) = open_existing(&self.sidecar_path(id))? else { return Ok(None) };
        let path = self.sidecar_path(id);
        let bytes = read_all(&sidecar).map_err(Error::io("read", &path))?;
        let Some((size_bytes, mut leaves)) = parse_sidecar(&bytes) else { return Ok(None) };
        let part_path = self.part_path(id);
        let Some(part) = open_existing(&part_path)? else {
            let complete = leaves.len() as u64 == leaf_count(size_bytes);
            return Ok(complete.then(|| self.moved(id, size_bytes, leaves, sidecar)));
        };
        let mut length = part.metadata().map_err(Error::io("look at", &part_path))?.len();
        if length > size_bytes {
            part.set_len(size_bytes).map_err(Error::io("shorten", &part_path))?;
            length = size_bytes;
        }
        leaves.truncate((length / LEAF_BYTES) as usize);
        let noted = leaves.len();
        let mut hasher = FileHasher::resume(leaves);
        catch_up(&part, &mut hasher, length).map_err(Error::io("read", &part_path))?;
        let (store, id) = (self.clone(), id.to_owned());
        let mut partial = PartialBlob { store, id, size_bytes, hasher, sidecar, noted, part: Some(part) };
        partial.note_leaves()?;
        Ok(Some(partial))
    }

    /// An upload whose file was moved to its place already.
    fn moved(&self, id: &str, size_bytes: u64, leaves: Vec<Digest>, sidecar: File) -> PartialBlob {
        let noted = leaves.len();
        let hasher = FileHasher::complete(leaves, size_bytes);
        PartialBlob { store: self.clone(), id: id.to_owned(), size_bytes, hasher, sidecar, noted, part: None }
    }

    fn claim(&self, id: &str) -> Result<()> {
        let right = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 64 || !id.chars().all(right) {
            return Err(Error::PartialId(id.to_owned()));
        }
        let fresh = lock(&self.inner.writing).insert(id.to_owned());
        if fresh { Ok(()) } else { Err(Error::PartialBusy(id.to_owned())) }
    }

    fn release(&self, id: &str) {
        lock(&self.inner.writing).remove(id);
    }

    fn part_path(&self, id: &str) -> PathBuf {
        self.inner.dir.join("partial").join(format!("{id}.part"))
    }

    fn sidecar_path(&self, id: &str) -> PathBuf {
        self.inner.dir.join("partial").join(format!("{id}.leaves"))
    }
}

impl PartialBlob {
    /// How many bytes have arrived.
    pub fn offset(&self) -> u64 {
        self.hasher.size_bytes()
    }

    /// How many bytes were announced.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether all bytes have arrived, so that [`PartialBlob::finish`] may be called.
    pub fn is_complete(&self) -> bool {
        self.offset() == self.size_bytes
    }

    /// Appends bytes. After an error, [`PartialBlob::offset`] says how many of them got in.
    ///
    /// # Errors
    /// [`Error::PartialTooLong`] before anything is written; [`Error::DiskFull`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.size_bytes - self.offset() {
            return Err(Error::PartialTooLong { id: self.id.clone(), size_bytes: self.size_bytes });
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(part) = &self.part else { break };
            match part.write_at(rest, self.hasher.size_bytes()) {
                Ok(length) => {
                    self.hasher.update(&rest[..length]);
                    rest = &rest[length..];
                    self.note_leaves()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write", self.store.part_path(&self.id))(error)),
            }
        }
        Ok(())
    }

    /// Makes what has arrived survive a power cut, not only a crash of this process.
    pub fn sync(&mut self) -> Result<()> {
        if let Some(part) = &self.part {
            part.sync_data().map_err(Error::io("sync", self.store.part_path(&self.id)))?;
        }
        self.sidecar.sync_data().map_err(Error::io("sync", self.store.sidecar_path(&self.id)))
    }

    /// Makes the file durable, puts it among the whole files and gives its CID; private, like everything new. The
    /// sidecar stays until [`Store::remove_partial`]: until then, opening and finishing again gives the same answer.
    ///
    /// # Errors
    /// [`Error::PartialIncomplete`] while bytes are missing.
    pub fn finish(mut self) -> Result<Stored> {
        let (offset_bytes, size_bytes) = (self.offset(), self.size_bytes);
        if offset_bytes != size_bytes {
            return Err(Error::PartialIncomplete { id: self.id.clone(), offset_bytes, size_bytes });
        }
        let tree = self.hasher.clone().finish_tree();
        if self.part.is_none() {
            return self.answer_again(&tree);
        }
        self.note(&entries(self.noted, &tree.leaves[self.noted..]))?;
        self.store.fault("partial.complete");
        self.sync()?;
        self.store.fault("partial.synced");
        let stored = self.store.place_blob(&self.store.part_path(&self.id), &tree)?;
        self.part = None;
        Ok(stored)
    }

    fn answer_again(&self, tree: &Tree) -> Result<Stored> {
        // The file may have been moved without being indexed, when the index failed just then.
        let moved = fs::metadata(self.store.blob_path(&tree.root)).is_ok_and(|file| file.len() == tree.size_bytes);
        if !moved {
            return Err(Error::BlockMissing(tree.root));
        }
        self.store.index_blob(tree)?;
        Ok(tree.stored())
    }

    /// Appends the leaves that are complete and not yet in the sidecar.
    fn note_leaves(&mut self) -> Result<()> {
        if self.hasher.leaves().len() == self.noted {
            return Ok(());
        }
        let fresh = entries(self.noted, &self.hasher.leaves()[self.noted..]);
        self.note(&fresh)
    }

    fn note(&mut self, entries: &[u8]) -> Result<()> {
        let at = (HEADER_BYTES + self.noted * ENTRY_BYTES) as u64;
        let written = self.sidecar.write_all_at(entries, at);
        written.map_err(Error::io("write", self.store.sidecar_path(&self.id)))?;
        self.noted += entries.len() / ENTRY_BYTES;
        self.store.fault("partial.leaf");
        Ok(())
    }
}

impl Drop for PartialBlob {
    fn drop(&mut self) {
        self.store.release(&self.id);
    }
}

/// The sidecar's entries for leaves that begin with number `first`.
fn entries(first: usize, leaves: &[Digest]) -> Vec<u8> {
    (first..).zip(leaves).flat_map(|(leaf, digest)| entry(leaf, digest)).collect()
}

fn entry(leaf: usize, digest: &Digest) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    entry[..32].copy_from_slice(digest);
    let check = sha256(&[&(leaf as u64).to_le_bytes()[..], digest].concat());
    entry[32..].copy_from_slice(&check[..4]);
    entry
}

/// The announced size and the leaves up to the first invalid entry; `None` if not even the header is whole.
fn parse_sidecar(bytes: &[u8]) -> Option<(u64, Vec<Digest>)> {
    let (header, entries) = bytes.split_at_checked(HEADER_BYTES)?;
    let (magic, size) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return None;
    }
    let size_bytes = u64::from_le_bytes(size.try_into().ok()?);
    let leaves = entries.chunks_exact(ENTRY_BYTES).enumerate().map_while(|(leaf, found)| {
        let digest: Digest = found[..32].try_into().ok()?;
        (entry(leaf, &digest) == found).then_some(digest)
    });
    Some((size_bytes, leaves.collect()))
}

/// Hashes what the sidecar doesn't know of the part file.
fn catch_up(part: &File, hasher: &mut FileHasher, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    while hasher.size_bytes() < length {
        let wanted = (length - hasher.size_bytes()).min(buffer.len() as u64) as usize;
        part.read_exact_at(&mut buffer[..wanted], hasher.size_bytes())?;
        hasher.update(&buffer[..wanted]);
    }
    Ok(())
}

fn open_existing(path: &Path) -> Result<Option<File>> {
    match File::options().read(true).write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(bytes)
}
