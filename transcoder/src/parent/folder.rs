//! The files that a child says it wrote. A child that was taken over may lie about them: only plain files inside its
//! own folder are read, and every CID and size is computed here.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use pinreel_content::hash_bytes;
use pinreel_runner::{FileRef, Transcoded, is_file_name};
use rustix::fs::{Mode, OFlags, open, openat};

use crate::failure::Failure;
use crate::fence::FILE_BYTES;

/// A folder that only leads on.
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A job's folder, as its parent reads it.
pub struct Folder(OwnedFd);

impl Folder {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        open(path, DIRECTORY, Mode::empty()).map(Self).map_err(|error| Failure::disk(&error.into()))
    }

    /// A file's bytes, and its name, CID and size.
    pub fn read(&self, name: &str) -> Result<(FileRef, Bytes), Failure> {
        if !is_file_name(name) {
            return Err(Failure::untrue("its child names an impossible file"));
        }
        let bytes = self.bytes(name).map_err(|error| unreadable(name, &error))?;
        let stored = hash_bytes(&bytes);
        let file = FileRef { name: name.to_owned(), cid: stored.cid.to_string(), bytes: stored.size_bytes };
        Ok((file, Bytes::from(bytes)))
    }

    /// Step by step, following no link: `openat2` would do that in one, but a service of systemd with a user of its own
    /// may not call it.
    fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut folder = self.0.try_clone()?;
        for step in folders.split_terminator('/') {
            folder = openat(&folder, step, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(openat(&folder, file, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > FILE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a plain file of an allowed size"));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        file.take(FILE_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What only the machine can be the cause of when a file is read. A file that isn't there, or that may not be read, is the
/// child's doing.
const OF_MACHINE: [i32; 4] = [libc::EIO, libc::ENOMEM, libc::EMFILE, libc::ENFILE];

fn unreadable(name: &str, error: &io::Error) -> Failure {
    if error.raw_os_error().is_some_and(|number| OF_MACHINE.contains(&number)) {
        return Failure::disk(error);
    }
    Failure::untrue(format!("its child names a file that it didn't write: {name} ({error})"))
}

/// Replaces every file of a result by what `known` says of it; a file that it doesn't know is a failure.
pub fn resolve(mut result: Transcoded, known: impl Fn(&str) -> Option<FileRef>) -> Result<Transcoded, Failure> {
    for file in result.files_mut() {
        let unknown = || Failure::untrue("its result names a file that it didn't write");
        *file = known(&file.name).ok_or_else(unknown)?;
    }
    Ok(result)
}

/// Removes what an earlier process left behind in `folder`: job folders whose lock nobody holds.
pub fn sweep(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = ours.then(|| File::open(path.join(LOCK))).and_then(Result::ok);
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Job folders' names begin with this.
pub const PREFIX: &str = "pinreel-job-";
/// Held locked in a job's folder while its worker lives.
pub const LOCK: &str = "lock";

/// Makes sure that a folder can be opened at all, before any job is taken.
pub fn check(path: &Path) -> io::Result<()> {
    open(path, DIRECTORY, Mode::empty())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::Folder;

    #[test]
    fn only_plain_files_inside_are_read() {
        let outer = tempfile::tempdir().expect("a folder");
        let inner = outer.path().join("job");
        std::fs::create_dir_all(inner.join("v720")).expect("made");
        std::fs::write(outer.path().join("secret"), "s").expect("written");
        std::fs::write(inner.join("v720/init.mp4"), "hello").expect("written");
        symlink("../secret", inner.join("link")).expect("made");
        symlink("..", inner.join("up")).expect("made");
        let folder = Folder::open(&inner).expect("opened");
        let (file, bytes) = folder.read("v720/init.mp4").expect("read");
        assert_eq!((file.bytes, bytes.as_ref()), (5, &b"hello"[..]));
        assert_eq!(file.cid, pinreel_content::hash_bytes(b"hello").cid.to_string());
        symlink("v720", inner.join("v480")).expect("made");
        for bad in ["link", "up/secret", "v480/init.mp4", "../secret", "v720", "missing", "/etc/passwd"] {
            let failure = folder.read(bad).expect_err(bad);
            assert_eq!((failure.code.as_str(), failure.detail.is_some()), ("transcoder_crashed", true), "{bad}");
        }
    }
}
