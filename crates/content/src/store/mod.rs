//! The content store: whole files in `blobs/`, everything else in the index, one process a folder.
//!
//! ```text
//! <dir>/index.redb          where each block is, and the nodes themselves; its lock keeps other processes out
//!       blobs/<xx>/<cid>    whole files, contiguous and immutable, named by their CID
//!       partial/<id>.part   uploads on their way, with <id>.leaves: the hashes of what has arrived
//!       tmp/                files being written; emptied at each start
//!       index.made          says that there was an index, should it be gone
//!       damaged/            files whose name was not their hash when they were found
//!       index.reserve       room that the index keeps for itself, so that a collection works on a full disk
//!       index.old.redb      an index that could not be read to its end when it was rebuilt
//! ```
//!
//! What always holds: a CID is given out only after its bytes are on the disk, in this order: temporary file → hash
//! on the way → fdatasync → rename → fsync of the folder → index commit. So a crash at any point leaves either a
//! file that the next start removes or indexes, or the whole thing. Content is private until it is published.

mod blobs;
mod car;
mod checked;
mod collect;
mod dag;
mod directories;
mod erasures;
mod export;
mod import_dag;
mod index;
mod lost;
mod missing;
mod nodes;
mod open_files;
mod partial;
mod path;
mod pins;
mod place;
mod publish;
mod reach;
mod reader;
mod rebuild;
mod recover;
mod scrub;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub use self::{
    blobs::BlobWriter,
    car::{CarImport, CarRoom},
    collect::Collected,
    directories::{Entries, Entry, Step},
    export::{CarOptions, CarReader, CarStats, Part, Scope},
    nodes::{Kind, Node},
    partial::{PartialBlob, PartialInfo},
    path::{End, Gate, Walk},
    pins::Pin,
    publish::{Published, Visibility},
    reader::FileReader,
    rebuild::{InPages, Rebuilt},
    scrub::{Damage, Scrubbed},
};
use crate::{Digest, Error, Result};

/// A content store in a folder. Cheap to clone; all calls block and may be made from any thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    index: index::Index,
    /// Held from the look at what is there to the index commit, by whoever adds or removes a blob's file.
    files: Mutex<()>,
    /// The ids of uploads that have a writer.
    writing: Mutex<HashSet<String>>,
    /// Held by a collection from its look at the pins to its end.
    collecting: Mutex<()>,
    /// Held from the look at the published roots to the change of what is public.
    publishing: Mutex<()>,
    /// How many pins were made; held while one is made, and by a collection while it removes.
    pins_added: Mutex<u64>,
    /// What was written lately, and when.
    fresh: Mutex<HashMap<Digest, Instant>>,
    /// The leaves whose bytes are wrong, by their blob, as the index has them.
    damaged: RwLock<HashMap<Digest, Vec<u32>>>,
    open_files: open_files::OpenFiles,
    checked: checked::CheckedLately,
    epoch: AtomicU64,
    temporary: AtomicU64,
    fault_point: Option<FaultPoint>,
    fresh_for: Duration,
}

/// The index's file.
const INDEX: &str = "index.redb";

/// How long what was just written may wait for its first pin.
const FRESH_FOR: Duration = Duration::from_secs(3600);

type FaultPoint = Arc<dyn Fn(&'static str) + Send + Sync>;

/// How a store is opened; `Options::default()` for all but tests.
#[derive(Clone)]
pub struct Options {
    fault_point: Option<FaultPoint>,
    fresh_for: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { fault_point: None, fresh_for: FRESH_FOR }
    }
}

impl Options {
    /// Calls `hook` with the name of each point between two durable steps: a kill test ends the process there.
    pub fn fault_point(mut self, hook: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.fault_point = Some(Arc::new(hook));
        self
    }

    /// How long what was just written is safe from a collection without a pin; an hour unless told otherwise.
    pub fn fresh_for(mut self, time: Duration) -> Self {
        self.fresh_for = time;
        self
    }
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Whole files.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks outside of files: trees, directories, imported blocks.
    pub nodes: u64,
    /// Entries for the leaves of files of several leaves.
    pub leaves: u64,
    pub pins: u64,
    /// Blocks that no pin led to at the last collection, waiting for their grace period to end.
    pub unreached: u64,
    /// Roots that were erased and aren't taken again.
    pub erased: u64,
    /// Leaves whose bytes are wrong; they aren't given out.
    pub damaged: u64,
    /// What the file system has left for us.
    pub free_bytes: u64,
}

impl Store {
    /// Opens a folder, making it if it isn't there, and puts right what a crash has left.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] when another process (or another `Store` of this one) has it open,
    /// [`Error::IndexDamaged`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(dir, Options::default())
    }

    /// [`Store::open`] with options.
    pub fn open_with(dir: impl Into<PathBuf>, options: Options) -> Result<Self> {
        let dir = dir.into();
        Self::make_folders(&dir)?;
        lost::refuse(&dir, INDEX)?;
        let store = Self::over(index::Index::open(&dir)?, dir, options);
        lost::note(&store.inner.dir);
        // Damage that redb panics on shows when the index is first read.
        index::guarded(|| store.agree_on_erasures().and_then(|()| store.recover()))
            .unwrap_or_else(|| Err(index::damaged("it makes no sense")))?;
        Ok(store)
    }

    fn make_folders(dir: &Path) -> Result<()> {
        for folder in ["", "blobs", "partial", "tmp"] {
            let path = dir.join(folder);
            fs::create_dir_all(&path).map_err(Error::io("make the folder", path))?;
        }
        Ok(())
    }

    fn over(index: index::Index, dir: PathBuf, options: Options) -> Self {
        Self {
            inner: Arc::new(Inner {
                index,
                dir,
                files: Mutex::default(),
                writing: Mutex::default(),
                collecting: Mutex::default(),
                publishing: Mutex::default(),
                pins_added: Mutex::default(),
                fresh: Mutex::default(),
                damaged: RwLock::default(),
                open_files: open_files::OpenFiles::default(),
                checked: checked::CheckedLately::default(),
                epoch: AtomicU64::new(0),
                temporary: AtomicU64::new(0),
                fault_point: options.fault_point,
                fresh_for: options.fresh_for,
            }),
        }
    }

    /// How much is stored, and how much room is left.
    pub fn stats(&self) -> Result<Stats> {
        let counts = self.inner.index.read()?.counts()?;
        Ok(Stats {
            blobs: counts.blobs,
            blob_bytes: counts.blob_bytes,
            nodes: counts.nodes,
            leaves: counts.leaves,
            pins: counts.pins,
            unreached: counts.unreached,
            erased: counts.erased,
            damaged: counts.damaged,
            free_bytes: self.free_bytes()?,
        })
    }

    /// What the file system has left for unprivileged users, in bytes.
    pub fn free_bytes(&self) -> Result<u64> {
        let dir = &self.inner.dir;
        let space = rustix::fs::statvfs(dir).map_err(|e| Error::io("ask for the free space of", dir)(e.into()))?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// An error unless so many more bytes of blocks fit and `spare_bytes` stay free.
    fn ask_room(&self, bytes: u64, spare_bytes: u64) -> Result<()> {
        let needed_bytes = self.inner.index.room_of(bytes).saturating_add(spare_bytes);
        let free_bytes = self.free_bytes()?;
        if needed_bytes > free_bytes { Err(Error::NoRoom { needed_bytes, free_bytes }) } else { Ok(()) }
    }

    /// A number that rises whenever something that could be had may not be any more: removed, withdrawn, damaged. Who
    /// keeps what was found with the epoch from before the look may give it out as long as the epoch is the same.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::Acquire)
    }

    /// Ends what readers know; call it when the change can be seen.
    fn new_epoch(&self) {
        self.inner.open_files.empty();
        self.inner.epoch.fetch_add(1, Ordering::Release);
    }

    fn fault(&self, point: &'static str) {
        if let Some(hook) = &self.inner.fault_point {
            hook(point);
        }
    }

    fn blob_path(&self, cid: &cid::Cid) -> PathBuf {
        let name = cid.to_string();
        // The last character carries few bits; the two before it spread evenly.
        let shard = name.get(name.len() - 3..name.len() - 1).unwrap_or("xx");
        self.inner.dir.join("blobs").join(shard).join(&name)
    }

    fn temporary_path(&self) -> PathBuf {
        let number = self.inner.temporary.fetch_add(1, Ordering::Relaxed);
        self.inner.dir.join("tmp").join(number.to_string())
    }
}

/// Locks, whether or not another thread panicked with the lock: what it guards is on the disk, not in memory.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a folder's entries durable.
fn sync_folder(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io("sync the folder", path))
}
