//! Reading what can be read of an index that is damaged, into a new one.
//!
//! Nothing in it is believed: blocks are hashed, CIDs parsed. redb gives errors for some damage and panics on other; both
//! end a table here, which is then read from its other end as far as that goes. The old file isn't changed.

use std::{
    cell::Cell,
    cmp::Ordering,
    collections::HashSet,
    fs::File,
    io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::Once,
};

use redb::{
    AccessGuard, Database, DatabaseError, Key, ReadableDatabase, TableDefinition, Value, backends::FileBackend,
};

use super::{
    ERASED, Index, NODES, OF_A_BLOB, ON_ITS_OWN, PINS, PUBLIC, PUBLIC_ROOTS, REMOVING, ROOTS, Tables, overlay::Overlay,
    tagged,
};
use crate::{
    Digest, Error, Result,
    address::{digest_of, sha256},
    store::pins::{pin_of, stored_cid},
};

const BATCH_ROWS: usize = 1024;

/// An old index, as far as it can be opened.
pub(in crate::store) struct Salvage {
    old: Option<Database>,
    /// Whether all of it could be read.
    pub(in crate::store) whole: bool,
}

/// What was found besides what went straight into the new index.
#[derive(Default)]
pub(in crate::store) struct Salvaged {
    pub(in crate::store) blocks: u64,
    pub(in crate::store) pins: u64,
    /// Nodes of files' trees: of use when their file is there.
    pub(in crate::store) tree_nodes: Vec<Digest>,
    /// Files that were on their way out.
    pub(in crate::store) removing: Vec<Digest>,
}

impl Salvage {
    /// Opens what is there.
    ///
    /// # Errors
    /// [`Error::FolderInUse`]; damage is none.
    pub(in crate::store) fn open(path: &Path, dir: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self { old: None, whole: true });
        }
        // As it is; else with all that redb can do for it, which may be the transaction before the last.
        for repairing in [false, true] {
            let file = File::options().read(true).write(true).open(path).map_err(Error::io("open", path))?;
            let backend = FileBackend::new(file).map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => Error::FolderInUse(dir.to_owned()),
                other => Error::Index(other.into()),
            })?;
            let overlay = Overlay::new(backend).map_err(Error::io("read", path))?;
            let opened =
                guarded(|| Database::builder().set_check_integrity_on_open(repairing).create_with_backend(overlay));
            match opened {
                Some(Ok(old)) => return Ok(Self { old: Some(old), whole: !repairing }),
                Some(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => {
                    return Err(Error::FolderInUse(dir.to_owned()));
                }
                Some(Err(error)) => tracing::warn!(%error, "the old index can't be opened"),
                None => tracing::warn!("the old index can't be opened: it is damaged"),
            }
        }
        Ok(Self { old: None, whole: false })
    }

    /// Copies everything that only the old index knows into the new one.
    pub(in crate::store) fn copy_into(&mut self, index: &Index) -> Result<Salvaged> {
        let mut found = Salvaged::default();
        let node = |digest: &Digest, node: &[u8]| {
            let (owner, block) = node.split_first()?;
            let right = matches!(*owner, OF_A_BLOB | ON_ITS_OWN) && sha256(block) == *digest;
            right.then(|| (*digest, *owner, block.to_vec()))
        };
        self.copy(
            index,
            NODES,
            |key, value| node(key.value(), value.value()),
            |tables, (digest, owner, block)| {
                match owner {
                    ON_ITS_OWN => found.blocks += 1,
                    _ => found.tree_nodes.push(digest),
                }
                tables.nodes.insert(&digest, tagged(owner, &block).as_slice())?;
                Ok(())
            },
        )?;
        let cid = |key: &Digest, cid: &[u8]| stored_cid(cid).ok().filter(|cid| digest_of(cid) == Some(*key));
        let root = |key: AccessGuard<'_, &'static Digest>, value: AccessGuard<'_, &'static [u8]>| {
            cid(key.value(), value.value())
        };
        self.copy(index, PUBLIC_ROOTS, root, |tables, cid| {
            let Some(digest) = digest_of(&cid) else { return Ok(()) };
            tables.public_roots.insert(&digest, &cid.to_bytes()[..]).map(drop).map_err(Error::from)
        })?;
        self.copy(index, PUBLIC, |key, _| Some(*key.value()), |tables, digest| tables.publish(&digest).map(drop))?;
        self.copy(
            index,
            ERASED,
            |key, at| Some((*key.value(), at.value())),
            |tables, (digest, at)| tables.erased.insert(&digest, at).map(drop).map_err(Error::from),
        )?;
        let pin = |key: AccessGuard<'_, &'static [u8]>, value: AccessGuard<'_, super::PinRow>| {
            let (key, pin) = (key.value(), pin_of(key.value(), value.value()).ok()?);
            (key.get(..32)? == digest_of(&pin.cid)?).then(|| (key.to_vec(), pin))
        };
        self.copy(index, PINS, pin, |tables, (key, pin)| {
            found.pins += 1;
            let row = (&pin.cid.to_bytes()[..], pin.reason.as_str(), pin.since_ms, pin.until_ms.unwrap_or_default());
            tables.pins.insert(key.as_slice(), row).map(drop).map_err(Error::from)
        })?;
        self.copy(
            index,
            REMOVING,
            |key, _| Some(*key.value()),
            |_, digest| {
                found.removing.push(digest);
                Ok(())
            },
        )?;
        // One that was stored again stays, and so does one of which that can't be told.
        let mut stored_again = HashSet::new();
        self.copy(
            index,
            ROOTS,
            |key, _| Some(*key.value()),
            |_, digest| {
                stored_again.insert(digest);
                Ok(())
            },
        )?;
        found.removing.retain(|digest| self.whole && !stored_again.contains(digest));
        Ok(found)
    }

    /// Copies one table, from its beginning and, if that ends early, from its end. Rows that parse to nothing are wrong.
    fn copy<K: Key + 'static, V: Value + 'static, T>(
        &mut self,
        index: &Index,
        definition: TableDefinition<'static, K, V>,
        parse: impl Fn(AccessGuard<'static, K>, AccessGuard<'static, V>) -> Option<T>,
        mut insert: impl FnMut(&mut Tables, T) -> Result<()>,
    ) -> Result<()> {
        let Some(old) = &self.old else { return Ok(()) };
        for from_the_end in [false, true] {
            let rows = guarded(|| Rows::open(old, definition, from_the_end));
            let mut rows = match rows {
                Some(Ok(rows)) => rows,
                // An index of an older format has fewer tables.
                Some(Err(redb::Error::TableDoesNotExist(_))) => return Ok(()),
                _ => {
                    self.whole = false;
                    return Ok(());
                }
            };
            loop {
                let batch: Vec<_> = std::iter::from_fn(|| rows.next()).take(BATCH_ROWS).collect();
                if batch.is_empty() {
                    break;
                }
                index.write(|tables| {
                    for (key, value) in batch {
                        match guarded(|| parse(key, value)).flatten() {
                            Some(row) => insert(tables, row)?,
                            None => self.whole = false,
                        }
                    }
                    Ok(())
                })?;
            }
            if !rows.broken {
                break;
            }
            self.whole = false;
        }
        Ok(())
    }
}

impl Drop for Salvage {
    fn drop(&mut self) {
        close(&mut self.old);
    }
}

/// Closes an index; of a damaged one redb can't write what it would like to, and panics.
pub(super) fn close(db: &mut Option<Database>) {
    if let Some(db) = db.take()
        && guarded(|| drop(db)).is_none()
    {
        tracing::warn!("the index could not be closed: it is damaged");
    }
}

/// The rows of a table in one direction, as far as they can be read.
struct Rows<K: Key + 'static, V: Value + 'static> {
    range: redb::Range<'static, K, V>,
    from_the_end: bool,
    last_key: Option<Vec<u8>>,
    /// Whether there would have been more.
    broken: bool,
}

impl<K: Key + 'static, V: Value + 'static> Rows<K, V> {
    fn open(
        old: &Database,
        definition: TableDefinition<'static, K, V>,
        from_the_end: bool,
    ) -> Result<Self, redb::Error> {
        let range = old.begin_read()?.open_table(definition)?.range::<K::SelfType<'_>>(..)?;
        Ok(Self { range, from_the_end, last_key: None, broken: false })
    }

    fn next(&mut self) -> Option<(AccessGuard<'static, K>, AccessGuard<'static, V>)> {
        if self.broken {
            return None;
        }
        let next = guarded(|| if self.from_the_end { self.range.next_back() } else { self.range.next() });
        let Some(Some(Ok((key, value)))) = next else {
            self.broken = !matches!(next, Some(None));
            return None;
        };
        // Keys that don't rise (or fall) are those of a tree that has lost its order, and perhaps has no end.
        let wanted = if self.from_the_end { Ordering::Greater } else { Ordering::Less };
        let Some(this_key) = guarded(|| K::as_bytes(&key.value()).as_ref().to_vec()) else {
            self.broken = true;
            return None;
        };
        let order = self.last_key.as_ref().map(|last| guarded(|| K::compare(last, &this_key)));
        self.broken = order.is_some_and(|order| order != Some(wanted));
        self.last_key = Some(this_key);
        (!self.broken).then_some((key, value))
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
        DatabaseError::Storage(Io(error)) => Error::io("open", dir.join("index.redb"))(error),
        other => Error::Index(other.into()),
    }
}
