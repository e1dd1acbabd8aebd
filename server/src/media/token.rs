//! Secrets of workers: one that lets a worker ask for jobs, and one for each lease, good for that job only.
//!
//! Only hashes are kept in memory and in the database.

use std::io;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;

use crate::data::write_private;
use crate::http::Secret;

const SECRET_BYTES: usize = 32;
/// What nobody guesses: 128 bits in hexadecimal digits.
const SHORTEST: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("The worker token's file {} can't be used ({source}); see --worker-token-file.", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("The worker token in {} is too short; make one with `openssl rand -hex 32`.", .0.display())]
    Short(PathBuf),
}

impl TokenError {
    fn of(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// What may lease jobs.
#[derive(Clone)]
pub struct WorkerToken(Secret);

impl WorkerToken {
    /// Reads the node's own token (0600), or makes it at the first start.
    pub fn load_or_create(path: &Path) -> Result<Self, TokenError> {
        if !path.exists() {
            let token = secret().map_err(TokenError::of(path))?;
            write_private(path, format!("{token}\n").as_bytes()).map_err(TokenError::of(path))?;
        }
        Self::load(path)
    }

    /// Reads a token that somebody else has made, for workers on other machines.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(TokenError::of(path))?;
        match text.trim() {
            token if token.len() >= SHORTEST => Ok(Self(Secret::of(token))),
            _ => Err(TokenError::Short(path.to_owned())),
        }
    }

    pub fn matches(&self, presented: &str) -> bool {
        self.0.matches(presented)
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
        std::fs::write(file.path(), "0123456789abcdef0123456789abcde\n").unwrap();
        assert!(matches!(WorkerToken::load(file.path()), Err(TokenError::Short(_))));
    }

    #[test]
    fn a_token_from_elsewhere_is_read_and_never_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(WorkerToken::load(&path), Err(TokenError::Io { .. })));
        assert!(!path.exists());
        std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        assert!(WorkerToken::load(&path).unwrap().matches("0123456789abcdef0123456789abcdef"));
    }
}
