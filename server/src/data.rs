//! The node's data folder: where each part keeps its files, and the lock that keeps a second process out.
//!
//! The folder belongs to one process at a time. The lock is the kernel's, so a killed process leaves none behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("There is no home folder to keep data in; name one with --data DIR.")]
    NoDefault,
    #[error("The data folder {} can't be made ({source}); choose another with --data DIR.", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("The data folder {} can't be written ({source}); change its owner or permissions, or choose another with --data DIR.", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("The disk that holds {} is full; free some space or choose another folder with --data DIR.", .0.display())]
    Full(PathBuf),
    #[error("Another pinreel already serves {}; stop it first or choose another folder with --data DIR.", .0.display())]
    Locked(PathBuf),
    #[error("No node has its data in {}; name the folder that `pinreel serve --data DIR` was started with.", .0.display())]
    NotANode(PathBuf),
}

const CONTENT: &str = "content";
const KEYS: &str = "keys";
const LOG_KEY: &str = "log";

/// An opened and locked data folder. The lock ends with the process.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder, checks that it can be written, and takes the lock. What stands in it, whoever needs it makes: a
    /// start that fails early leaves no half of a node.
    pub fn open(root: &Path) -> Result<Self, DataError> {
        let data = Self::lock(root)?;
        probe(&data.root).map_err(|error| classify(&data.root, error))?;
        Ok(data)
    }

    fn lock(root: &Path) -> Result<Self, DataError> {
        fs::create_dir_all(root).map_err(|source| DataError::Create { path: root.to_owned(), source })?;
        let root = root.canonicalize().map_err(|source| DataError::Create { path: root.to_owned(), source })?;
        let lock = open_private(&root.join("lock")).map_err(|error| classify(&root, error))?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            return Err(match error {
                rustix::io::Errno::WOULDBLOCK => DataError::Locked(root),
                other => DataError::Unwritable { path: root, source: other.into() },
            });
        }
        Ok(Self { root, _lock: lock })
    }

    /// As [`DataDir::open`]; a node that was here before also comes up on a full disk, to give what it has.
    pub fn open_to_serve(root: &Path) -> Result<Self, DataError> {
        match Self::open(root) {
            Err(full @ DataError::Full(_)) if is_used(root) => {
                tracing::warn!("{full} Until then the node gives what it has, and takes nothing.");
                Self::lock(root)
            }
            opened => opened,
        }
    }

    /// As [`DataDir::open`], for a folder that a node uses. Any other is refused, and nothing is made in it. The disk may
    /// be full: whoever comes may have come to make room.
    pub fn open_used(root: &Path) -> Result<Self, DataError> {
        if is_used(root) { Self::lock(root) } else { Err(DataError::NotANode(root.to_owned())) }
    }

    /// As [`DataDir::open_used`], also for a folder that somebody has made for a node and is empty yet.
    pub fn open_used_or_empty(root: &Path) -> Result<Self, DataError> {
        let is_empty = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty { Self::open(root) } else { Self::open_used(root) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn content(&self) -> PathBuf {
        self.root.join(CONTENT)
    }

    /// Makes the content store's folder, which only this user may enter.
    pub fn make_content(&self) -> Result<PathBuf, DataError> {
        self.make(self.content())
    }

    /// Makes the keys' folder, which only this user may enter.
    pub fn make_keys(&self) -> Result<PathBuf, DataError> {
        self.make(self.keys())
    }

    /// Makes the folder of denylists.
    pub fn make_denylists(&self) -> Result<PathBuf, DataError> {
        self.make(self.denylists())
    }

    fn make(&self, folder: PathBuf) -> Result<PathBuf, DataError> {
        private_dir(&folder).map_err(|error| classify(&self.root, error))?;
        Ok(folder)
    }

    pub fn keys(&self) -> PathBuf {
        self.root.join(KEYS)
    }

    /// The log's key, which makes the folder this node's and no other's.
    pub fn log_key(&self) -> PathBuf {
        self.keys().join(LOG_KEY)
    }

    /// What the operator refuses to give: `*.deny` files.
    pub fn denylists(&self) -> PathBuf {
        self.root.join("denylists")
    }

    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// Room that is kept for the database.
    pub fn postgres_reserve(&self) -> PathBuf {
        self.root.join("postgres.reserve")
    }

    /// Sockets.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub fn ipfs(&self) -> PathBuf {
        self.root.join("ipfs")
    }

    /// Where the node's own transcoder has its jobs' folders.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub fn worker_token(&self) -> PathBuf {
        self.root.join("worker-token")
    }
}

fn is_used(root: &Path) -> bool {
    root.join(KEYS).join(LOG_KEY).is_file() || root.join(CONTENT).is_dir()
}

/// The folder that is used when none is named.
pub fn default_root() -> Result<PathBuf, DataError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/pinreel"));
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|share| share.join("pinreel"))
        .ok_or(DataError::NoDefault)
}

/// Makes a folder that only this user may enter.
pub fn private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Writes a file that only this user may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent().ok_or(io::ErrorKind::InvalidInput)? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Writes a little and takes it away again: permissions alone don't tell about full or read-only disks.
fn probe(root: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(root)?;
    file.write_all(&[0x5a; 64 * 1024])?;
    file.sync_data()
}

/// Whether there was too little room on the disk.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn classify(root: &Path, source: io::Error) -> DataError {
    let path = root.to_owned();
    if is_full(&source) { DataError::Full(path) } else { DataError::Unwritable { path, source } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_process_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataError::Locked(_))));
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn folder_under_a_file_is_refused_in_a_sentence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DataDir::open(&file.path().join("data")).unwrap_err();
        assert!(error.to_string().contains("can't be made"), "{error}");
    }

    #[test]
    fn a_folder_that_is_no_node_s_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mistyped = folder.path().join("mistyped");
        assert!(matches!(DataDir::open_used(&mistyped), Err(DataError::NotANode(_))));
        assert!(matches!(DataDir::open_used_or_empty(&mistyped), Err(DataError::NotANode(_))));
        assert!(matches!(DataDir::open_used(folder.path()), Err(DataError::NotANode(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(DataDir::open_used_or_empty(folder.path()).unwrap());
        fs::create_dir(folder.path().join(CONTENT)).unwrap();
        drop(DataDir::open_used(folder.path()).unwrap());

        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("letter.txt"), b"Dear").unwrap();
        assert!(matches!(DataDir::open_used_or_empty(other.path()), Err(DataError::NotANode(_))));
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
    }

    #[test]
    fn private_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_private(&path, b"secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
