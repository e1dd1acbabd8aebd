//! The CIDs of a file or a whole folder on the disk, as `ipfs add -r` gives them, without storing anything.
//!
//! One thread walks, several hash ([`crate::disk`]), and the caller's puts folders together. The walker's steps come in a
//! queue of a fixed length, each file's hash still on its way: so results come in the order of the walk, whichever is
//! ready first, and what is under way is bounded. Memory is the entries of the folders that aren't finished.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

use crate::{
    Error, Link, Result,
    address::{dag_pb_cid, sha256},
    dagpb,
    disk::{Hashers, Hashing, OnProgress, Progress, with_hashers},
    hash_directory, unixfs,
};

/// How many files and folders may be under way.
const STEPS_AHEAD: usize = 1024;

/// How a folder is walked.
#[derive(Debug, Clone, Copy)]
pub struct FolderWalk {
    /// How many threads hash.
    pub threads: usize,
    /// Whether entries whose names begin with a dot are taken, too.
    pub hidden: bool,
}

/// What the walker came by, each folder after its entries.
enum Step {
    File(PathBuf, Hashing),
    Symlink(PathBuf, Link),
    Folder(PathBuf, Vec<String>),
    Failed(Error),
}

/// Why the walker stops early: its error was sent, or nobody listens.
struct Stopped;

/// Computes the CID of a file, a symbolic link (which isn't followed) or a folder with all that is in it. `on_entry` hears
/// of each of them in order, entries by their names, each folder after its entries.
///
/// # Errors
/// [`Error::Io`], [`Error::Changed`], [`Error::SpecialFile`], [`Error::NameNotUtf8`], [`Error::NamesCollide`].
pub fn hash_path(
    path: &Path,
    walk: FolderWalk,
    on_progress: OnProgress<'_>,
    on_entry: impl FnMut(&Path, Link),
) -> Result<Link> {
    with_hashers(walk.threads, on_progress, |hashers| {
        thread::scope(|scope| {
            let (steps, queue) = mpsc::sync_channel(STEPS_AHEAD);
            let walker = Walker { hashers, steps, on_progress, hidden: walk.hidden };
            scope.spawn(move || drop(walker.walk(path)));
            put_together(queue, on_entry)
        })
    })
}

/// Takes the walker's steps, of which the last is the root.
fn put_together(queue: Receiver<Step>, mut on_entry: impl FnMut(&Path, Link)) -> Result<Link> {
    let mut links: Vec<Link> = Vec::new();
    for step in queue {
        let (path, link) = match step {
            Step::File(path, hashing) => (path, hashing.tree()?.stored().into()),
            Step::Symlink(path, link) => (path, link),
            Step::Folder(path, names) => {
                let entries = links.split_off(links.len().saturating_sub(names.len()));
                let link = hash_directory(names.iter().map(String::as_str).zip(entries));
                (path, link?)
            }
            Step::Failed(error) => return Err(error),
        };
        on_entry(&path, link);
        links.push(link);
    }
    links.pop().ok_or_else(|| Error::io("walk", PathBuf::new())(std::io::ErrorKind::Other.into()))
}

struct Walker<'a> {
    hashers: &'a Hashers,
    steps: SyncSender<Step>,
    on_progress: OnProgress<'a>,
    hidden: bool,
}

impl Walker<'_> {
    /// Recursion is as deep as a path can be, which the system bounds.
    fn walk(&self, path: &Path) -> Result<(), Stopped> {
        let meta = self.or_stop(fs::symlink_metadata(path).map_err(Error::io("look at", path)))?;
        if meta.is_dir() {
            let names = self.or_stop(self.names(path))?;
            names.iter().try_for_each(|name| self.walk(&path.join(name)))?;
            self.send(Step::Folder(path.to_owned(), names))
        } else if meta.is_symlink() {
            let target = self.or_stop(fs::read_link(path).map_err(Error::io("read the link", path)))?;
            self.send(Step::Symlink(path.to_owned(), symlink(target.as_os_str().as_bytes())))
        } else if meta.is_file() {
            (self.on_progress)(Progress::Found(meta.len()));
            self.send(Step::File(path.to_owned(), self.hashers.hash(path, meta.len())))
        } else {
            self.or_stop(Err(Error::SpecialFile(path.to_owned())))
        }
    }

    /// A folder's names in the order of their bytes.
    fn names(&self, folder: &Path) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
            let name = entry.map_err(Error::io("list", folder))?.file_name();
            if self.hidden || !name.as_bytes().starts_with(b".") {
                let text = name.into_string();
                names.push(text.map_err(|name| Error::NameNotUtf8(folder.join(name)))?);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn or_stop<T>(&self, result: Result<T>) -> Result<T, Stopped> {
        result.map_err(|error| {
            let _ = self.send(Step::Failed(error));
            Stopped
        })
    }

    fn send(&self, step: Step) -> Result<(), Stopped> {
        self.steps.send(step).map_err(|_| Stopped)
    }
}

/// A path as one line that tells every other path from it: control characters, backslashes and bytes that aren't UTF-8
/// are written as in `\n`, `\\` and `\xff`.
pub fn printable_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text += "\\\\",
                control if control.is_control() => text.extend(control.escape_default()),
                other => text.push(other),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The node of a symbolic link.
fn symlink(target: &[u8]) -> Link {
    let mut block = Vec::new();
    dagpb::push_data(&mut block, &unixfs::symlink_data(target));
    Link { cid: dag_pb_cid(sha256(&block)), tsize: block.len() as u64 }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_path_is_one_line_and_tells_others_from_it() {
        for (path, line) in [
            (&b"with spaces/\xc3\xbc"[..], "with spaces/\u{fc}"),
            (b"two\nlines\t\x1b[31m\x7f", "two\\nlines\\t\\u{1b}[31m\\u{7f}"),
            (b"back\\n", "back\\\\n"),
            (b"\xffno text\xc3", "\\xffno text\\xc3"),
        ] {
            assert_eq!(printable_path(Path::new(OsStr::from_bytes(path))), line);
        }
    }
}
