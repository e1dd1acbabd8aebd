//! How long this folder has seen the log: a shorter one is an older backup or somebody else's, and must not decide what
//! is removed here.

use std::io;
use std::path::PathBuf;

use crate::app::App;
use crate::data::write_private;

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

/// Notes a longer one.
pub fn note(app: &App, size: i64) -> io::Result<()> {
    if size > seen(app)? { write_private(&path(app), format!("{size}\n").as_bytes()) } else { Ok(()) }
}
