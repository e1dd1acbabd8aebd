//! Looking for damage: every file is read and hashed again, and what is wrong in it is no longer given out until it is
//! mended with the right bytes from elsewhere.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::PoisonError,
};

use cid::Cid;

use super::{
    Store,
    index::{Blob, Place, damaged, guarded, leaf_key},
    lock, place,
};
use crate::{
    Digest, Error, Result,
    address::{digest_of, raw_cid, sha256},
    import::{BYTES_AT_ONCE, LEAF_BYTES, leaf_count},
    lanes::{LANES, sha256_each},
};

/// A leaf whose bytes in a file are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: Cid,
    /// The leaf that should be there: what to ask others for.
    pub leaf: Cid,
    pub offset: u64,
    pub size_bytes: u64,
}

/// What a scrub of a file, or of the blocks outside of files, found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrubbed {
    pub bytes: u64,
    /// Leaves that are wrong now.
    pub damaged: u64,
    /// Blocks outside of files that were wrong; they are gone.
    pub dropped: u64,
}

impl Store {
    /// The files that a scrub would go through: those whose digest follows `after`, in order, at most `limit`.
    pub fn files_after(&self, after: Option<&Cid>, limit: usize) -> Result<Vec<Cid>> {
        let from = after.and_then(digest_of);
        self.inner.index.read()?.roots_after(from.as_ref(), limit)
    }

    /// Reads a file and compares each leaf with its hash; `pause` is told how many bytes were read and may take its
    /// time. What is wrong is noted and not given out any more; what is right again is.
    pub fn scrub(&self, file: &Cid, mut pause: impl FnMut(u64)) -> Result<Scrubbed> {
        self.scrub_while(file, |bytes| {
            pause(bytes);
            true
        })
    }

    /// As [`Store::scrub`], but ends early when `go_on` says `false`; then nothing is noted.
    pub fn scrub_while(&self, file: &Cid, mut go_on: impl FnMut(u64) -> bool) -> Result<Scrubbed> {
        let mut scrubbed = Scrubbed::default();
        let Some(digest) = digest_of(file) else { return Ok(scrubbed) };
        let Some(blob) = self.inner.index.read()?.blob(&digest)? else { return Ok(scrubbed) };
        let leaves = self.leaves_of(&blob)?;
        let path = self.blob_path(&blob.cid());
        let open = match place::open(&path) {
            Ok((open, _)) => Some(open),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Either it was removed since, or somebody else took it away.
                if self.inner.index.read()?.blob(&digest)?.is_none() {
                    return Ok(scrubbed);
                }
                None
            }
            Err(error) => return Err(Error::io("open the stored file", path)(error)),
        };
        let (mut wrong, mut buffer) = (Vec::new(), vec![0; BYTES_AT_ONCE]);
        let numbered: Vec<(u32, Digest)> = (0..).zip(leaves).collect();
        for group in numbered.chunks(LANES) {
            wrong.extend(wrong_among(group, &blob, open.as_ref(), &mut buffer));
            let bytes = group.iter().map(|(number, _)| extent(&blob, *number).1 as u64).sum();
            scrubbed.bytes += bytes;
            if !go_on(bytes) && group.last() != numbered.last() {
                return Ok(scrubbed);
            }
        }
        scrubbed.damaged = wrong.len() as u64;
        self.note_damage(&blob, wrong)?;
        Ok(scrubbed)
    }

    /// Compares every block outside of files with its hash. A wrong one is removed: it is of no use to anybody.
    pub fn scrub_nodes(&self) -> Result<Scrubbed> {
        Ok(self.scrub_blocks(|_| true)?.0)
    }

    /// As [`Store::scrub_nodes`], and names what was removed, as raw blocks. `go_on` is told how many bytes were read, may
    /// take its time, and ends the scrub early with `false`.
    ///
    /// # Errors
    /// [`Error::IndexDamaged`] when a part of the index can't be read.
    pub fn scrub_blocks(&self, go_on: impl FnMut(u64) -> bool) -> Result<(Scrubbed, Vec<Cid>)> {
        guarded(|| self.scrub_index(go_on)).unwrap_or_else(|| Err(damaged("a part of it makes no sense")))
    }

    fn scrub_index(&self, mut go_on: impl FnMut(u64) -> bool) -> Result<(Scrubbed, Vec<Cid>)> {
        let mut scrubbed = Scrubbed::default();
        let index = self.inner.index.read()?;
        let mut wrong = Vec::new();
        for digest in index.node_digests()? {
            let digest = digest?;
            let Some(node) = index.node(&digest)? else { continue };
            scrubbed.bytes += node.len() as u64;
            if sha256(&node) != digest {
                wrong.push(digest);
            }
            if !go_on(node.len() as u64) {
                break;
            }
        }
        for digest in &wrong {
            tracing::warn!(cid = %raw_cid(*digest), "a stored block has another hash now; it is removed");
            self.inner.index.write_freeing(|tables| tables.remove_node(digest))?;
        }
        scrubbed.dropped = wrong.len() as u64;
        Ok((scrubbed, wrong.into_iter().map(raw_cid).collect()))
    }

    /// All damage that is known.
    pub fn damage(&self) -> Result<Vec<Damage>> {
        let index = self.inner.index.read()?;
        let mut damage = Vec::new();
        for (root, number) in index.damaged()? {
            let Some(blob) = index.blob(&root)? else { continue };
            let Some(leaf) = self.leaves_of(&blob)?.get(number as usize).copied() else { continue };
            let (offset, length) = extent(&blob, number);
            damage.push(Damage { file: blob.cid(), leaf: raw_cid(leaf), offset, size_bytes: length as u64 });
        }
        Ok(damage)
    }

    /// Mends a leaf wherever it is damaged, with bytes from anywhere. `false` when it isn't damaged.
    ///
    /// # Errors
    /// [`Error::HashMismatch`] when these aren't the right bytes.
    pub fn mend(&self, leaf: &Cid, bytes: &[u8]) -> Result<bool> {
        if digest_of(leaf) != Some(sha256(bytes)) {
            return Err(Error::HashMismatch(*leaf));
        }
        let damage: Vec<Damage> = self.damage()?.into_iter().filter(|damage| damage.leaf == *leaf).collect();
        for place in &damage {
            let _files = lock(&self.inner.files);
            let path = self.blob_path(&place.file);
            let Some(root) = digest_of(&place.file) else { continue };
            let Some(blob) = self.inner.index.read()?.blob(&root)? else { continue };
            // A file that was cut short or taken away gets its size back with its first mended leaf.
            let file = File::options().write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(Error::io("open the stored file", &path))?;
            let written = file.set_len(blob.size_bytes).and_then(|()| file.write_all_at(bytes, place.offset));
            written.and_then(|()| file.sync_all()).map_err(Error::io("mend", &path))?;
            let number = (place.offset / LEAF_BYTES) as u32;
            self.inner
                .index
                .write_freeing(|tables| Ok(tables.damaged.remove(&leaf_key(&root, number)).map(drop)?))?;
        }
        self.load_damage()?;
        Ok(!damage.is_empty())
    }

    /// Reads what is damaged from the index into memory, where every reader looks.
    pub(super) fn load_damage(&self) -> Result<()> {
        let mut by_file: HashMap<Digest, Vec<u32>> = HashMap::new();
        for (root, number) in self.inner.index.read()?.damaged()? {
            by_file.entry(root).or_default().push(number);
        }
        *self.inner.damaged.write().unwrap_or_else(PoisonError::into_inner) = by_file;
        self.new_epoch();
        Ok(())
    }

    /// The numbers of a blob's damaged leaves.
    pub(super) fn damaged_leaves(&self, blob: &Blob) -> Vec<u32> {
        let damaged = self.inner.damaged.read().unwrap_or_else(PoisonError::into_inner);
        if damaged.is_empty() { Vec::new() } else { damaged.get(&blob.root).cloned().unwrap_or_default() }
    }

    /// What became of a file that wasn't in its place: it was removed, or is back already, or somebody took it away,
    /// which is damage to all of it.
    pub(super) fn look_for_lost(&self, blob: &Blob, path: &Path) -> Result<(File, Metadata)> {
        // Who has the lock adds or removes files, and may be the one who asks: the next to ask can note it.
        let Ok(_files) = self.inner.files.try_lock() else { return Err(Error::Damaged(blob.cid())) };
        match place::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map_err(Error::io("open the stored file", path)),
        }
        if self.inner.index.read()?.blob(&blob.root)?.is_none() {
            return Err(Error::BlockMissing(blob.cid()));
        }
        if let Err(error) = self.note_damage(blob, (0..leaf_count(blob.size_bytes) as u32).collect()) {
            tracing::warn!(file = %blob.cid(), %error, "a stored file is gone, which can't be noted");
        }
        Err(Error::Damaged(blob.cid()))
    }

    /// Notes that a leaf turned out to have another hash.
    pub(super) fn note_wrong_leaf(&self, leaf: &Digest) -> Result<()> {
        let Some(Place::Blob { blob, offset, .. }) = self.inner.index.read()?.place(leaf)? else { return Ok(()) };
        let mut wrong = self.damaged_leaves(&blob);
        wrong.push((offset / LEAF_BYTES) as u32);
        wrong.sort_unstable();
        wrong.dedup();
        self.note_damage(&blob, wrong)
    }

    /// Notes that a file was cut short: all leaves from there on are damaged.
    pub(super) fn note_cut(&self, blob: &Blob, length: u64) {
        let mut wrong = self.damaged_leaves(blob);
        wrong.extend((length / LEAF_BYTES) as u32..leaf_count(blob.size_bytes) as u32);
        wrong.sort_unstable();
        wrong.dedup();
        if let Err(error) = self.note_damage(blob, wrong) {
            tracing::warn!(file = %blob.cid(), %error, "a stored file was cut short, which can't be noted");
        }
    }

    /// Whether something in a file is known to be wrong.
    pub(super) fn has_damage(&self, root: &Digest) -> bool {
        self.inner.damaged.read().unwrap_or_else(PoisonError::into_inner).contains_key(root)
    }

    /// Forgets the damage of a file that was put in its place anew.
    pub(super) fn forget_damage(&self, root: &Digest) -> Result<()> {
        match self.inner.index.read()?.blob(root)? {
            Some(blob) if self.has_damage(root) => self.note_damage(&blob, Vec::new()),
            _ => Ok(()),
        }
    }

    fn note_damage(&self, blob: &Blob, wrong: Vec<u32>) -> Result<()> {
        if wrong == self.damaged_leaves(blob) {
            return Ok(());
        }
        if !wrong.is_empty() {
            tracing::warn!(file = %blob.cid(), leaves = wrong.len(), "a stored file has leaves with another hash than theirs");
        }
        self.inner.index.write_freeing(|tables| {
            for number in 0..leaf_count(blob.size_bytes) as u32 {
                tables.damaged.remove(&leaf_key(&blob.root, number))?;
            }
            wrong.iter().try_for_each(|number| tables.damaged.insert(&leaf_key(&blob.root, *number), ()).map(drop))?;
            Ok(())
        })?;
        self.load_damage()
    }

    fn leaves_of(&self, blob: &Blob) -> Result<Vec<Digest>> {
        Ok(if blob.is_leaf() { vec![blob.root] } else { self.parts_of(blob)?.leaves })
    }
}

/// Which of some leaves, told by number and hash, are wrong in a file. The buffer has room for all of them.
fn wrong_among(leaves: &[(u32, Digest)], blob: &Blob, open: Option<&File>, buffer: &mut [u8]) -> Vec<u32> {
    let (mut parts, mut read) = (Vec::new(), Vec::new());
    for ((number, _), room) in leaves.iter().zip(buffer.chunks_mut(LEAF_BYTES as usize)) {
        let (offset, length) = extent(blob, *number);
        let part = &mut room[..length];
        // A disk that can't read a sector any more is damage like another.
        read.push(open.is_some_and(|open| open.read_exact_at(part, offset).is_ok()));
        parts.push(&*part);
    }
    let found = leaves.iter().zip(sha256_each(&parts)).zip(read);
    found.filter(|(((_, leaf), digest), read)| !read || digest != leaf).map(|(((number, _), _), _)| *number).collect()
}

/// Where a leaf is in its file, and how long.
fn extent(blob: &Blob, number: u32) -> (u64, usize) {
    let offset = u64::from(number) * LEAF_BYTES;
    (offset, LEAF_BYTES.min(blob.size_bytes.saturating_sub(offset)) as usize)
}
