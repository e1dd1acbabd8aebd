//! Hashing files that are on the disk already, with several threads: the leaves of a large file in parallel, and
//! several files at once.
//!
//! A file is cut into pieces of whole leaves, which wait in a short queue; each thread reads its piece with `pread` into a
//! buffer of its own, a stretch of several leaves in turn, and hashes these side by side. So memory is a buffer for each
//! thread and 32 bytes for each leaf of the files under way, however large they are. A file that changes meanwhile is
//! refused: its CID would be that of no file that ever was.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use crate::{
    Digest, Error, Result, Stored,
    import::{LEAF_BYTES, Tree, leaf_count},
    lanes::{LANES, Lanes},
};

/// How many leaves a thread takes at once.
const PIECE_LEAVES: u64 = 8;
/// What is read of a leaf at once. That of all lanes fits into a core's own cache beside what else is in it, so that
/// hashing finds the bytes there.
const STRETCH_BYTES: usize = 128 * 1024;
/// How many pieces wait for each thread.
const WAITING_PIECES: usize = 4;

/// What happens while files are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A file of so many bytes will be hashed.
    Found(u64),
    /// So many bytes of it were.
    Hashed(u64),
}

/// Hears of progress, from any thread.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Sync);

/// As many threads as there are cores for this process.
pub fn all_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Computes the CID of a file on the disk, with `threads` threads.
///
/// # Errors
/// [`Error::Io`], [`Error::Changed`].
pub fn hash_file(path: &Path, threads: usize, on_progress: OnProgress<'_>) -> Result<Stored> {
    Ok(file_tree(path, threads, on_progress)?.stored())
}

/// As [`hash_file`], with all that the index wants to know.
pub(crate) fn file_tree(path: &Path, threads: usize, on_progress: OnProgress<'_>) -> Result<Tree> {
    let size_bytes = path.metadata().map_err(Error::io("look at", path))?.len();
    let threads = threads.min(leaf_count(size_bytes).div_ceil(PIECE_LEAVES) as usize);
    with_hashers(threads, on_progress, |hashers| hashers.hash(path, size_bytes).tree())
}

/// Runs something that has files hashed by `threads` threads, at least one.
pub(crate) fn with_hashers<T>(threads: usize, on_progress: OnProgress<'_>, run: impl FnOnce(&Hashers) -> T) -> T {
    let threads = threads.max(1);
    let (pieces, waiting) = mpsc::sync_channel(threads * WAITING_PIECES);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&waiting, on_progress));
        }
        // The threads end when nobody can give them pieces any more.
        let hashers = Hashers { pieces };
        run(&hashers)
    })
}

/// Threads that hash files.
pub(crate) struct Hashers {
    pieces: SyncSender<Piece>,
}

/// A file's tree, once it is known.
pub(crate) struct Hashing(Receiver<Result<Tree>>, PathBuf);

impl Hashers {
    /// Has a file hashed; waits while the threads have enough to do.
    pub(crate) fn hash(&self, path: &Path, size_bytes: u64) -> Hashing {
        let (result, waiting) = mpsc::channel();
        let leaves = leaf_count(size_bytes);
        let job = Arc::new(Job {
            path: path.to_owned(),
            size_bytes,
            open: Mutex::default(),
            leaves: Mutex::new(vec![[0; 32]; leaves as usize]),
            left: AtomicU64::new(leaves.div_ceil(PIECE_LEAVES)),
            failed: AtomicBool::new(false),
            result,
        });
        for first in (0..leaves).step_by(PIECE_LEAVES as usize) {
            let piece = Piece { job: job.clone(), first, count: PIECE_LEAVES.min(leaves - first) };
            // Somebody listens as long as we live: the threads end after us.
            let _ = self.pieces.send(piece);
        }
        Hashing(waiting, path.to_owned())
    }
}

impl Hashing {
    pub(crate) fn tree(self) -> Result<Tree> {
        let Self(result, path) = self;
        // Without an answer the thread panicked, and the scope tells of that.
        result.recv().unwrap_or_else(|_| Err(Error::io("hash", path)(io::ErrorKind::Other.into())))
    }
}

struct Piece {
    job: Arc<Job>,
    first: u64,
    count: u64,
}

struct Job {
    path: PathBuf,
    size_bytes: u64,
    /// Opened by the first thread that comes, so that no more files are open than pieces are under way.
    open: Mutex<Option<Arc<Opened>>>,
    leaves: Mutex<Vec<Digest>>,
    /// How many pieces aren't done.
    left: AtomicU64,
    failed: AtomicBool,
    result: Sender<Result<Tree>>,
}

struct Opened {
    file: File,
    modified: SystemTime,
}

fn work(waiting: &Mutex<Receiver<Piece>>, on_progress: OnProgress<'_>) {
    let mut buffer = vec![0; LANES * STRETCH_BYTES];
    loop {
        // The lock goes with the statement: whoever hashes doesn't hold it.
        let Ok(Piece { job, first, count }) = lock(waiting).recv() else { return };
        if job.failed.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = job.hash(first, count, &mut buffer, on_progress) {
            job.failed.store(true, Ordering::Relaxed);
            // The first answer counts; whoever asked may have left.
            let _ = job.result.send(Err(error));
        }
    }
}

impl Job {
    fn hash(&self, first: u64, count: u64, buffer: &mut [u8], on_progress: OnProgress<'_>) -> Result<()> {
        let opened = self.opened()?;
        let mut digests = Vec::with_capacity(count as usize);
        for leaf in (first..first + count).step_by(LANES) {
            let offset = leaf * LEAF_BYTES;
            let length = ((first + count - leaf).min(LANES as u64) * LEAF_BYTES).min(self.size_bytes - offset);
            digests.extend(hash_leaves(&opened.file, offset, length, buffer).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Error::Changed(self.path.clone()),
                _ => Error::io("read", &self.path)(error),
            })?);
            on_progress(Progress::Hashed(length));
        }
        lock(&self.leaves)[first as usize..].iter_mut().zip(digests).for_each(|(leaf, digest)| *leaf = digest);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.check_unchanged(&opened.file, Some(opened.modified))?;
            let leaves = std::mem::take(&mut *lock(&self.leaves));
            let _ = self.result.send(Ok(Tree::build(leaves, self.size_bytes)));
        }
        Ok(())
    }

    fn opened(&self) -> Result<Arc<Opened>> {
        let mut open = lock(&self.open);
        if let Some(opened) = &*open {
            return Ok(opened.clone());
        }
        // Without O_NONBLOCK, a pipe that has taken the file's place would keep us waiting.
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file = File::options().read(true).custom_flags(flags).open(&self.path);
        let file = file.map_err(Error::io("open", &self.path))?;
        let modified = self.check_unchanged(&file, None)?;
        // The kernel's own files say that they have nothing, and have.
        if self.size_bytes == 0 && file.read_at(&mut [0], 0).map_err(Error::io("read", &self.path))? > 0 {
            let reason = io::Error::other("it doesn't say how long it is; it can be read as a stream");
            return Err(Error::io("hash", &self.path)(reason));
        }
        let opened = Arc::new(Opened { file, modified });
        *open = Some(opened.clone());
        Ok(opened)
    }

    fn check_unchanged(&self, file: &File, since: Option<SystemTime>) -> Result<SystemTime> {
        let meta = file.metadata().map_err(Error::io("look at", &self.path))?;
        let modified = meta.modified().map_err(Error::io("look at", &self.path))?;
        let same = meta.is_file() && meta.len() == self.size_bytes && since.is_none_or(|since| since == modified);
        if same { Ok(modified) } else { Err(Error::Changed(self.path.clone())) }
    }
}

/// Hashes a stretch leaf by leaf; only the last one may be shorter.
fn hash_leaves(file: &File, offset: u64, length: u64, buffer: &mut [u8]) -> io::Result<Vec<Digest>> {
    if length == LANES as u64 * LEAF_BYTES {
        return hash_lanes(file, offset, buffer).map(Vec::from);
    }
    // An empty file is one empty leaf.
    let begins = (0..length.div_ceil(LEAF_BYTES).max(1)).map(|leaf| offset + leaf * LEAF_BYTES);
    begins.map(|begin| hash_range(file, begin, LEAF_BYTES.min(offset + length - begin), buffer)).collect()
}

/// Hashes as many whole leaves as go side by side.
fn hash_lanes(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<[Digest; LANES]> {
    let mut lanes = Lanes::new();
    for at in (0..LEAF_BYTES).step_by(STRETCH_BYTES) {
        for (lane, part) in (0..).zip(buffer.chunks_exact_mut(STRETCH_BYTES)) {
            file.read_exact_at(part, offset + lane * LEAF_BYTES + at)?;
        }
        let part = |lane: usize| &buffer[lane * STRETCH_BYTES..][..STRETCH_BYTES];
        lanes.update(std::array::from_fn(part));
    }
    Ok(lanes.finish([&[]; LANES]))
}

fn hash_range(file: &File, offset: u64, length: u64, buffer: &mut [u8]) -> io::Result<Digest> {
    let (mut hasher, mut done) = (Sha256::new(), 0);
    while done < length {
        let part = (length - done).min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..part], offset + done)?;
        hasher.update(&buffer[..part]);
        done += part as u64;
    }
    Ok(hasher.finalize().into())
}

/// A panic elsewhere ends the whole scope; until then its half-written state harms nobody.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
