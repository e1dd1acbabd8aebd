//! Reading what can be read of an index that is damaged, into a new one.
//!
//! Nothing in it is believed: blocks are hashed, CIDs parsed. redb gives errors for some damage and panics on other; both
//! end a table here, which is then read from its other end as far as that goes. What lies between is looked for in the
//! file's pages ([`super::pages`]). The old file isn't changed.

use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
};

use redb::{AccessGuard, Database, DatabaseError, Key, ReadableTable, TableDefinition, Value, backends::FileBackend};

use super::{
    ERASED, Index, NODES, OF_A_BLOB, ON_ITS_OWN, PINS, PUBLIC, PUBLIC_ROOTS, PinRow, REMOVING, ROOTS, Tables,
    damage::{close, guarded},
    overlay::Overlay,
    pages,
    rows::Rows,
    tagged,
};
use crate::{
    Cid, Digest, Error, Result,
    address::{digest_of, sha256},
    store::{
        pins::{Pin, pin_of, stored_cid},
        rebuild::InPages,
    },
};

const BATCH_ROWS: usize = 1024;

/// An old index, as far as it can be opened.
pub(in crate::store) struct Salvage {
    path: PathBuf,
    old: Option<Database>,
    /// Whether all of it could be read.
    pub(in crate::store) whole: bool,
}

/// What was found besides what went straight into the new index.
#[derive(Default)]
pub(in crate::store) struct Salvaged {
    pub(in crate::store) blocks: u64,
    pub(in crate::store) pins: u64,
    /// What of these was only found in single pages.
    pub(in crate::store) in_pages: InPages,
    /// Nodes of files' trees: of use when their file is there.
    pub(in crate::store) tree_nodes: Vec<Digest>,
    /// Files that were on their way out.
    pub(in crate::store) removing: Vec<Digest>,
}

/// Which tables could be read to their ends.
struct Whole {
    nodes: bool,
    pins: bool,
    public_roots: bool,
}

type NodeRow = (Digest, u8, Vec<u8>);

impl Salvage {
    /// Opens what is there.
    ///
    /// # Errors
    /// [`Error::FolderInUse`]; damage is none.
    pub(in crate::store) fn open(path: &Path, dir: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self { path: path.to_owned(), old: None, whole: true });
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
                Some(Ok(old)) => return Ok(Self { path: path.to_owned(), old: Some(old), whole: !repairing }),
                Some(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => {
                    return Err(Error::FolderInUse(dir.to_owned()));
                }
                Some(Err(error)) => tracing::warn!(%error, "the old index can't be opened"),
                None => tracing::warn!("the old index can't be opened: it is damaged"),
            }
        }
        Ok(Self { path: path.to_owned(), old: None, whole: false })
    }

    /// Copies everything that only the old index knows into the new one.
    pub(in crate::store) fn copy_into(&mut self, index: &Index) -> Result<Salvaged> {
        let mut found = Salvaged::default();
        let opened_whole = self.whole;
        let nodes = self.copy(
            index,
            NODES,
            |key, value| node_row(key.value(), value.value()),
            |tables, row| found.insert_node(tables, row).map(drop),
        )?;
        let root = |key: AccessGuard<'_, &'static Digest>, value: AccessGuard<'_, &'static [u8]>| {
            root_row(key.value(), value.value())
        };
        let public_roots = self.copy(index, PUBLIC_ROOTS, root, |tables, cid| insert_root(tables, &cid).map(drop))?;
        self.copy(index, PUBLIC, |key, _| Some(*key.value()), |tables, digest| tables.publish(&digest).map(drop))?;
        self.copy(
            index,
            ERASED,
            |key, at| Some((*key.value(), at.value())),
            |tables, (digest, at)| tables.erased.insert(&digest, at).map(drop).map_err(Error::from),
        )?;
        let pin =
            |key: AccessGuard<'_, &'static [u8]>, value: AccessGuard<'_, PinRow>| pin_row(key.value(), value.value());
        let pins = self.copy(index, PINS, pin, |tables, row| found.insert_pin(tables, row).map(drop))?;
        if !self.whole {
            // One that had to be repaired may be that of an earlier day.
            let [nodes, pins, public_roots] = [nodes, pins, public_roots].map(|whole| whole && opened_whole);
            self.look_through(index, &mut found, &Whole { nodes, pins, public_roots })?;
        }
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

    /// Looks for rows of tables that couldn't be read to their ends in every page of the file. A root is made public only
    /// if somebody keeps it: what was taken back long ago may stand in a page that wasn't used again.
    fn look_through(&self, index: &Index, found: &mut Salvaged, whole: &Whole) -> Result<()> {
        let mut roots: HashSet<Cid> = HashSet::new();
        pages::scan(&self.path, |page| {
            let (mut nodes, mut pins, mut proven) = (Vec::new(), Vec::new(), 0);
            for (key, value, end) in pages::rows(page, Some(32)) {
                let Some(digest) = key.first_chunk() else { continue };
                if let Some(node) = node_row(digest, value) {
                    nodes.push(node);
                    proven = proven.max(end);
                } else if let Some(root) = root_row(digest, value) {
                    roots.insert(root);
                }
            }
            // Only a row of pins has an owner, and room for two times.
            let pin_rows = pages::rows(page, None).filter(|(key, value, _)| key.len() > 32 && value.len() > 16);
            for (key, value, _) in pin_rows {
                pins.extend(guarded(|| pin_row(key, <PinRow as Value>::from_bytes(value))).flatten());
            }
            if (nodes.is_empty() || whole.nodes) && (pins.is_empty() || whole.pins) {
                return Ok(proven);
            }
            index.write(|tables| {
                for row in nodes.into_iter().filter(|_| !whole.nodes) {
                    let is_own = row.1 == ON_ITS_OWN;
                    found.in_pages.blocks += u64::from(found.insert_node(tables, row)? && is_own);
                }
                for row in pins.into_iter().filter(|_| !whole.pins) {
                    found.in_pages.pins += u64::from(found.insert_pin(tables, row)?);
                }
                Ok(proven)
            })
        })?;
        if whole.public_roots {
            return Ok(());
        }
        let kept: HashSet<Cid> = index.read()?.pins()?.into_iter().map(|pin| pin.cid).collect();
        index.write(|tables| {
            for root in roots.intersection(&kept) {
                found.in_pages.public_roots += u64::from(insert_root(tables, root)?);
            }
            Ok(())
        })
    }

    /// Copies one table, from its beginning and, if that ends early, from its end. Rows that parse to nothing are wrong. Says
    /// whether all of it could be read.
    fn copy<K: Key + 'static, V: Value + 'static, T>(
        &mut self,
        index: &Index,
        definition: TableDefinition<'static, K, V>,
        parse: impl Fn(AccessGuard<'static, K>, AccessGuard<'static, V>) -> Option<T>,
        mut insert: impl FnMut(&mut Tables, T) -> Result<()>,
    ) -> Result<bool> {
        let Some(old) = &self.old else { return Ok(self.whole) };
        let mut whole = true;
        for from_the_end in [false, true] {
            let rows = guarded(|| Rows::open(old, definition, from_the_end));
            let mut rows = match rows {
                Some(Ok(rows)) => rows,
                // An index of an older format has fewer tables.
                Some(Err(redb::Error::TableDoesNotExist(_))) => return Ok(true),
                _ => {
                    self.whole = false;
                    return Ok(false);
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
                            None => whole = false,
                        }
                    }
                    Ok(())
                })?;
            }
            if !rows.broken {
                break;
            }
            whole = false;
        }
        self.whole &= whole;
        Ok(whole)
    }
}

impl Salvaged {
    /// Whether the row was new. What was erased isn't taken again, as far as that is known.
    fn insert_node(&mut self, tables: &mut Tables, (digest, owner, block): NodeRow) -> Result<bool> {
        if tables.nodes.get(&digest)?.is_some() || tables.erased.get(&digest)?.is_some() {
            return Ok(false);
        }
        match owner {
            ON_ITS_OWN => self.blocks += 1,
            _ => self.tree_nodes.push(digest),
        }
        tables.nodes.insert(&digest, tagged(owner, &block).as_slice())?;
        Ok(true)
    }

    /// Whether the row was new.
    fn insert_pin(&mut self, tables: &mut Tables, (key, pin): (Vec<u8>, Pin)) -> Result<bool> {
        let erased = match digest_of(&pin.cid) {
            Some(digest) => tables.erased.get(&digest)?.is_some(),
            None => true,
        };
        if erased || tables.pins.get(key.as_slice())?.is_some() {
            return Ok(false);
        }
        let row = (&pin.cid.to_bytes()[..], pin.reason.as_str(), pin.since_ms, pin.until_ms.unwrap_or_default());
        tables.pins.insert(key.as_slice(), row)?;
        self.pins += 1;
        Ok(true)
    }
}

/// A row of blocks, if the block has its hash.
fn node_row(digest: &Digest, node: &[u8]) -> Option<NodeRow> {
    let (owner, block) = node.split_first()?;
    let right = matches!(*owner, OF_A_BLOB | ON_ITS_OWN) && sha256(block) == *digest;
    right.then(|| (*digest, *owner, block.to_vec()))
}

/// A row of public roots, if its CID has the key's hash.
fn root_row(key: &Digest, cid: &[u8]) -> Option<Cid> {
    stored_cid(cid).ok().filter(|cid| digest_of(cid) == Some(*key))
}

/// A row of pins, if its CID has the key's hash.
fn pin_row(key: &[u8], row: (&[u8], &str, u64, u64)) -> Option<(Vec<u8>, Pin)> {
    let pin = pin_of(key, row).ok()?;
    (key.get(..32)? == digest_of(&pin.cid)?).then(|| (key.to_vec(), pin))
}

/// Whether the root was new.
fn insert_root(tables: &mut Tables, cid: &Cid) -> Result<bool> {
    let Some(digest) = digest_of(cid) else { return Ok(false) };
    if tables.erased.get(&digest)?.is_some() {
        return Ok(false);
    }
    Ok(tables.public_roots.insert(&digest, &cid.to_bytes()[..])?.is_none())
}

impl Drop for Salvage {
    fn drop(&mut self) {
        close(&mut self.old);
    }
}
