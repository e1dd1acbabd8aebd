//! Removing what nobody wants: content that neither a pin nor a published root has led to for a whole grace period, and
//! at once what was erased.
//!
//! A collection looks at everything that they lead to (no counts are kept that could drift), notes since when the rest
//! has been unreached, and removes what has been for long enough. It disturbs nobody:
//! - a reader in the middle of a file has it open, and the file system keeps an open file;
//! - bytes that were written or written again within the last hour are left alone, so that their writer can pin them;
//! - a pin that comes while it runs makes it look again before it removes anything more;
//! - a full disk is what it is for: it takes from the room that the index keeps for itself;
//! - a file that holds a leaf which is still wanted, and can't be read, stays until it is repaired;
//! - a crash leaves either the whole of a file or a note to remove it, which the next start does.

use std::{collections::HashSet, fs, io, time::Instant};

use cid::Cid;

use super::{
    Store,
    index::{Blob, Parts, Snapshot},
    lock,
    reach::Reach,
};
use redb::ReadableTable;

use crate::{
    Digest, Error, Result,
    address::{digest_of, identity_data, raw_cid, sha256},
    import::LEAF_BYTES,
};

/// How many blocks are removed in one transaction.
const REMOVED_AT_ONCE: usize = 128;
/// How often a collection looks again because somebody has pinned something meanwhile.
const MOST_LOOKS: usize = 8;

/// What a collection found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks that the pins lead to, leaves of files not counted.
    pub reached: u64,
    /// Blocks that no pin leads to and whose grace period isn't over.
    pub waiting: u64,
    pub removed_blobs: u64,
    pub removed_bytes: u64,
    pub removed_nodes: u64,
    /// Files that are due, and stay since a part of them that is still wanted is damaged.
    pub damaged_blobs: u64,
    /// Files whose grace period is over, and which stay since they were written within the last hour.
    pub fresh_blobs: u64,
    /// Other blocks of which this is so.
    pub fresh_nodes: u64,
    /// The bytes of both.
    pub fresh_bytes: u64,
    /// Whether something could not be removed yet because others kept pinning; the next collection goes on.
    pub unfinished: bool,
}

impl Collected {
    fn count_fresh(&mut self, index: &Snapshot, digest: &Digest) -> Result<()> {
        if let Some(blob) = index.blob(digest)? {
            self.fresh_blobs += 1;
            self.fresh_bytes += blob.size_bytes;
        } else if let Some(node) = index.node(digest)? {
            self.fresh_nodes += 1;
            self.fresh_bytes += node.len() as u64;
        }
        Ok(())
    }
}

/// A file on its way out.
struct Leaving {
    blob: Blob,
    parts: Parts,
    /// Leaves that must outlive it, with their bytes.
    wanted: Vec<(Digest, Vec<u8>)>,
}

impl Store {
    /// Removes what nothing has led to for `grace_ms`. `now_ms` is in milliseconds since 1970.
    pub fn collect(&self, now_ms: u64, grace_ms: u64) -> Result<Collected> {
        let _alone = lock(&self.inner.collecting);
        let collected = self.collect_alone(now_ms, grace_ms);
        self.inner.index.fill_reserve();
        collected
    }

    fn collect_alone(&self, now_ms: u64, grace_ms: u64) -> Result<Collected> {
        if self.pins_may_be_lost() {
            return Err(Error::PinsLost);
        }
        self.end_pins(now_ms)?;
        let mut collected = Collected::default();
        for _ in 0..MOST_LOOKS {
            let looked_at = *lock(&self.inner.pins_added);
            let (reach, due) = self.look(now_ms, grace_ms, &mut collected)?;
            if self.remove_all(&due, &reach, looked_at, &mut collected)? {
                return Ok(collected);
            }
        }
        collected.unfinished = true;
        Ok(collected)
    }

    /// Removes content for good, whoever else refers to it, and refuses the same bytes from now on: the root and, if it
    /// is a file, all of it. What lies below a folder goes when nothing else leads to it.
    ///
    /// # Errors
    /// [`Error::Inline`] for what holds its content itself.
    pub fn erase(&self, cid: &Cid, now_ms: u64) -> Result<Collected> {
        if identity_data(cid).is_some() {
            return Err(Error::Inline(*cid));
        }
        let digest = digest_of(cid).ok_or(Error::HashUnsupported(*cid))?;
        let _alone = lock(&self.inner.collecting);
        self.inner.index.write_freeing(|tables| tables.erase(&digest, now_ms))?;
        self.write_erasure_down(&digest, now_ms);
        self.fault("erase.noted");
        self.hide_unpublished()?;
        let mut collected = Collected::default();
        // Other pins may still lead to parts of it; those parts are kept, but nothing keeps the root.
        for _ in 0..MOST_LOOKS {
            let looked_at = *lock(&self.inner.pins_added);
            let (reach, _) = self.look(now_ms, u64::MAX, &mut collected)?;
            if self.remove_all(&[digest], &reach, looked_at, &mut collected)? {
                break;
            }
        }
        self.inner.index.fill_reserve();
        Ok(collected)
    }

    /// Removes what was erased and is still here, for the process was killed before it was gone.
    pub(super) fn finish_erasures(&self) -> Result<()> {
        let index = self.inner.index.read()?;
        let mut left = Vec::new();
        for (digest, _) in index.erasures()? {
            if index.blob(&digest)?.is_some() || index.node(&digest)?.is_some() {
                left.push(digest);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        self.hide_unpublished()?;
        let reach = self.reach_all(&*self.inner.index.read()?)?;
        let looked_at = *lock(&self.inner.pins_added);
        self.remove_all(&left, &reach, looked_at, &mut Collected::default()).map(drop)
    }

    /// Whether content was erased, so that it isn't taken again.
    pub fn is_erased(&self, cid: &Cid) -> Result<bool> {
        match digest_of(cid) {
            Some(digest) => self.inner.index.read()?.is_erased(&digest),
            None => Ok(false),
        }
    }

    /// Notes that somebody has just written these blocks and will want them.
    pub(super) fn touch<'a>(&self, digests: impl IntoIterator<Item = &'a Digest>) {
        let now = Instant::now();
        lock(&self.inner.fresh).extend(digests.into_iter().map(|digest| (*digest, now)));
    }

    /// What the pins lead to, and what is due to be removed.
    fn look(&self, now_ms: u64, grace_ms: u64, collected: &mut Collected) -> Result<(Reach, Vec<Digest>)> {
        let index = self.inner.index.read()?;
        let reach = self.reach_all(&index)?;
        let before = index.unreached()?;
        let (mut unreached, mut due, mut fresh_ones) = (HashSet::new(), Vec::new(), Vec::new());
        let blobs = index.blobs()?.map(|blob| blob.map(|blob| blob.root));
        for digest in blobs.chain(index.own_node_digests()?) {
            let digest = digest?;
            if reach.contains(&digest) || !unreached.insert(digest) {
                continue;
            }
            match before.get(&digest) {
                Some(since) if since.saturating_add(grace_ms) <= now_ms => due.push(digest),
                // The clock was wrong then, or is now: its time begins again.
                Some(since) if *since > now_ms && grace_ms == 0 => due.push(digest),
                Some(since) if *since > now_ms => fresh_ones.push(digest),
                Some(_) => {}
                None if grace_ms == 0 => due.push(digest),
                None => fresh_ones.push(digest),
            }
        }
        collected.reached = reach.len() as u64;
        collected.waiting = (unreached.len() - due.len()) as u64;
        let again: Vec<Digest> = before.into_keys().filter(|digest| !unreached.contains(digest)).collect();
        self.inner.index.write_freeing(|tables| {
            fresh_ones.iter().try_for_each(|digest| tables.unreached.insert(digest, now_ms).map(drop))?;
            again.iter().try_for_each(|digest| tables.unreached.remove(digest).map(drop))?;
            Ok(())
        })?;
        Ok((reach, due))
    }

    /// `false` when a pin came that the caller hasn't seen; nothing is removed then. Pins and finished files wait until
    /// all is out of the index, so that nobody can pin a folder whose files are half gone.
    fn remove_all(&self, due: &[Digest], reach: &Reach, looked_at: u64, collected: &mut Collected) -> Result<bool> {
        {
            let _files = lock(&self.inner.files);
            let pins_added = lock(&self.inner.pins_added);
            if *pins_added != looked_at {
                return Ok(false);
            }
            lock(&self.inner.fresh).retain(|_, written| written.elapsed() < self.inner.fresh_for);
            for batch in due.chunks(REMOVED_AT_ONCE) {
                self.unindex(batch, reach, collected)?;
            }
        }
        self.new_epoch();
        self.fault("collect.unindexed");
        // Those of before as well, which somebody may have kept from going.
        let leaving = self.inner.index.read()?.removing()?;
        leaving.chunks(REMOVED_AT_ONCE).try_for_each(|batch| self.remove_files(batch))?;
        Ok(true)
    }

    /// Takes blocks out of the index, in one transaction that also notes which files are to go.
    fn unindex(&self, batch: &[Digest], reach: &Reach, collected: &mut Collected) -> Result<()> {
        let index = self.inner.index.read()?;
        let (mut blobs, mut damaged): (Vec<Leaving>, HashSet<Digest>) = Default::default();
        for digest in batch {
            let is_fresh = lock(&self.inner.fresh).contains_key(digest) && !index.is_erased(digest)?;
            if let Some(blob) = index.blob(digest)?.filter(|_| !is_fresh) {
                let parts = self.parts_of(&blob)?;
                let wanted = match index.is_erased(digest)? {
                    true => Ok(Vec::new()),
                    false => self.wanted_leaves(&blob, &parts, reach),
                };
                match wanted {
                    Ok(wanted) => blobs.push(Leaving { blob, parts, wanted }),
                    Err(Error::Damaged(_)) => drop(damaged.insert(*digest)),
                    Err(error) => return Err(error),
                }
            }
        }
        self.inner.index.write_freeing(|tables| {
            for Leaving { blob, parts, wanted } in &blobs {
                let nodes = parts.nodes.iter().map(|(digest, _)| digest).chain([&blob.root]);
                for digest in nodes.filter(|digest| !reach.contains(digest)) {
                    tables.public.remove(digest)?;
                }
                tables.remove_blob(&blob.root, parts, |digest| reach.contains(digest))?;
                for (digest, leaf) in wanted {
                    tables.insert_node(digest, leaf)?;
                }
                tables.removing.insert(&blob.root, blob.size_bytes)?;
                collected.removed_blobs += 1;
                collected.removed_bytes += blob.size_bytes;
            }
            // Nobody else writes within the transaction: what isn't fresh now was not written since the look.
            let fresh = lock(&self.inner.fresh);
            for digest in batch.iter().filter(|digest| !damaged.contains(*digest)) {
                let erased = tables.erased.get(digest)?.is_some();
                let is_fresh = fresh.contains_key(digest) && !erased;
                if is_fresh {
                    collected.count_fresh(&index, digest)?;
                    continue;
                }
                collected.removed_nodes += u64::from(tables.remove_node(digest)?);
                tables.unreached.remove(digest)?;
            }
            collected.damaged_blobs += damaged.len() as u64;
            Ok(())
        })
    }

    /// The leaves of a blob that a pin leads to by another way and that nothing else holds, with their bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] when one of them isn't what it was.
    fn wanted_leaves(&self, blob: &Blob, parts: &Parts, reach: &Reach) -> Result<Vec<(Digest, Vec<u8>)>> {
        let mut wanted = Vec::new();
        for (number, digest) in (0u64..).zip(&parts.leaves) {
            if !reach.contains(digest) {
                continue;
            }
            let offset = number * LEAF_BYTES;
            let mut leaf = vec![0; LEAF_BYTES.min(blob.size_bytes - offset) as usize];
            self.blob_reader(blob)?.read_exact_at(&mut leaf, offset)?;
            if sha256(&leaf) != *digest {
                return Err(Error::Damaged(raw_cid(*digest)));
            }
            wanted.push((*digest, leaf));
        }
        Ok(wanted)
    }

    /// Removes files that have left the index, and the notes that say so. A file whose bytes were stored again meanwhile
    /// is an entry's again, and stays.
    pub(super) fn remove_files(&self, blobs: &[Blob]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let _files = lock(&self.inner.files);
        let index = self.inner.index.read()?;
        for blob in blobs {
            if index.blob(&blob.root)?.is_some() {
                continue;
            }
            let path = self.blob_path(&blob.cid());
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", path)(error)),
                _ => {}
            }
        }
        self.fault("collect.removed");
        self.inner.index.write_freeing(|tables| {
            blobs.iter().try_for_each(|blob| tables.removing.remove(&blob.root).map(drop).map_err(Error::from))
        })
    }
}
