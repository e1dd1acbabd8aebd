//! Who this node is: the name and key of its log, and the key of its own channel. Made at the first start, for good.
//!
//! The log's name and key stand in every channel's genesis as its home: losing them orphans the channels, so they are
//! files of their own in `keys/`, for the operator to back up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use pinreel_records::{ChannelId, Home, Origin, SigningKey, base64url};
use sha2::{Digest, Sha256};
use url::Url;

use crate::data::{DataDir, DataError, write_private};

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("The node's key {} can't be read or written ({source}).", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("The node's key file {} is damaged; restore it from a backup: without it this node's channels have no home.", .0.display())]
    Damaged(PathBuf),
    #[error(transparent)]
    Folder(#[from] DataError),
    #[error("The system gives no random numbers ({0}).")]
    Random(#[from] getrandom::Error),
}

#[derive(Debug)]
pub struct NodeIdentity {
    /// The log's name, in genesis records and receipts.
    pub origin: Origin,
    pub log_key: SigningKey,
    /// Signs the node's own channel: renditions.
    pub node_key: SigningKey,
    /// The node's own channel, once it is founded.
    channel: OnceLock<ChannelId>,
}

impl NodeIdentity {
    /// Reads the keys, or makes them. `url` gives the log its name at the first start only.
    pub fn load_or_create(data: &DataDir, url: Option<&Url>) -> Result<Self, IdentityError> {
        let folder = data.make_keys()?;
        let log_key = key(data.log_key())?;
        let node_key = key(folder.join("node"))?;
        let path = folder.join("origin");
        let origin = match read(&path)? {
            Some(text) => text.trim().parse().map_err(|_| IdentityError::Damaged(path))?,
            None => {
                let origin = first_origin(url, &log_key);
                write(&path, &format!("{origin}\n"))?;
                origin
            }
        };
        Ok(Self { origin, log_key, node_key, channel: OnceLock::new() })
    }

    /// Where channels founded here are at home.
    pub fn home(&self) -> Home {
        Home { origin: self.origin.clone(), key: self.log_key.public() }
    }

    pub fn channel(&self) -> Option<ChannelId> {
        self.channel.get().copied()
    }

    /// Tells which channel is the node's own, as soon as its genesis is in the log.
    pub fn set_channel(&self, channel: ChannelId) {
        // It never changes: a second call could only say the same.
        let _ = self.channel.set(channel);
    }
}

fn first_origin(url: Option<&Url>, log_key: &SigningKey) -> Origin {
    let host = url.and_then(Url::host_str).and_then(|host| host.parse().ok());
    host.unwrap_or_else(|| {
        let digest = HEXLOWER.encode(&Sha256::digest(log_key.public().as_bytes()));
        format!("node-{}.local", &digest[..8]).parse().expect("hex and letters make an origin")
    })
}

fn key(path: PathBuf) -> Result<SigningKey, IdentityError> {
    if let Some(text) = read(&path)? {
        let seed = base64url::decode_array(text.trim()).ok_or(IdentityError::Damaged(path))?;
        return Ok(SigningKey::from_seed(seed));
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    write(&path, &format!("{}\n", base64url::encode(&seed)))?;
    Ok(SigningKey::from_seed(seed))
}

fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::Io { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, text: &str) -> Result<(), IdentityError> {
    write_private(path, text.as_bytes()).map_err(|source| IdentityError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let first = NodeIdentity::load_or_create(&data, None).unwrap();
        assert!(first.origin.as_str().starts_with("node-") && first.origin.as_str().ends_with(".local"));
        let url = Url::parse("https://media.example").unwrap();
        let second = NodeIdentity::load_or_create(&data, Some(&url)).unwrap();
        assert_eq!(first.home(), second.home());
        assert_eq!(first.node_key.public(), second.node_key.public());
        assert_ne!(first.node_key.public(), first.log_key.public());
    }

    #[test]
    fn address_names_the_log_at_first() {
        for (url, origin) in [("https://media.example:8443/", "media.example"), ("http://192.0.2.7/", "192.0.2.7")] {
            let folder = tempfile::tempdir().unwrap();
            let data = DataDir::open(folder.path()).unwrap();
            let url = Url::parse(url).unwrap();
            assert_eq!(NodeIdentity::load_or_create(&data, Some(&url)).unwrap().origin.as_str(), origin);
        }
    }

    #[test]
    fn damaged_key_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        data.make_keys().unwrap();
        fs::write(data.log_key(), "half a ke").unwrap();
        assert!(matches!(NodeIdentity::load_or_create(&data, None), Err(IdentityError::Damaged(_))));
        assert_eq!(fs::read_to_string(data.log_key()).unwrap(), "half a ke");
    }
}
