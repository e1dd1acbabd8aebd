//! CAR files out of the store: a DAG or a part of it, depth first.
//!
//! What always holds: a block which isn't held, isn't admitted or is known to be damaged ends the file with an error, so
//! that no reader takes it for whole. Each block is checked against its hash as it is sent, unless that is left to the
//! reader ([`CarOptions::unchecked`]), who does the same with any source. Memory is a block, the links still to be followed, and 16 bytes for each block
//! that was sent.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Read},
    vec,
};

use bytes::{Buf, Bytes};
use cid::Cid;

use super::{FileReader, Gate, Store};
use crate::{
    Error, Malformed, Result,
    address::{DAG_PB, Digest, RAW, digest_of, identity_data, sha256},
    car::{self, EntityBytes},
    dagpb,
    hamt::{Path, Shape, Slot},
    limits,
    links::links_of,
    store::{End, Walk},
    unixfs::{Type, UnixFs},
};

/// Blocks up to this size are copied behind their head, so that they make one piece.
const COPIED_BYTES: usize = 16 * 1024;

/// Which blocks at the end of a path a CAR file holds, besides those that lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The one block.
    Block,
    /// What it takes to read the file, or a part of it, or to list the folder; the one block of anything else.
    Entity(Option<EntityBytes>),
    /// Everything below.
    #[default]
    All,
}

/// What a CAR file holds.
#[derive(Debug, Clone)]
pub struct CarOptions {
    pub scope: Scope,
    /// Whether a block is sent again each time that it occurs.
    pub duplicates: bool,
    /// What may be given.
    pub gate: Gate,
    /// How many blocks are visited before the file ends with an error.
    pub max_blocks: usize,
    /// Whether blocks are sent as the disk has them: hashing them costs more than all the rest.
    pub unchecked: bool,
}

impl Default for CarOptions {
    fn default() -> Self {
        Self {
            scope: Scope::All,
            duplicates: false,
            gate: Gate::default(),
            max_blocks: limits::BLOCKS_PER_WALK,
            unchecked: false,
        }
    }
}

impl Store {
    /// A root's whole DAG as a CAR file, written while it is read: each block once.
    pub fn car(&self, root: &Cid) -> CarReader {
        let walk = Walk { blocks: Vec::new(), reached: vec![*root], end: End::Found(*root) };
        self.car_of(&walk, CarOptions::default())
    }

    /// What a path leads to as a CAR file: the blocks that show the way, then what `scope` says. A path that leads
    /// nowhere gives the blocks that show this.
    pub fn car_of(&self, walk: &Walk, options: CarOptions) -> CarReader {
        let (root, start) = match walk.end {
            End::Found(cid) => (cid, Some(Visit { cid, reach: Reach::of(options.scope) })),
            End::Inside(cid) if options.scope == Scope::All => (cid, Some(Visit { cid, reach: Reach::All })),
            End::Inside(cid) => (cid, Some(Visit { cid, reach: Reach::Block })),
            End::Absent | End::Closed(_) => (car::no_root(), None),
        };
        CarReader {
            store: self.clone(),
            root,
            options,
            path: walk.blocks.clone().into_iter(),
            stack: Vec::from_iter(start),
            seen: HashSet::new(),
            visited: 0,
            again_bytes: 0,
            sent: CarStats::default(),
            ready: VecDeque::from([Part::Bytes(car::header(&[root]).into())]),
            rest: Bytes::new(),
        }
    }
}

/// A CAR file as a stream.
pub struct CarReader {
    store: Store,
    root: Cid,
    options: CarOptions,
    path: vec::IntoIter<Cid>,
    stack: Vec<Visit>,
    seen: HashSet<u128>,
    visited: usize,
    /// Of blocks that were read though they had been sent.
    again_bytes: usize,
    sent: CarStats,
    ready: VecDeque<Part>,
    /// What [`Read`] has yet to give of a piece.
    rest: Bytes,
}

/// A part of a CAR file.
pub enum Part {
    /// The header, a block, or what stands before one.
    Bytes(Bytes),
    /// A block that is a stretch of a stored file, for who sends it by other means than reading it.
    Block(FileReader),
}

impl Part {
    /// The part's bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a block whose file has become shorter.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Block(file) => Ok(file.read_vec(0, file.size_bytes() as usize)?.into()),
        }
    }
}

/// How much of blocks a CAR file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CarStats {
    pub blocks: u64,
    pub block_bytes: u64,
}

/// A block to be visited.
struct Visit {
    cid: Cid,
    reach: Reach,
}

/// How far a visit goes on below its block.
#[derive(Clone, Copy)]
enum Reach {
    Block,
    All,
    /// The end of a path, of which it isn't known yet what it is.
    Entity(Option<EntityBytes>),
    /// Bytes `range` of a file (all where `None`); this node's own begin at `begin`.
    File {
        begin: u64,
        range: Option<(u64, u64)>,
        depth: usize,
    },
    /// A shard at this place of a folder, and the shards below it.
    Shards(Path),
}

impl Reach {
    fn of(scope: Scope) -> Self {
        match scope {
            Scope::Block => Self::Block,
            Scope::Entity(bytes) => Self::Entity(bytes),
            Scope::All => Self::All,
        }
    }
}

impl CarReader {
    /// The next piece of the file's bytes, as [`CarReader::next_part`] gives it.
    ///
    /// # Errors
    /// As there.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>> {
        self.next_part()?.map(Part::into_bytes).transpose()
    }

    /// The next part of the file: the header, then a block in one or two. `None` at the end. Where blocks are checked
    /// it is never a [`Part::Block`].
    ///
    /// # Errors
    /// [`Error::BlockMissing`], also for a block that isn't admitted; [`Error::Damaged`] for one that no longer has its
    /// hash; [`Error::DagTooLarge`]. After an error the file is over.
    pub fn next_part(&mut self) -> Result<Option<Part>> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            let Some(visit) = self.next_visit() else { return Ok(None) };
            if let Err(error) = self.visit(&visit) {
                (self.path, self.stack) = (Vec::new().into_iter(), Vec::new());
                return Err(error);
            }
        }
    }

    /// What it has given so far.
    pub fn stats(&self) -> CarStats {
        self.sent
    }

    fn next_visit(&mut self) -> Option<Visit> {
        let on_the_way = self.path.next().map(|cid| Visit { cid, reach: Reach::Block });
        on_the_way.or_else(|| self.stack.pop())
    }

    fn visit(&mut self, visit: &Visit) -> Result<()> {
        self.visited += 1;
        if self.visited > self.options.max_blocks {
            return Err(Error::DagTooLarge(self.root));
        }
        let cid = &visit.cid;
        let is_new = match digest_of(cid) {
            // The bytes of an identity CID stand in its parent already.
            None => false,
            Some(digest) => self.options.duplicates || self.seen.insert(key_of(cid, &digest)),
        };
        // What is below a block that was sent was sent with it, but for other parts of the same file.
        let goes_on = is_new || identity_data(cid).is_some() || matches!(visit.reach, Reach::File { .. });
        if !goes_on || (!is_new && cid.codec() == RAW) {
            return Ok(());
        }
        if !self.options.gate.admits(cid)? {
            return Err(Error::BlockMissing(*cid));
        }
        if let Some(file) = self.leaf(cid)? {
            self.send_head(cid, file.size_bytes() as usize);
            self.ready.push_back(Part::Block(file));
            return Ok(());
        }
        let block = self.block(cid)?;
        if !is_new {
            self.again_bytes += block.len();
            if self.again_bytes > limits::BYTES_AGAIN_PER_CAR {
                return Err(Error::DagTooLarge(self.root));
            }
        }
        let children = children(cid, visit.reach, &block).map_err(Error::malformed(cid))?;
        self.stack.extend(children.into_iter().rev());
        if self.stack.len() > limits::LINKS_PENDING {
            return Err(Error::DagTooLarge(self.root));
        }
        if is_new {
            self.send(cid, block);
        }
        Ok(())
    }

    /// A new block without links that needn't be read to be sent.
    fn leaf(&self, cid: &Cid) -> Result<Option<FileReader>> {
        let leaf = if self.options.unchecked { self.store.leaf(cid)? } else { None };
        Ok(leaf.filter(|file| file.size_bytes() > COPIED_BYTES as u64))
    }

    fn block(&self, cid: &Cid) -> Result<Bytes> {
        let block = self.store.block(cid)?.ok_or(Error::BlockMissing(*cid))?;
        match digest_of(cid) {
            Some(digest) if !self.options.unchecked && sha256(&block) != digest => Err(Error::Damaged(*cid)),
            _ => Ok(block),
        }
    }

    fn send(&mut self, cid: &Cid, block: Bytes) {
        if block.len() <= COPIED_BYTES {
            self.count(block.len());
            self.ready.push_back(Part::Bytes(car::frame(cid, &block).into()));
        } else {
            self.send_head(cid, block.len());
            self.ready.push_back(Part::Bytes(block));
        }
    }

    fn send_head(&mut self, cid: &Cid, block_bytes: usize) {
        self.count(block_bytes);
        self.ready.push_back(Part::Bytes(car::frame_head(cid, block_bytes).into()));
    }

    fn count(&mut self, block_bytes: usize) {
        self.sent.blocks += 1;
        self.sent.block_bytes += block_bytes as u64;
    }
}

/// A block's key among those that were sent. The codec counts, for it says what is below; half of the digest is
/// enough: two blocks with the same half would only make a file that its reader finds incomplete.
fn key_of(cid: &Cid, digest: &Digest) -> u128 {
    let half = digest.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
    half ^ u128::from(cid.codec())
}

/// What is to be visited below a block.
fn children(cid: &Cid, reach: Reach, block: &[u8]) -> Result<Vec<Visit>, Malformed> {
    match reach {
        Reach::Block => Ok(Vec::new()),
        Reach::All => Ok(links_of(cid, block)?.into_iter().map(|cid| Visit { cid, reach: Reach::All }).collect()),
        _ if cid.codec() != DAG_PB => Ok(Vec::new()),
        Reach::Entity(bytes) => {
            let node = dagpb::decode(block)?;
            let Some(Ok(data)) = node.data.map(UnixFs::decode) else { return Ok(Vec::new()) };
            match data.kind {
                Type::File | Type::Raw => {
                    let range = match bytes {
                        Some(bytes) => {
                            let size = data.checked_file_size(node.links.len())?;
                            let Some(range) = bytes.within(size) else { return Ok(Vec::new()) };
                            Some((range.start, range.end))
                        }
                        None => None,
                    };
                    parts_of_file(&node, &data, (0, range, 0))
                }
                Type::HamtShard => shards_below(&node, &data, Path::default()),
                Type::Directory | Type::Symlink => Ok(Vec::new()),
            }
        }
        Reach::File { begin, range, depth } => {
            let node = dagpb::decode(block)?;
            let data = node.data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode)?;
            parts_of_file(&node, &data, (begin, range, depth))
        }
        Reach::Shards(path) => {
            let node = dagpb::decode(block)?;
            let data = node.data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode)?;
            shards_below(&node, &data, path)
        }
    }
}

/// The children of a file's node that have a part of the range, by what the node says of their sizes.
fn parts_of_file(
    node: &dagpb::PbNode<'_>,
    data: &UnixFs<'_>,
    (begin, range, depth): (u64, Option<(u64, u64)>, usize),
) -> Result<Vec<Visit>, Malformed> {
    if depth >= limits::DEPTH {
        return Err(Malformed::TooDeep);
    }
    let next = |link: &dagpb::PbLink<'_>, begin| {
        let reach = Reach::File { begin, range, depth: depth + 1 };
        Visit { cid: link.cid, reach }
    };
    let Some((from, to)) = range else { return Ok(node.links.iter().map(|link| next(link, 0)).collect()) };
    if data.block_sizes.len() != node.links.len() {
        return Err(Malformed::Sizes);
    }
    let mut at = begin.saturating_add(data.data.len() as u64);
    let mut parts = Vec::new();
    for (link, size) in node.links.iter().zip(&data.block_sizes) {
        let end = at.saturating_add(*size);
        if at < to && end > from {
            parts.push(next(link, at));
        }
        at = end;
    }
    Ok(parts)
}

/// The shards below a shard.
fn shards_below(node: &dagpb::PbNode<'_>, data: &UnixFs<'_>, path: Path) -> Result<Vec<Visit>, Malformed> {
    let shape = Shape::of(data)?;
    let mut shards = Vec::new();
    for link in &node.links {
        if let (below, Slot::Shard) = path.read(shape, link.name.unwrap_or_default())? {
            shards.push(Visit { cid: link.cid, reach: Reach::Shards(below) });
        }
    }
    Ok(shards)
}

impl Read for CarReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.next_piece() {
                Ok(Some(piece)) => self.rest = piece,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let length = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
