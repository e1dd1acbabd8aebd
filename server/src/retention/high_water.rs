//! How long this folder has seen the log: a shorter one is an older backup or somebody else's, and must not decide what
//! is removed here.

use std::io;
use std::path::PathBuf;

use crate::app::App;
use crate::data::{is_full, write_private};

fn path(app: &App) -> PathBuf {
    app.data.root().join("log-size")
}

/// The longest log seen so far.
pub fn seen(app: &App) -> io::Result<i64> {
    match std::fs::read_to_string(path(app)) {
        Ok(text) => text.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no number")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Notes a longer one. On a full disk that waits: the log is whole now, and what is unpinned makes room.
pub fn note(app: &App, size: i64) -> io::Result<()> {
    if size <= seen(app)? {
        return Ok(());
    }
    unless_full(write_private(&path(app), format!("{size}\n").as_bytes()))
}

fn unless_full(noted: io::Result<()>) -> io::Result<()> {
    match noted {
        Err(error) if is_full(&error) => {
            tracing::warn!(%error, "the length of the log isn't noted yet");
            Ok(())
        }
        noted => noted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_reason_to_keep_what_nobody_wants() {
        for (kind, goes_on) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::PermissionDenied, false),
        ] {
            assert_eq!(unless_full(Err(kind.into())).is_ok(), goes_on, "{kind:?}");
        }
    }
}
