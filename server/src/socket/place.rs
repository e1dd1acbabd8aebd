//! Where the socket is. A socket's path may have 107 bytes at most, a folder's more, so it is named through an open
//! folder.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::data;

#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

const NAME: &str = "node.sock";

impl Place {
    /// Of the node whose data folder this is.
    pub fn of(root: &Path) -> Self {
        Self { folder: root.join("run") }
    }

    /// Takes the place of a socket that an earlier run left: the folder's lock says that it is no longer in use.
    pub fn bind(&self) -> io::Result<UnixListener> {
        data::private_dir(&self.folder)?;
        self.remove();
        let (_open, short) = self.short()?;
        let listener = UnixListener::bind(&short)?;
        fs::set_permissions(&short, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// `None` when no node listens.
    pub async fn connect(&self) -> io::Result<Option<UnixStream>> {
        let nobody =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused);
        let (_open, short) = match self.short() {
            Err(error) if nobody(&error) => return Ok(None),
            other => other?,
        };
        match UnixStream::connect(short).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if nobody(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn remove(&self) {
        // What isn't there needn't go; what can't go is reported by `bind`.
        let _ = fs::remove_file(self.folder.join(NAME));
    }

    fn short(&self) -> io::Result<(File, PathBuf)> {
        let open = File::open(&self.folder)?;
        let short = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string()).join(NAME);
        Ok((open, short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_folder_works_and_a_dead_socket_is_nobody() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::of(&root.path().join("a-folder-with-a-name-of-thirty-".repeat(5)));
        assert!(place.connect().await.unwrap().is_none(), "no folder");
        let listener = place.bind().unwrap();
        assert!(place.connect().await.unwrap().is_some());
        drop(listener);
        assert!(place.connect().await.unwrap().is_none(), "nobody listens");
        let _again = place.bind().unwrap();
        assert!(place.connect().await.unwrap().is_some());
        let mode = fs::metadata(place.folder.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
