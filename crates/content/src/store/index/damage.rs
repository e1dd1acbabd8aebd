//! How damage of an index shows, and what it is called: redb gives errors for some of it and panics on other.

use std::{
    cell::Cell,
    io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::Once,
};

use redb::{Database, DatabaseError};

use crate::Error;

/// Closes an index; of a damaged one redb can't write what it would like to, and panics.
pub(super) fn close(db: &mut Option<Database>) {
    if let Some(db) = db.take()
        && guarded(|| drop(db)).is_none()
    {
        tracing::warn!("the index could not be closed: it is damaged");
    }
}

thread_local! {
    /// Whether a panic on this thread is an answer that somebody waits for.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// `None` when it panicked, as redb does when what it reads makes no sense. Nothing is printed: the caller tells it.
pub(in crate::store) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                before(panic);
            }
        }));
    });
    let outer = EXPECTED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    EXPECTED.set(outer);
    outcome.ok()
}

/// What an index that can't be read is called.
pub(in crate::store) fn damaged(reason: impl ToString) -> Error {
    Error::IndexDamaged(reason.to_string())
}

/// Tells damage from other failures to open an index.
pub(in crate::store) fn open_error(error: DatabaseError, dir: &Path) -> Error {
    use redb::StorageError::{Corrupted, Io};
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::FolderInUse(dir.to_owned()),
        DatabaseError::RepairAborted => damaged("it could not be repaired"),
        DatabaseError::Storage(Corrupted(reason)) => damaged(reason),
        DatabaseError::Storage(Io(error))
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            damaged(error)
        }
        DatabaseError::Storage(Io(error)) => Error::io("open", dir.join(crate::store::INDEX))(error),
        other => Error::Index(other.into()),
    }
}
