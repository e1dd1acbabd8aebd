//! Where the cluster's socket lies, and how a stranger to the process finds it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::orphan::LockFile;
use super::{DATABASE, OWNER};

/// The name Postgres gives its socket, by the port number that it was told.
const SOCKET: &str = ".s.PGSQL.5432";
/// The kernel's limit for the path of a Unix socket, without the closing zero.
const LONGEST_SOCKET: usize = 107;
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `preferred` if a socket in it has a legal length, else a short folder of our own among the system's run-time ones.
pub fn folder(preferred: PathBuf) -> PathBuf {
    if fits(&preferred) {
        return preferred;
    }
    let name = format!("pinreel-{}", &HEXLOWER.encode(&Sha256::digest(preferred.as_os_str().as_encoded_bytes()))[..16]);
    let root = rustix::process::geteuid().is_root().then(|| PathBuf::from("/run"));
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = root.or(session).filter(|base| base.is_dir() && fits(&base.join(&name)));
    base.unwrap_or_else(|| PathBuf::from("/tmp")).join(name)
}

fn fits(folder: &Path) -> bool {
    folder.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET
}

/// A folder in a place that others may write to must be ours and no link before we trust what is in it.
pub fn is_foreign(folder: &Path) -> bool {
    let ours = rustix::process::geteuid();
    fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir() || (!ours.is_root() && found.uid() != ours.as_raw()))
}

/// Takes away the socket of a killed Postgres; its lock file can bear the number of some living process. The folder is
/// ours alone, and nobody works in the cluster when this is called.
pub fn remove_stale(folder: &Path) -> io::Result<()> {
    for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The address of the running cluster in this folder, for its owner; `None` if it doesn't run.
pub fn running_url(cluster: &Path) -> Option<String> {
    let LockFile { socket: folder, .. } = LockFile::read(cluster)?;
    let folder = folder.to_str()?;
    UnixStream::connect(Path::new(folder).join(SOCKET)).ok()?;
    Some(format!("postgres://{OWNER}@localhost:5432/{DATABASE}?host={}", utf8_percent_encode(folder, IN_QUERY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_path_falls_back_to_a_short_one() {
        let short = PathBuf::from("/srv/pinreel/run");
        assert_eq!(folder(short.clone()), short);
        let edge = PathBuf::from(format!("/{}", "a".repeat(LONGEST_SOCKET - SOCKET.len() - 2)));
        assert_eq!(folder(edge.clone()), edge);
        let long = edge.join("b");
        let fallback = folder(long.clone());
        assert!(fits(&fallback));
        assert_eq!(folder(long), fallback, "the same each time");
    }

    #[test]
    fn link_is_foreign() {
        let base = tempfile::tempdir().unwrap();
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        assert!(is_foreign(&link));
        assert!(!is_foreign(base.path()));
        assert!(!is_foreign(&base.path().join("missing")));
    }
}
