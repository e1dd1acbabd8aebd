//! Where denylists are, and reading one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::name_of;
use super::parse::{List, ListError, parse};
use crate::regular;

/// A larger file isn't read.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The folders that every IPFS program of this machine looks into (IPIP-383).
pub fn system_folders() -> Vec<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let own = config.map(|config| config.join("ipfs/denylists"));
    [Some(PathBuf::from("/etc/ipfs/denylists")), own].into_iter().flatten().collect()
}

/// The lists at a place, in the order of their names: the file itself, or a folder's `*.deny`.
pub fn files_in(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else {
        return if place.exists() { vec![place.to_owned()] } else { Vec::new() };
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut lists: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "deny")).collect();
    lists.sort();
    lists
}

/// Whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: (i64, i64),
    /// Files may get the time of the one before them, and its size; this they can't choose.
    changed: (i64, i64),
    size_bytes: u64,
    inode: u64,
}

impl Stamp {
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            size_bytes: found.len(),
            inode: found.ino(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    List(#[from] ListError),
}

pub fn read_list(path: &Path) -> Result<List, ReadError> {
    Ok(parse(&name_of(path), &regular::read(path, MAX_FILE_BYTES)?)?)
}
