//! Directories: storing them, listing them, and following a path down through them, sharded ones like any other.

use std::collections::HashSet;

use bytes::Bytes;
use cid::Cid;

use super::{Node, Store};
use crate::{
    Digest, Error, Link, Malformed, Result,
    address::{DAG_PB, digest_of},
    dagpb, directory,
    hamt::{self, Next, Path, Shape, Slot},
    limits,
    unixfs::{Type, UnixFs},
};

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub cid: Cid,
    /// The bytes of the whole DAG below, as the directory says.
    pub tsize: u64,
}

/// A directory's entry, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub cid: Cid,
    /// The bytes of the whole DAG below, as the directory says.
    pub tsize: u64,
    /// The shards between the directory's root and the entry, in order; none in a directory of one block.
    pub shards: Vec<Cid>,
}

/// How far the way to a name led.
pub(super) struct Search {
    pub(super) entry: Option<(Cid, Option<u64>)>,
    /// The shards below the directory's root that were read, or would have to be.
    pub(super) shards: Vec<Cid>,
    /// The directory or shard that isn't held.
    pub(super) missing: Option<Cid>,
}

impl Store {
    /// Stores a directory, sharded when it is too large for one block. Entries may come in any order; their content
    /// should be stored before.
    ///
    /// # Errors
    /// [`Error::NameInvalid`], [`Error::NameTwice`], [`Error::NamesCollide`].
    pub fn put_directory<'a>(&self, entries: impl IntoIterator<Item = (&'a str, Link)>) -> Result<Link> {
        let directory = directory::encode(entries)?;
        self.put_own_nodes(&directory.blocks)?;
        Ok(directory.link)
    }

    /// Follows names from a root down through directories. `None` when a name isn't there or a block isn't held.
    pub fn resolve<S: AsRef<str>>(&self, root: &Cid, segments: &[S]) -> Result<Option<Node>> {
        let mut cid = *root;
        if segments.len() > limits::PATH_SEGMENTS {
            return Ok(None);
        }
        for name in segments {
            match self.step(&cid, name.as_ref())? {
                Some(step) => cid = step.cid,
                None => return Ok(None),
            }
        }
        self.stat(&cid)
    }

    /// Looks a name up in a directory. `None` when it isn't there, when a block on the way isn't held, and when `cid` is
    /// no directory. The entry's own block may be missing.
    pub fn step(&self, directory: &Cid, name: &str) -> Result<Option<Step>> {
        let Search { entry, shards, .. } = self.search(directory, name)?;
        Ok(entry.map(|(cid, tsize)| Step { cid, tsize: tsize.unwrap_or_default(), shards }))
    }

    /// [`Store::step`], which also says how far the way led if there is no such entry.
    pub(super) fn search(&self, directory: &Cid, name: &str) -> Result<Search> {
        let (mut cid, mut path, mut shards) = (*directory, Path::default(), Vec::new());
        let search = |entry, shards| Ok(Search { entry, shards, missing: None });
        if cid.codec() != DAG_PB {
            return search(None, shards);
        }
        loop {
            let Some(block) = self.block(&cid)? else { return Ok(Search { entry: None, shards, missing: Some(cid) }) };
            // The data tells which kind of directory this is; in our own blocks it comes after the links.
            let (link, data) =
                dagpb::find_link(&block, |found| found == name.as_bytes()).map_err(Error::malformed(&cid))?;
            let data = data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode).map_err(Error::malformed(&cid))?;
            match data.kind {
                Type::Directory if shards.is_empty() => {
                    return search(link.map(|link| (link.cid, link.tsize)), shards);
                }
                Type::HamtShard => {}
                _ if shards.is_empty() => return search(None, shards),
                _ => return Err(Error::malformed(&cid)(Malformed::Shard)),
            }
            let shape = Shape::of(&data).map_err(Error::malformed(&cid))?;
            match hamt::find(&block, shape, path, name).map_err(Error::malformed(&cid))? {
                Next::Nothing => return search(None, shards),
                Next::Entry(cid, tsize) => return search(Some((cid, tsize)), shards),
                Next::Shard(below, _) if below.codec() != DAG_PB => {
                    return Err(Error::malformed(&cid)(Malformed::Shard));
                }
                Next::Shard(below, below_path) => {
                    shards.push(below);
                    (cid, path) = (below, below_path);
                }
            }
        }
    }

    /// The entries of a directory, in the order of its blocks: for directories whose size the caller knows to be small.
    /// `None` if its root isn't held.
    ///
    /// # Errors
    /// As those of [`Entries`], and [`Error::NotADirectory`].
    pub fn list(&self, cid: &Cid) -> Result<Option<Vec<Entry>>> {
        self.entries(cid)?.map(Iterator::collect).transpose()
    }

    /// The entries of a directory one by one, in the order of its blocks; `None` if its root isn't held.
    ///
    /// # Errors
    /// [`Error::NotADirectory`].
    pub fn entries(&self, cid: &Cid) -> Result<Option<Entries>> {
        if cid.codec() != DAG_PB {
            return if self.holds(cid)? { Err(Error::NotADirectory(*cid)) } else { Ok(None) };
        }
        let mut entries = Entries { store: self.clone(), root: *cid, open: Vec::new(), seen: HashSet::new() };
        Ok(entries.enter(cid, Path::default())?.then_some(entries))
    }
}

/// A directory's entries, read shard by shard: memory is one block for each level of the tree, of which there are at
/// most 21, and 32 bytes for each shard that was read.
///
/// An item is an error when a shard is missing ([`Error::BlockMissing`]), malformed, or one of more than
/// [`limits::SHARDS_PER_LISTING`]; nothing comes after it.
pub struct Entries {
    store: Store,
    root: Cid,
    /// The blocks that are being read, each with the place that it has in the tree.
    open: Vec<Level>,
    /// The shards that were read. Names have one place each, so a shard that comes twice is no part of a folder, only of
    /// an attempt to make a small DAG look endless.
    seen: HashSet<Digest>,
}

struct Level {
    /// `None` in a directory of one block, whose links are named as they are.
    shard: Option<(Shape, Path)>,
    /// The place of the link before.
    last: Option<Path>,
    block: Bytes,
    /// Where in the block the next link is looked for.
    at: usize,
}

impl Level {
    /// The next link as it is named.
    fn next(&mut self) -> Result<Option<Entry>, Malformed> {
        let link = dagpb::next_link(&self.block, &mut self.at)?;
        Ok(link.map(|link| Entry {
            name: link.name.unwrap_or_default().to_owned(),
            cid: link.cid,
            tsize: link.tsize.unwrap_or_default(),
        }))
    }
}

impl Entries {
    /// Opens one block; `false` if it isn't held.
    fn enter(&mut self, cid: &Cid, path: Path) -> Result<bool> {
        let Some(block) = self.store.block(cid)? else { return Ok(false) };
        let data = dagpb::each_link(&block, |_| {}).and_then(|data| data.ok_or(Malformed::NoUnixFs));
        let data = data.and_then(UnixFs::decode).map_err(Error::malformed(cid))?;
        let shard = match (data.kind, self.open.is_empty()) {
            (Type::Directory, true) => None,
            (Type::HamtShard, _) => Some((Shape::of(&data).map_err(Error::malformed(cid))?, path)),
            (_, true) => return Err(Error::NotADirectory(*cid)),
            (_, false) => return Err(Error::malformed(cid)(Malformed::Shard)),
        };
        self.open.push(Level { shard, last: None, block, at: 0 });
        Ok(true)
    }

    fn advance(&mut self) -> Result<Option<Entry>> {
        while let Some(level) = self.open.last_mut() {
            let next = level.next().map_err(Error::malformed(&self.root))?;
            let Some(mut entry) = next else {
                self.open.pop();
                continue;
            };
            let Some((shape, path)) = level.shard else { return Ok(Some(entry)) };
            let (below, slot) = path.read(shape, &entry.name).map_err(Error::malformed(&self.root))?;
            // The way to a name ends at the first link of its slot.
            if level.last.replace(below).is_some_and(|last| last >= below) {
                return Err(Error::malformed(&self.root)(Malformed::Shard));
            }
            match slot {
                Slot::Entry(name) => {
                    entry.name = name.to_owned();
                    return Ok(Some(entry));
                }
                Slot::Shard => {
                    let fresh = digest_of(&entry.cid).is_none_or(|digest| self.seen.insert(digest));
                    if entry.cid.codec() != DAG_PB || !fresh {
                        return Err(Error::malformed(&entry.cid)(Malformed::Shard));
                    }
                    if self.seen.len() > limits::SHARDS_PER_LISTING {
                        return Err(Error::DagTooLarge(self.root));
                    }
                    if !self.enter(&entry.cid, below)? {
                        return Err(Error::BlockMissing(entry.cid));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let next = self.advance();
        if next.is_err() {
            self.open.clear();
        }
        next.transpose()
    }
}
