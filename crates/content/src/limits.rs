//! The limits within which content from strangers is decoded and walked.

/// The largest block that is accepted, in bytes: what bitswap carries.
pub const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// The deepest DAG that a file may be.
pub const DEPTH: usize = 32;
/// How many segments a path may have.
pub const PATH_SEGMENTS: usize = 128;
/// How many blocks a single [`crate::FileReader::read_at`] touches before it returns what it has.
pub const BLOCKS_PER_READ: usize = 65_536;
/// How many bytes of blocks it decodes before: wide nodes may hold next to nothing of the file.
pub const BYTES_PER_READ: usize = 32 << 20;
/// How many blocks a walk over everything reachable from a root visits before it gives up.
pub const BLOCKS_PER_WALK: usize = 50_000_000;
/// How many blocks a CAR file for a stranger visits: 2 TiB of our own files, 40 MiB of memory.
pub const BLOCKS_PER_CAR: usize = 2 * 1024 * 1024;
/// How many bytes of blocks it reads again without sending them, as other parts of the same file.
pub const BYTES_AGAIN_PER_CAR: usize = 256 << 20;
/// How many links wait to be followed while a CAR file is written.
pub const LINKS_PENDING: usize = 256 * 1024;
/// The largest header of a CAR file, in bytes.
pub const CAR_HEADER_BYTES: usize = 64 * 1024;
/// The longest name of a directory's entry, in bytes.
pub const NAME_BYTES: usize = 4096;
/// How many shards of a directory are read for one listing: those of a few million entries.
pub const SHARDS_PER_LISTING: usize = 1_000_000;
/// A directory's block above this size, in bytes, is sharded (HAMT) instead.
pub const DIRECTORY_BYTES: usize = 256 * 1024;
