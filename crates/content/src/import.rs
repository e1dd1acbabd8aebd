//! From a stream of bytes to the CID of a UnixFS file, hashing while the bytes pass.
//!
//! Memory is 32 bytes for each leaf of 1 MiB; the tree above the leaves costs next to nothing.

use bytes::Bytes;
use cid::Cid;
use sha2::{Digest as _, Sha256};

use crate::{
    address::{Digest, dag_pb_cid, raw_cid, sha256},
    dagpb,
    lanes::{LANES, sha256_each},
    unixfs,
};

/// The size of a leaf; only a file's last leaf may be shorter.
pub const LEAF_BYTES: u64 = 1024 * 1024;
/// How many children a node of a file's tree has at most.
pub const NODE_LINKS: usize = 1024;

/// So many bytes are hashed about twice as fast as fewer, if whole leaves have gone before.
pub const BYTES_AT_ONCE: usize = LANES * LEAF_BYTES as usize;

/// A child of a directory: its CID, and the size of all blocks under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub cid: Cid,
    /// The bytes of the whole DAG, its nodes included.
    pub tsize: u64,
}

/// A file that was hashed, and (if a store returned this) is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub cid: Cid,
    /// The bytes of the file.
    pub size_bytes: u64,
    /// The bytes of the whole DAG: the file's and its tree's.
    pub tsize: u64,
}

impl From<Stored> for Link {
    fn from(stored: Stored) -> Self {
        Self { cid: stored.cid, tsize: stored.tsize }
    }
}

/// Computes the CID of bytes that are in memory.
pub fn hash_bytes(bytes: &[u8]) -> Stored {
    let mut hasher = FileHasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// Computes a file's CID from its bytes as they pass.
#[derive(Clone, Default)]
pub struct FileHasher {
    leaves: Vec<Digest>,
    current: Sha256,
    size_bytes: u64,
}

impl FileHasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on after whole leaves whose digests are known.
    pub(crate) fn resume(leaves: Vec<Digest>) -> Self {
        let size_bytes = leaves.len() as u64 * LEAF_BYTES;
        Self { leaves, current: Sha256::new(), size_bytes }
    }

    /// A hasher that has seen a whole file whose leaves are known, the last one too.
    pub(crate) fn complete(leaves: Vec<Digest>, size_bytes: u64) -> Self {
        Self { leaves, current: Sha256::new(), size_bytes }
    }

    /// Takes the next bytes, however many.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.size_bytes.is_multiple_of(LEAF_BYTES)
                && let Some((leaves, later)) = bytes.split_at_checked(BYTES_AT_ONCE)
            {
                self.leaves.extend(sha256_each(&leaves.chunks(LEAF_BYTES as usize).collect::<Vec<_>>()));
                self.size_bytes += leaves.len() as u64;
                bytes = later;
                continue;
            }
            let room = LEAF_BYTES - self.size_bytes % LEAF_BYTES;
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            self.current.update(now);
            self.size_bytes += now.len() as u64;
            if self.size_bytes.is_multiple_of(LEAF_BYTES) {
                self.leaves.push(take_digest(&mut self.current));
            }
            bytes = later;
        }
    }

    /// How many bytes have passed.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The digests of the leaves that are complete.
    pub(crate) fn leaves(&self) -> &[Digest] {
        &self.leaves
    }

    /// The file's CID and sizes.
    pub fn finish(self) -> Stored {
        self.finish_tree().stored()
    }

    pub(crate) fn finish_tree(mut self) -> Tree {
        if (self.leaves.len() as u64) < leaf_count(self.size_bytes) {
            self.leaves.push(take_digest(&mut self.current));
        }
        Tree::build(self.leaves, self.size_bytes)
    }
}

/// The digest of what the hasher has seen; it starts anew.
fn take_digest(hasher: &mut Sha256) -> Digest {
    std::mem::take(hasher).finalize().into()
}

/// How many leaves a file of this size has: an empty file is one empty leaf.
pub(crate) fn leaf_count(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(LEAF_BYTES).max(1)
}

/// A file's DAG without its leaves' bytes.
pub(crate) struct Tree {
    pub(crate) root: Cid,
    pub(crate) size_bytes: u64,
    pub(crate) tsize: u64,
    pub(crate) leaves: Vec<Digest>,
    /// The nodes above the leaves, the root last; none if the file is a single leaf.
    pub(crate) nodes: Vec<(Digest, Bytes)>,
}

/// A finished subtree, as its parent links to it.
struct Child {
    cid: Cid,
    file_bytes: u64,
    tsize: u64,
}

impl Tree {
    /// Builds the balanced tree over all leaves of a file.
    pub(crate) fn build(leaves: Vec<Digest>, size_bytes: u64) -> Self {
        debug_assert_eq!(leaves.len() as u64, leaf_count(size_bytes));
        let mut nodes = Vec::new();
        let mut level: Vec<Child> = (0u64..)
            .zip(&leaves)
            .map(|(number, digest)| {
                let bytes = LEAF_BYTES.min(size_bytes - number * LEAF_BYTES);
                Child { cid: raw_cid(*digest), file_bytes: bytes, tsize: bytes }
            })
            .collect();
        // All children of one level go under parents of the next, a lone last one too.
        while level.len() > 1 {
            level = level.chunks(NODE_LINKS).map(|children| parent_of(children, &mut nodes)).collect();
        }
        let Child { cid: root, tsize, .. } = level.remove(0);
        Self { root, size_bytes, tsize, leaves, nodes }
    }

    pub(crate) fn stored(&self) -> Stored {
        Stored { cid: self.root, size_bytes: self.size_bytes, tsize: self.tsize }
    }
}

fn parent_of(children: &[Child], nodes: &mut Vec<(Digest, Bytes)>) -> Child {
    let mut block = Vec::with_capacity(children.len() * 56 + 16);
    for child in children {
        dagpb::push_link(&mut block, &child.cid, "", child.tsize);
    }
    dagpb::push_data(&mut block, &unixfs::file_data(children.iter().map(|child| child.file_bytes)));
    let digest = sha256(&block);
    let parent = Child {
        cid: dag_pb_cid(digest),
        file_bytes: children.iter().map(|child| child.file_bytes).sum(),
        tsize: block.len() as u64 + children.iter().map(|child| child.tsize).sum::<u64>(),
    };
    nodes.push((digest, block.into()));
    parent
}
