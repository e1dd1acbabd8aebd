//! An entry's path and header.

use std::io;

use pinreel_content::Error;
use tar::{Builder, EntryType, Header};

/// When everything in an archive was changed, since UnixFS rarely says: 1980-01-01, as in other reproducible archives.
const CHANGED_S: u64 = 315_532_800;
/// The longest path of an entry.
const MAX_PATH_BYTES: usize = 16 * 1024;

/// What is in an entry.
pub enum What<'w> {
    File { size_bytes: u64 },
    Folder,
    Symlink { target: &'w str },
}

/// Why a name gives no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It leads out of the archive.
    Outside,
    /// It is the folder itself, too long, or holds a NUL.
    Unwritable,
}

/// The path of a name in a folder below `root`, without `.` and `..`.
pub fn path_of(root: &str, folder: &str, name: &str) -> Result<String, PathFault> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(PathFault::Outside)?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let is_writable = path != folder && path.len() <= MAX_PATH_BYTES && !path.contains('\0');
    match (parts.first() == Some(&root), parts.len()) {
        (true, 2..) if is_writable => Ok(path),
        (true, 2..) => Err(PathFault::Unwritable),
        (true, _) if folder == root && !name.split('/').any(|part| part == "..") => Err(PathFault::Unwritable),
        _ => Err(PathFault::Outside),
    }
}

/// The header of an entry, with what goes before it when a name is long.
pub fn header(path: &str, what: &What<'_>) -> Result<Vec<u8>, Error> {
    let mut header = Header::new_gnu();
    header.set_mtime(CHANGED_S);
    let mut archive = Builder::new(Vec::new());
    let written = match what {
        What::File { size_bytes } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_size(*size_bytes);
            archive.append_data(&mut header, path, io::empty())
        }
        What::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            archive.append_data(&mut header, format!("{path}/"), io::empty())
        }
        What::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            archive.append_link(&mut header, path, target)
        }
    };
    match written {
        Ok(()) => Ok(std::mem::take(archive.get_mut())),
        Err(_) => Err(Error::NameInvalid(path.to_owned())),
    }
}

/// How many zeros follow a file's bytes.
pub fn padding(size_bytes: u64) -> usize {
    (512 - (size_bytes % 512) as usize) % 512
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        let (outside, unwritable) = (Err(PathFault::Outside), Err(PathFault::Unwritable));
        let cases: [(&str, &str, Result<&str, PathFault>); 15] = [
            ("r", "a", Ok("r/a")),
            ("r/b", "a", Ok("r/b/a")),
            ("r/b/c", "../a", Ok("r/b/a")),
            ("r/b", "./x//y", Ok("r/b/x/y")),
            ("r", "/etc/passwd", Ok("r/etc/passwd")),
            ("r", "../a", outside),
            ("r", "..", outside),
            ("r", "../r", outside),
            ("r/b", "..", outside),
            ("r/b", "../../a", outside),
            ("r/b", "../../../r/a", outside),
            ("r", "", unwritable),
            ("r", ".", unwritable),
            ("r/b", ".", unwritable),
            ("r", "a\0b", unwritable),
        ];
        for (folder, name, expected) in cases {
            assert_eq!(path_of("r", folder, name).as_deref(), expected.as_ref().copied(), "{name:?} in {folder}");
        }
        assert_eq!(path_of("r", "r", &"x".repeat(MAX_PATH_BYTES)), Err(PathFault::Unwritable));
    }

    proptest! {
        #[test]
        fn no_name_escapes(name in "[a./\\\\\u{0}]{0,20}", folder in "r(/[a.]{1,3}){0,3}") {
            if let Ok(path) = path_of("r", &folder, &name) {
                prop_assert!(path.starts_with("r/"));
                prop_assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
                let what = What::File { size_bytes: u64::MAX >> 1 };
                prop_assert!(header(&path, &what).is_ok());
            }
        }
    }
}
