//! Secrets of workers: one that lets a worker ask for jobs, and one for each lease, good for that job only.
//!
//! Only hashes are kept in memory and in the database.

use std::io;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use pinreel_content::{Digest, sha256};

use crate::data::write_private;

const SECRET_BYTES: usize = 32;

/// What may lease jobs.
#[derive(Clone)]
pub struct WorkerToken {
    digest: Digest,
}

impl WorkerToken {
    /// Reads the token's file (0600), or makes it at the first start.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        let token = match std::fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
            Ok(_) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the worker token's file is empty; delete it"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let token = secret()?;
                write_private(path, format!("{token}\n").as_bytes())?;
                token
            }
            Err(error) => return Err(error),
        };
        Ok(Self { digest: sha256(token.as_bytes()) })
    }

    /// Takes the same time whatever was guessed.
    pub fn matches(&self, presented: &str) -> bool {
        let presented = sha256(presented.as_bytes());
        let differing = self.digest.iter().zip(presented).fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        std::hint::black_box(differing) == 0
    }
}

/// A fresh secret in base64url.
pub fn secret() -> io::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn token_is_made_once_kept_private_and_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker-token");
        let first = WorkerToken::load_or_create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.matches(text.trim()));
        assert!(WorkerToken::load_or_create(&path).unwrap().matches(text.trim()));
        for wrong in ["", "x", &text.trim()[1..], text.as_str()] {
            assert!(!first.matches(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn empty_file_is_no_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(WorkerToken::load_or_create(file.path()).is_err());
    }
}
