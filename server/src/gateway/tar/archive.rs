//! Writing the archive of a file or folder, piece by piece, depth first.

use std::collections::HashSet;

use bytes::Bytes;
use pinreel_content::{Cid, Entries, Error, FileReader, Gate, Kind, Store};
use unicode_normalization::UnicodeNormalization;

use super::entry::{PathFault, What, header, padding, path_of};
use crate::gateway::pieces::Pieces;

/// Slow readers hold a piece as long as they like.
const PIECE_BYTES: u64 = 64 << 10;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 64;
/// How many entries an archive may have: a folder that names itself often enough would otherwise never end.
const MAX_ENTRIES: u64 = 1_000_000;
/// How many symbolic links are remembered.
const MAX_SYMLINKS: usize = 10_000;
/// Stands where an archive would have gone on, if a name leads out of it. The sentence is Kubo's, for those who know it.
const OUTSIDE: &str = "relative UnixFS paths outside the root are not allowed, use CAR instead";
const BLOCK_BYTES: usize = 512;
/// Two empty blocks end an archive.
const END_BYTES: usize = 2 * BLOCK_BYTES;

pub struct Archive {
    store: Store,
    gate: Gate,
    root: Cid,
    folders: Vec<Folder>,
    file: Option<Reading>,
    /// The paths of the archive's own links, folded.
    symlinks: HashSet<String>,
    entries: u64,
    stage: Stage,
    /// What the archive breaks off with, once its mark is sent.
    failed: Option<Error>,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Begin,
    Inside,
    End,
}

/// A folder that is being gone through.
struct Folder {
    path: String,
    entries: Entries,
}

/// A file that is being read.
struct Reading {
    file: FileReader,
    at: u64,
}

impl Pieces for Archive {
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(piece) = self.read_on()? {
            return Ok(Some(piece));
        }
        match self.next_entry() {
            // Between two entries tar programs would silently take what they have for all there is.
            Err(error) if !self.folders.is_empty() => {
                let mark = mark(&format!("this archive isn't whole: {error}"));
                self.failed = Some(error);
                Ok(Some(mark))
            }
            piece => piece,
        }
    }
}

impl Archive {
    pub fn new(store: &Store, gate: &Gate, root: &Cid) -> Self {
        Self {
            store: store.clone(),
            gate: gate.clone(),
            root: *root,
            folders: Vec::new(),
            file: None,
            symlinks: HashSet::new(),
            entries: 0,
            stage: Stage::Begin,
            failed: None,
        }
    }

    /// The header of the next entry, or the archive's end.
    fn next_entry(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.stage == Stage::Begin {
                self.stage = Stage::Inside;
                let (root, path) = (self.root, self.root.to_string());
                return self.begin(&root, path).map(Some);
            }
            let Some(folder) = self.folders.last_mut() else { break };
            let Some(entry) = folder.entries.next().transpose()? else {
                self.folders.pop();
                continue;
            };
            return match path_of(&self.root.to_string(), &folder.path, &entry.name) {
                Ok(path) => self.begin(&entry.cid, path).map(Some),
                Err(PathFault::Outside) => {
                    self.folders.clear();
                    self.stage = Stage::End;
                    Ok(Some(mark(OUTSIDE)))
                }
                Err(PathFault::Unwritable) => Err(Error::NameInvalid(entry.name)),
            };
        }
        if self.stage == Stage::End {
            return Ok(None);
        }
        self.stage = Stage::End;
        Ok(Some(Bytes::from_static(&[0; END_BYTES])))
    }

    /// The next bytes of the file that is being read; with its last ones come the zeros behind it.
    fn read_on(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(reading) = &mut self.file else { return Ok(None) };
        let size_bytes = reading.file.size_bytes();
        let length = (size_bytes - reading.at).min(PIECE_BYTES);
        let is_last = reading.at + length == size_bytes;
        let mut piece = vec![0; length as usize + if is_last { padding(size_bytes) } else { 0 }];
        reading.file.read_exact_at(&mut piece[..length as usize], reading.at)?;
        reading.at += length;
        if is_last {
            self.file = None;
        }
        Ok(Some(piece.into()))
    }

    /// Begins an entry and gives its header.
    fn begin(&mut self, cid: &Cid, path: String) -> Result<Bytes, Error> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES || self.folders.len() > MAX_DEPTH {
            return Err(Error::DagTooLarge(self.root));
        }
        if self.leads_through_symlink(&path) {
            return Err(Error::NameInvalid(path));
        }
        if !self.gate.admits(cid)? {
            return Err(Error::BlockMissing(*cid));
        }
        let node = self.store.stat(cid)?.ok_or(Error::BlockMissing(*cid))?;
        let head = match node.kind {
            Kind::File { size_bytes } => {
                let file = self.store.open_file_through(cid, &self.gate)?.ok_or(Error::BlockMissing(*cid))?;
                let head = header(&path, &What::File { size_bytes: file.size_bytes() })?;
                self.file = (size_bytes > 0).then_some(Reading { file, at: 0 });
                head
            }
            Kind::Directory => {
                let head = header(&path, &What::Folder)?;
                let entries = self.store.entries(cid)?.ok_or(Error::BlockMissing(*cid))?;
                self.folders.push(Folder { path, entries });
                head
            }
            Kind::Symlink { target } => {
                let head = header(&path, &What::Symlink { target: &target })?;
                if self.symlinks.len() == MAX_SYMLINKS {
                    return Err(Error::DagTooLarge(self.root));
                }
                self.symlinks.insert(folded(&path));
                head
            }
            _ => return Err(Error::NotAFile(*cid)),
        };
        Ok(head.into())
    }

    /// Whether whoever unpacks the archive would follow one of its own links to write this entry.
    fn leads_through_symlink(&self, path: &str) -> bool {
        if self.symlinks.is_empty() {
            return false;
        }
        let path = folded(path);
        let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.any(|end| self.symlinks.contains(&path[..end]))
    }
}

/// A path under which names meet that some file system takes for the same: by letters' case, or by how accents are
/// written.
fn folded(path: &str) -> String {
    path.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkd().collect()
}

/// A block that is no header and no end, so that no program takes the archive for whole, and people who look into it
/// learn why. What is shorter than a block, tar programs take for the end.
fn mark(sentence: &str) -> Bytes {
    let mut block = sentence.as_bytes().to_vec();
    block.resize(BLOCK_BYTES, 0);
    block.into()
}
