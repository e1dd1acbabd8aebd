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

/// The path of a name in a folder, without `.` and `..`, or `None` if it isn't below `root` or can't be written.
pub fn path_of(root: &str, folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let is_below = parts.len() > 1 && parts.first() == Some(&root);
    let path = parts.join("/");
    (is_below && path.len() <= MAX_PATH_BYTES && !path.contains('\0')).then_some(path)
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
        let cases = [
            ("r", "a", Some("r/a")),
            ("r/b", "a", Some("r/b/a")),
            ("r/b/c", "../a", Some("r/b/a")),
            ("r/b", "./x//y", Some("r/b/x/y")),
            ("r", "/etc/passwd", Some("r/etc/passwd")),
            ("r", "../a", None),
            ("r", "..", None),
            ("r/b", "..", None),
            ("r/b", "../../a", None),
            ("r/b", "../../../r/a", None),
            ("r", "", None),
            ("r", ".", None),
            ("r", "a\0b", None),
        ];
        for (folder, name, expected) in cases {
            assert_eq!(path_of("r", folder, name).as_deref(), expected, "{name:?} in {folder}");
        }
        assert_eq!(path_of("r", "r", &"x".repeat(MAX_PATH_BYTES)), None);
    }

    proptest! {
        #[test]
        fn no_name_escapes(name in "[a./\\\\\u{0}]{0,20}", folder in "r(/[a.]{1,3}){0,3}") {
            if let Some(path) = path_of("r", &folder, &name) {
                prop_assert!(path.starts_with("r/"));
                prop_assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
                let what = What::File { size_bytes: u64::MAX >> 1 };
                prop_assert!(header(&path, &what).is_ok());
            }
        }
    }
}
