//! The command line's key file: JSON, one entry for each channel and node. Reading and writing the file, with mode
//! 0600, is the caller's; here are its text and meaning.

use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::header::Origin;
use crate::id::ChannelId;
use crate::keys::SigningKey;
use crate::names::Name;
use crate::record::Signed;

const FORMAT: &str = "pinreel-keys/1";
const WARNING: &str = "Whoever has this file can publish as its channels. Keep it secret, keep a copy.";

/// All keys of one file.
#[derive(Clone, Debug, Default)]
pub struct KeyFile {
    pub entries: Vec<KeyEntry>,
}

/// A signing key and where it is used.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    pub key: SigningKey,
    /// The name of the log of the channel's home.
    pub origin: Option<Origin>,
    /// The channel, once its genesis is signed.
    pub channel: Option<ChannelId>,
    /// The handle that the channel had when it was last used here.
    pub handle: Option<Name>,
    /// A record that was signed and perhaps sent, whose answer hasn't come: to be sent again before any other.
    pub pending: Option<Signed>,
}

/// Why a text is no key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file isn't JSON of the expected form: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the key file has the format {0:?}; this version reads {FORMAT:?}")]
    Format(String),
    #[error("{0} of entry {1} in the key file is broken")]
    Entry(&'static str, usize),
}

#[derive(Serialize, Deserialize)]
struct FileJson {
    format: String,
    warning: String,
    keys: Vec<EntryJson>,
}

#[derive(Serialize, Deserialize)]
struct EntryJson {
    seed: String,
    /// For people; read back from the seed.
    #[serde(default)]
    public: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<ChannelId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingJson>,
}

#[derive(Serialize, Deserialize)]
struct PendingJson {
    header: String,
    body: String,
}

impl KeyFile {
    pub fn parse(text: &str) -> Result<KeyFile, KeyFileError> {
        let file: FileJson = serde_json::from_str(text)?;
        if file.format != FORMAT {
            return Err(KeyFileError::Format(file.format));
        }
        let entries = file.keys.into_iter().enumerate().map(|(index, entry)| KeyEntry::read(entry, index));
        Ok(KeyFile { entries: entries.collect::<Result<_, _>>()? })
    }

    /// The text of the file, with a line feed at its end.
    pub fn format(&self) -> String {
        let keys = self.entries.iter().map(KeyEntry::write).collect();
        let file = FileJson { format: FORMAT.to_owned(), warning: WARNING.to_owned(), keys };
        serde_json::to_string_pretty(&file).expect("strings always serialise") + "\n"
    }
}

impl KeyEntry {
    pub fn new(key: SigningKey) -> KeyEntry {
        KeyEntry { key, origin: None, channel: None, handle: None, pending: None }
    }

    fn write(&self) -> EntryJson {
        EntryJson {
            seed: base64url::encode(&self.key.seed()),
            public: self.key.public().to_string(),
            origin: self.origin.as_ref().map(Origin::to_string),
            channel: self.channel,
            handle: self.handle.as_ref().map(Name::to_string),
            pending: self.pending.as_ref().map(|signed| PendingJson {
                header: base64url::encode(&signed.header_bytes),
                body: base64url::encode(&signed.body_bytes),
            }),
        }
    }

    fn read(entry: EntryJson, index: usize) -> Result<KeyEntry, KeyFileError> {
        let broken = |field| KeyFileError::Entry(field, index + 1);
        let seed = base64url::decode_array(&entry.seed).ok_or(broken("the seed"))?;
        let pending = match entry.pending {
            None => None,
            Some(pending) => Some(Signed {
                header_bytes: base64url::decode(&pending.header).ok_or(broken("the pending header"))?,
                body_bytes: base64url::decode(&pending.body).ok_or(broken("the pending body"))?,
            }),
        };
        Ok(KeyEntry {
            key: SigningKey::from_seed(seed),
            origin: entry.origin.map(|origin| origin.parse()).transpose().map_err(|_| broken("the origin"))?,
            channel: entry.channel,
            handle: entry.handle.map(|handle| handle.parse()).transpose().map_err(|_| broken("the handle"))?,
            pending,
        })
    }
}
