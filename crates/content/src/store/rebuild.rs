//! Making the index anew: from the files, which are named by what they are, and from what can still be read of the old
//! index, which alone knows the pins, what is public, and the blocks outside of files.
//!
//! The new index is written beside the old one and takes its place in one step, once it is complete. Until then a crash
//! leaves everything as it was; afterwards the old one stays as `index.old.redb` (`index.old-2.redb` and so on, where there
//! is one from before) if a part of it could not be read.

use std::{
    collections::HashSet,
    fs, io, iter,
    path::{Path, PathBuf},
};

use super::{
    INDEX, Options, Store,
    index::{Blob, Index, Salvage, Salvaged, leaf_key},
    lost,
    recover::{self, entries},
    sync_folder,
};
use crate::{
    Cid, Digest, Error, Result,
    address::{digest_of, parse_cid},
    disk::{self, OnProgress, Progress},
    import::Tree,
};

const NEW: &str = "index.new.redb";
/// There when pins may be missing in the index: nothing is collected then.
const PINS_LOST: &str = "pins-lost";

/// What a rebuild brought into the new index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    pub files: u64,
    pub file_bytes: u64,
    /// Blocks outside of files that the old index gave.
    pub blocks: u64,
    pub pins: u64,
    /// Leaves of files whose bytes are wrong; they are known by the files' trees, and aren't given out.
    pub damaged: u64,
    /// Files that aren't what their names say and of which no tree is known: they are in `damaged/` now.
    pub set_aside: Vec<String>,
    /// What of these the old index gave only from single pages, its trees being torn.
    pub in_pages: InPages,
    /// Whether the old index could be read to its end.
    pub whole: bool,
    /// Where the old index is, unless all of it is in the new one.
    pub old_index: Option<PathBuf>,
}

/// What was found in pages that no tree leads to any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InPages {
    /// Blocks outside of files.
    pub blocks: u64,
    pub pins: u64,
    pub public_roots: u64,
}

impl Store {
    /// Makes the index of a store anew that nobody has open. Every file is read and hashed.
    ///
    /// # Errors
    /// [`Error::FolderInUse`]; a damaged index is none.
    pub fn rebuild(dir: impl Into<PathBuf>, on_progress: OnProgress<'_>) -> Result<Rebuilt> {
        let dir = dir.into();
        Self::make_folders(&dir)?;
        let new = dir.join(NEW);
        if new.exists() {
            fs::remove_file(&new).map_err(Error::io("remove", &new))?;
        }
        let is_lost = lost::is_lost(&dir, INDEX)?;
        let mut salvage = Salvage::open(&dir.join(INDEX), &dir)?;
        let store = Self::over(Index::open_file(&new, &dir)?, dir, Options::default());
        store.take_erasures_over()?;
        let salvaged = salvage.copy_into(&store.inner.index)?;
        let (blocks, pins, in_pages) = (salvaged.blocks, salvaged.pins, salvaged.in_pages.clone());
        let mut rebuilt = Rebuilt { blocks, pins, in_pages, ..Rebuilt::default() };
        store.index_all(&salvaged, &mut rebuilt, on_progress)?;
        let whole = salvage.whole && !is_lost;
        if !whole {
            store.publish_again()?;
            let lost = store.inner.dir.join(PINS_LOST);
            fs::write(&lost, "").map_err(Error::io("make", lost))?;
        }
        rebuilt.whole = whole;
        rebuilt.old_index = store.take_place(whole || is_lost)?;
        Ok(rebuilt)
    }

    /// Whether a rebuild couldn't bring all pins, and nobody has made them again since.
    pub(super) fn pins_may_be_lost(&self) -> bool {
        self.inner.dir.join(PINS_LOST).exists()
    }

    /// Says that all is pinned that is to stay, so that the rest may be collected.
    pub fn pins_are_complete(&self) -> Result<()> {
        let lost = self.inner.dir.join(PINS_LOST);
        match fs::remove_file(&lost) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", lost)(error)),
            _ => Ok(()),
        }
    }

    /// Makes public what the known roots lead to, should a part of that have been lost.
    fn publish_again(&self) -> Result<()> {
        for root in self.public_roots()? {
            match self.publish(&root) {
                Ok(_) | Err(Error::BlockMissing(_) | Error::Erased(_) | Error::Malformed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn index_all(&self, salvaged: &Salvaged, rebuilt: &mut Rebuilt, on_progress: OnProgress<'_>) -> Result<()> {
        let mut files = Vec::new();
        for shard in entries(&self.inner.dir.join("blobs"))? {
            if shard.file_type().is_ok_and(|kind| kind.is_dir()) {
                files.extend(recover::files(&shard.path())?.into_iter().map(|file| file.path()));
            }
        }
        for path in &files {
            on_progress(Progress::Found(path.metadata().map_err(Error::io("look at", path))?.len()));
        }
        let leaving: HashSet<Digest> = salvaged.removing.iter().copied().collect();
        let mut in_trees: HashSet<Digest> = HashSet::new();
        for path in &files {
            let named = path.file_name().and_then(|name| name.to_str()).and_then(parse_cid);
            let named = named.filter(|cid| self.blob_path(cid) == *path);
            let digest = named.as_ref().and_then(digest_of);
            if let Some(digest) = digest
                && (leaving.contains(&digest) || self.inner.index.read()?.is_erased(&digest)?)
            {
                fs::remove_file(path).map_err(Error::io("remove", path))?;
                continue;
            }
            match self.tree_of(path, named, on_progress)? {
                Some((tree, wrong)) => {
                    self.index_blob(&tree)?;
                    self.note_wrong(&tree, &wrong)?;
                    in_trees.extend(tree.nodes.iter().map(|(digest, _)| *digest));
                    rebuilt.files += 1;
                    rebuilt.file_bytes += tree.size_bytes;
                    rebuilt.damaged += wrong.len() as u64;
                }
                None => {
                    self.set_aside(path, named)?;
                    rebuilt.set_aside.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
                }
            }
        }
        // Nobody would ever remove a node of a tree whose file is gone.
        let orphans: Vec<_> = salvaged.tree_nodes.iter().filter(|digest| !in_trees.contains(*digest)).collect();
        self.inner.index.write(|tables| orphans.into_iter().try_for_each(|digest| tables.drop_node(digest)))
    }

    /// The tree of the file that a name promises, with the numbers of the leaves whose bytes are others; `None` when that
    /// can't be told.
    fn tree_of(
        &self,
        path: &Path,
        named: Option<Cid>,
        on_progress: OnProgress<'_>,
    ) -> Result<Option<(Tree, Vec<u32>)>> {
        let found = disk::file_tree(path, disk::all_cores(), on_progress)?;
        let Some(named) = named else { return Ok(None) };
        if found.root == named {
            return Ok(Some((found, Vec::new())));
        }
        let Some(root) = digest_of(&named) else { return Ok(None) };
        let blob = Blob { root, size_bytes: found.size_bytes };
        // Nodes that the old index gave tell what the leaves should be; the root's hash proves it.
        let promised = self.parts_of(&blob).map(|parts| parts.leaves).unwrap_or_default();
        if promised.len() != found.leaves.len() {
            return Ok(None);
        }
        let tree = Tree::build(promised, found.size_bytes);
        if tree.root != named {
            return Ok(None);
        }
        let leaves = (0u32..).zip(tree.leaves.iter().zip(&found.leaves));
        let wrong = leaves.filter(|(_, (promised, found))| promised != found).map(|(number, _)| number).collect();
        Ok(Some((tree, wrong)))
    }

    fn note_wrong(&self, tree: &Tree, wrong: &[u32]) -> Result<()> {
        let Some(root) = digest_of(&tree.root).filter(|_| !wrong.is_empty()) else { return Ok(()) };
        self.inner.index.write(|tables| {
            wrong
                .iter()
                .try_for_each(|leaf| tables.damaged.insert(&leaf_key(&root, *leaf), ()).map(drop).map_err(Error::from))
        })
    }

    /// Puts the new index in the place of the old one; gives where the old one is, if it is kept.
    fn take_place(self, old_is_copied: bool) -> Result<Option<PathBuf>> {
        let dir = self.inner.dir.clone();
        // Closes it.
        drop(self);
        let (index, new, old) = (dir.join(INDEX), dir.join(NEW), free_name(&dir));
        let keep = index.exists() && !old_is_copied;
        if keep {
            // A second name, so that there is an index at every moment.
            fs::hard_link(&index, &old).map_err(Error::io("keep the old index as", &old))?;
        }
        fs::rename(&new, &index).map_err(Error::io("move the new index to", &index))?;
        sync_folder(&dir)?;
        Ok(keep.then_some(old))
    }
}

/// The first name for an old index that none has.
fn free_name(dir: &Path) -> PathBuf {
    let later = (2..).map(|number: u32| format!("index.old-{number}.redb"));
    let mut names = iter::once("index.old.redb".to_owned()).chain(later).map(|name| dir.join(name));
    names.find(|name| !name.exists()).unwrap_or_else(|| dir.join("index.old.redb"))
}
