//! The files that a child says it wrote. A child that was taken over may lie about them: only plain files inside its
//! own folder are read, of the names and sizes that a server takes, and every CID and size is computed here.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use pinreel_content::hash_bytes;
use pinreel_runner::{FileRef, Transcoded, names};
use rustix::fs::{Mode, OFlags, open, openat};

use crate::failure::Failure;

/// A folder that only leads on.
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A job's folder, as its parent reads it.
pub struct Folder(OwnedFd);

impl Folder {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        open(path, DIRECTORY, Mode::empty()).map(Self).map_err(|error| Failure::disk(&error.into()))
    }

    /// A file that may be delivered, as far as its name and its size say. Nothing of it is read.
    pub fn find(&self, name: &str) -> Result<Found, Failure> {
        let limit = names::kind(name).ok_or_else(|| Failure::untrue("its child names an impossible file"))?.max_bytes();
        let (file, bytes) = self.plain_file(name).map_err(|error| unreadable(name, &error))?;
        if bytes > limit {
            return Err(Failure::untrue(format!("its child wrote {bytes} bytes to {name}, which may have {limit}")));
        }
        Ok(Found { name: name.to_owned(), file, bytes })
    }

    /// Step by step, following no link: `openat2` would do that in one, but a service of systemd with a user of its own
    /// may not call it.
    fn plain_file(&self, name: &str) -> io::Result<(File, u64)> {
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut folder = self.0.try_clone()?;
        for step in folders.split_terminator('/') {
            folder = openat(&folder, step, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(openat(&folder, file, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a plain file"));
        }
        Ok((file, metadata.len()))
    }
}

/// A file that may be delivered, open but not read.
pub struct Found {
    name: String,
    file: File,
    bytes: u64,
}

impl Found {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its name, CID and size, and as many bytes as it had when it was found, even if it grows meanwhile.
    pub fn read(self) -> Result<(FileRef, Bytes), Failure> {
        let mut bytes = Vec::with_capacity(self.bytes as usize);
        self.file.take(self.bytes).read_to_end(&mut bytes).map_err(|error| unreadable(&self.name, &error))?;
        let stored = hash_bytes(&bytes);
        let file = FileRef { name: self.name, cid: stored.cid.to_string(), bytes: stored.size_bytes };
        Ok((file, Bytes::from(bytes)))
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
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use pinreel_runner::FileKind;

    use super::Folder;
    use crate::failure::Failure;

    fn is_untrue(failure: &Failure) -> bool {
        failure.code == "transcoder_crashed" && failure.detail.is_some()
    }

    #[test]
    fn only_plain_files_inside_are_read() {
        let outer = tempfile::tempdir().expect("a folder");
        let inner = outer.path().join("job");
        std::fs::create_dir_all(inner.join("v720")).expect("made");
        std::fs::create_dir_all(inner.join("video.mp4")).expect("made");
        std::fs::write(outer.path().join("init.mp4"), "s").expect("written");
        std::fs::write(inner.join("v720/init.mp4"), "hello").expect("written");
        symlink("../init.mp4", inner.join("poster.jpg")).expect("made");
        symlink("..", inner.join("a0")).expect("made");
        symlink("v720", inner.join("v480")).expect("made");
        let folder = Folder::open(&inner).expect("opened");
        let (file, bytes) = folder.find("v720/init.mp4").and_then(super::Found::read).expect("read");
        assert_eq!((file.bytes, bytes.as_ref()), (5, &b"hello"[..]));
        assert_eq!(file.cid, pinreel_content::hash_bytes(b"hello").cid.to_string());
        for bad in ["poster.jpg", "a0/init.mp4", "v480/init.mp4", "../init.mp4", "video.mp4", "v720", "chapters.vtt"] {
            assert!(folder.find(bad).is_err_and(|failure| is_untrue(&failure)), "{bad}");
        }
    }

    #[test]
    fn a_file_larger_than_a_server_takes_is_refused_before_it_is_read() {
        let made = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(made.path().join("v720")).expect("made");
        let folder = Folder::open(made.path()).expect("opened");
        for (name, kind) in [
            ("v720/init.mp4", FileKind::Init),
            ("v720/seg-00000.m4s", FileKind::Segment),
            ("poster.jpg", FileKind::Picture),
            ("chapters.json", FileKind::Text),
            ("video.mp4", FileKind::Muxed),
        ] {
            // Nothing but holes: it takes no room.
            let file = File::create(made.path().join(name)).expect("made");
            file.set_len(kind.max_bytes()).expect("grown");
            assert_eq!(folder.find(name).expect(name).bytes(), kind.max_bytes(), "{name}");
            file.set_len(kind.max_bytes() + 1).expect("grown");
            assert!(folder.find(name).is_err_and(|failure| is_untrue(&failure)), "{name}");
        }
    }

    #[test]
    fn a_file_that_grows_is_read_as_it_was_found() {
        let made = tempfile::tempdir().expect("a folder");
        let path = made.path().join("poster.jpg");
        std::fs::write(&path, "before").expect("written");
        let found = Folder::open(made.path()).and_then(|folder| folder.find("poster.jpg")).expect("found");
        std::fs::write(&path, "before and after").expect("written");
        assert_eq!(found.read().expect("read").1, "before");
    }
}
