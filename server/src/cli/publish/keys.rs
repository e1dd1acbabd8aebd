//! The key file: read and written under a lock, whole or not at all, readable by its owner only. A key that has signed
//! anything is never lost: it is in the file before it is used.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pinreel_records::{KeyEntry, KeyFile, Name, PublicKey, SigningKey};
use rustix::fs::{FlockOperation, flock};

use crate::cli::answer::Failure;
use crate::data::{private_dir, write_private};

/// The key file, locked for this process until it is dropped.
#[derive(Debug)]
pub struct Keys {
    path: PathBuf,
    file: KeyFile,
    _lock: File,
}

/// Which key a publication is signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Known(PublicKey),
    /// A key has to be made.
    New,
    /// Several channels of that node; their handles.
    Several(Vec<String>),
}

/// `$XDG_CONFIG_HOME/pinreel/keys`.
pub fn default_path() -> Result<PathBuf, Failure> {
    Ok(home_folder("XDG_CONFIG_HOME", ".config")?.join("pinreel/keys"))
}

/// A folder as the XDG rules name it.
pub fn home_folder(variable: &str, in_home: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home))).ok_or_else(|| {
        Failure::usage(format!(
            "There is no home folder; set {variable} to an absolute path, or name the file with --keys."
        ))
    })
}

/// Waits for whoever else changes `path`, and keeps others out until the answer is dropped.
pub fn lock_beside(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        private_dir(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(name)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

impl Keys {
    /// Opens the file, which need not be there yet. Waits while another command holds it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let lock = lock_beside(path).map_err(|error| unusable(path, &error))?;
        let file = match fs::read_to_string(path) {
            Ok(text) => KeyFile::parse(&text).map_err(|error| {
                Failure::new(
                    "keys_unreadable",
                    format!("{} is damaged: {error}. Restore it from a copy.", path.display()),
                )
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => KeyFile::default(),
            Err(error) => return Err(unusable(path, &error)),
        };
        Ok(Self { path: path.to_owned(), file, _lock: lock })
    }

    pub fn save(&self) -> Result<(), Failure> {
        write_private(&self.path, self.file.format().as_bytes()).map_err(|error| unusable(&self.path, &error))
    }

    /// The entry of a key that is in the file.
    pub fn entry(&mut self, key: &PublicKey) -> Result<&mut KeyEntry, Failure> {
        let found = self.file.entries.iter_mut().find(|entry| entry.key.public() == *key);
        found.ok_or_else(|| Failure::new("keys_unreadable", format!("The key file lost the key {key} meanwhile.")))
    }

    /// Makes a key for channels at this log, and keeps it.
    pub fn make(&mut self, origin: &pinreel_records::Origin) -> Result<PublicKey, Failure> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Failure::new("internal", format!("The system gives no random numbers ({error}).")))?;
        let mut entry = KeyEntry::new(SigningKey::from_seed(seed));
        entry.origin = Some(origin.clone());
        let key = entry.key.public();
        self.file.entries.push(entry);
        self.save()?;
        Ok(key)
    }

    /// The key for a channel at this log.
    pub fn choose(&self, origin: &str, handle: Option<&Name>) -> Choice {
        let at_home = |entry: &&KeyEntry| entry.origin.as_ref().is_some_and(|home| home.as_str() == origin);
        let here = self.file.entries.iter().filter(at_home);
        // A key without a handle is one whose channel was begun and not finished: it is for the next one that is wanted.
        let (named, begun): (Vec<&KeyEntry>, Vec<&KeyEntry>) = here.partition(|entry| entry.handle.is_some());
        let begun = || begun.first().map_or(Choice::New, |entry| Choice::Known(entry.key.public()));
        match (handle, named.as_slice()) {
            (Some(handle), named) => {
                let known = named.iter().find(|entry| entry.handle.as_ref() == Some(handle));
                known.map_or_else(begun, |entry| Choice::Known(entry.key.public()))
            }
            (None, []) => begun(),
            (None, [one]) => Choice::Known(one.key.public()),
            (None, several) => {
                let handles = several.iter().filter_map(|entry| entry.handle.as_ref()).map(|name| format!("@{name}"));
                Choice::Several(handles.collect())
            }
        }
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::new("keys_unreadable", format!("The key file {} can't be read or written ({error}).", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_private_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config/pinreel/keys");
        let origin = "media.example".parse().unwrap();
        let key = Keys::open(&path).unwrap().make(&origin).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut keys = Keys::open(&path).unwrap();
        assert_eq!(keys.entry(&key).unwrap().key.public(), key);
        assert_eq!(keys.choose("media.example", None), Choice::Known(key));
        assert_eq!(keys.choose("other.example", None), Choice::New);
    }

    #[test]
    fn a_channel_is_chosen_by_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = Keys::open(&folder.path().join("keys")).unwrap();
        let origin = "media.example".parse().unwrap();
        let name = |text: &str| text.parse::<Name>().unwrap();
        let ann = keys.make(&origin).unwrap();
        keys.entry(&ann).unwrap().handle = Some(name("ann"));
        assert_eq!(keys.choose("media.example", Some(&name("bob"))), Choice::New);
        let name_of_ann = keys.entry(&ann).unwrap().handle.take();
        assert_eq!(keys.choose("media.example", None), Choice::Known(ann), "the one that was begun is gone on with");
        keys.entry(&ann).unwrap().handle = name_of_ann;
        let bob = keys.make(&origin).unwrap();
        assert_eq!(keys.choose("media.example", Some(&name("bob"))), Choice::Known(bob));
        assert_eq!(keys.choose("media.example", None), Choice::Known(ann), "one that was begun isn't one of several");
        keys.entry(&bob).unwrap().handle = Some(name("bob"));
        assert_eq!(keys.choose("media.example", Some(&name("ann"))), Choice::Known(ann));
        assert_eq!(keys.choose("media.example", None), Choice::Several(vec!["@ann".into(), "@bob".into()]));
    }

    #[test]
    fn a_damaged_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "{").unwrap();
        assert_eq!(Keys::open(&path).unwrap_err().code, "keys_unreadable");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}
