//! What can go wrong in the content layer, each case with a sentence that a person can act on.

use std::{io, path::PathBuf};

use cid::Cid;

use crate::walk::printable_path;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call on the store failed. "Not held" is no error: those calls return an `Option`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the store open.
    #[error("another process uses this folder: {}", .0.display())]
    FolderInUse(PathBuf),
    /// The store was written by a newer program.
    #[error("the store in {} has format {found}, this program knows formats up to {known}: use a newer program", .dir.display())]
    FormatUnknown { dir: PathBuf, found: u64, known: u64 },
    /// No space left, or over a quota.
    #[error("the disk is full: could not write {}", .0.display())]
    DiskFull(PathBuf),
    /// Too little room for what was to be written; nothing of it was.
    #[error(
        "the disk has {free_bytes} bytes left, and {needed_bytes} are needed: make room, for example with `pinreel store gc`"
    )]
    NoRoom { needed_bytes: u64, free_bytes: u64 },
    /// The file system refused.
    #[error("could not {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// The index refused.
    #[error("the store's index failed: {0}")]
    Index(redb::Error),
    /// The index can't be read, as a torn write or a failing disk may leave it.
    #[error(
        "the store's index is damaged ({0}); stop the node, if it runs, and make the index anew with `pinreel store rebuild`"
    )]
    IndexDamaged(String),
    /// A collection after a rebuild that couldn't bring all pins.
    #[error(
        "pins may have been lost with a part of the index, so nothing is collected: start the node once, which makes those \
         of its uploads and publications again, and pin what else is to stay"
    )]
    PinsLost,
    /// A block isn't what its codec says.
    #[error("block {cid} is malformed: {reason}")]
    Malformed { cid: Cid, reason: Malformed },
    /// Bytes don't have the hash that their CID names.
    #[error("the bytes given as {0} have another hash")]
    HashMismatch(Cid),
    /// A CID with a hash function that isn't accepted.
    #[error("{0} uses a hash function that is not accepted here: only sha2-256 and identity are")]
    HashUnsupported(Cid),
    /// An identity CID, of which nothing can be taken away.
    #[error("{0} holds its content itself, so there is nothing to be erased")]
    Inline(Cid),
    /// A block over the limit.
    #[error("block {cid} has {size_bytes} bytes; blocks may have at most {}", crate::limits::BLOCK_BYTES)]
    BlockTooLarge { cid: Cid, size_bytes: usize },
    /// A block that something held refers to isn't held.
    #[error("block {0} is needed but not held here")]
    BlockMissing(Cid),
    /// The DAG below a root is larger or deeper than what is walked.
    #[error("the DAG under {0} is larger than this node walks")]
    DagTooLarge(Cid),
    /// Two names of one directory whose hashes are the same: no sharded directory can hold both.
    #[error(
        "a large folder cannot hold {0:?} and another of its names together, as their hashes are the same: rename one"
    )]
    NamesCollide(String),
    /// A name that a directory cannot have.
    #[error(
        "{0:?} cannot be a name in a folder: it is empty, too long, a dot name, not UTF-8, or holds a slash or NUL"
    )]
    NameInvalid(String),
    /// A file on the disk with a name that dag-pb, whose names are text, can't have.
    #[error("{} has a name that is not UTF-8, and the folders of IPFS hold no others: rename it", printable_path(.0))]
    NameNotUtf8(PathBuf),
    /// The same name twice in one directory.
    #[error("the name {0:?} appears twice in one folder")]
    NameTwice(String),
    /// The CID isn't a directory.
    #[error("{0} is not a folder")]
    NotADirectory(Cid),
    /// The CID isn't a file.
    #[error("{0} is not a file")]
    NotAFile(Cid),
    /// A file of the store changed under it.
    #[error("the stored bytes of {0} are damaged: their hash is another now")]
    Damaged(Cid),
    /// An upload's id that could not be a file name.
    #[error("{0:?} is no id of an upload: 1 to 64 letters, digits, - and _ are")]
    PartialId(String),
    /// The upload exists already.
    #[error("an upload {0} exists already")]
    PartialExists(String),
    /// Two writers for one upload.
    #[error("upload {0} is being written by somebody else")]
    PartialBusy(String),
    /// More bytes than announced.
    #[error("upload {id} was announced with {size_bytes} bytes and got more")]
    PartialTooLong { id: String, size_bytes: u64 },
    /// Finished too early.
    #[error("upload {id} has {offset_bytes} of {size_bytes} bytes: it is not complete")]
    PartialIncomplete { id: String, offset_bytes: u64, size_bytes: u64 },
    /// A file that somebody wrote to while it was hashed.
    #[error("{} changed while it was read: try again when nobody writes to it", .0.display())]
    Changed(PathBuf),
    /// A device, a socket or a pipe.
    #[error("{} is neither a file, a folder nor a symbolic link", .0.display())]
    SpecialFile(PathBuf),
    /// Content that was erased isn't taken again.
    #[error("{0} was erased here, so its bytes are not taken again")]
    Erased(Cid),
    /// A pin's owner that could not be told from others.
    #[error("{0:?} can't own a pin: an owner is 1 to 200 characters of ASCII without spaces")]
    PinOwner(String),
    /// A CAR file that cannot be taken.
    #[error(transparent)]
    Car(#[from] crate::car::CarError),
}

/// Why a block could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    #[error("it ends in the middle of a field")]
    Truncated,
    #[error("a number in it is not a valid varint")]
    Varint,
    #[error("it has a field that its format does not know")]
    UnknownField,
    #[error("its links are in two places")]
    LinksTwice,
    #[error("its data appears twice")]
    DataTwice,
    #[error("a field of a link is missing, repeated or out of order")]
    LinkFields,
    #[error("a link in it is not a CID, or holds more than 64 bytes itself")]
    LinkCid,
    #[error("a name in it is not UTF-8")]
    NameNotUtf8,
    #[error("it holds no UnixFS data")]
    NoUnixFs,
    #[error("its UnixFS type is unknown")]
    UnixFsType,
    #[error("the sizes it gives do not add up to the size of the file")]
    Sizes,
    #[error("a child has another size than its parent says")]
    ChildSize,
    #[error("it is nested too deeply")]
    TooDeep,
    #[error("it is not valid DAG-CBOR")]
    DagCbor,
    #[error("a shard of a folder has other slots, hashes or names in it than its place in the folder allows")]
    Shard,
    #[error("it is not valid DAG-JSON")]
    DagJson,
}

impl Error {
    /// Gives an I/O error its file and what was being done, and tells a full disk apart.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| if is_full(&source) { Self::DiskFull(path) } else { Self::Io { action, path, source } }
    }

    /// Whether there was too little room on the disk.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::NoRoom { .. })
    }

    pub(crate) fn malformed(cid: &Cid) -> impl FnOnce(Malformed) -> Self {
        let cid = *cid;
        move |reason| Self::Malformed { cid, reason }
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(reason) => Self::IndexDamaged(reason),
            redb::Error::Io(error) if is_full(&error) => Self::DiskFull("index.redb".into()),
            other => Self::Index(other),
        }
    }
}

/// Lets `?` take every error type of redb.
macro_rules! from_redb {
    ($($kind:ident),*) => {
        $(impl From<redb::$kind> for Error {
            fn from(error: redb::$kind) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}
from_redb!(StorageError, TableError, TransactionError, CommitError);
