//! CAR files out of the store: a DAG or a part of it, depth first.
//!
//! What always holds: a block which isn't held, isn't admitted or is known to be damaged ends the file with an error, so
//! that no reader takes it for whole. Each block is checked against its hash as it is sent, unless that is left to the
//! reader ([`CarOptions::unchecked`]), who does the same with any source. Memory is a block, 64 bytes for each link that is
//! still to be followed, and 16 for each block that was sent.

mod visit;

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Read},
    vec,
};

use bytes::{Buf, Bytes};
use cid::Cid;

use super::{End, FileReader, Gate, Store, Walk};
use crate::{
    Error, Result,
    address::{Digest, RAW, digest_of, identity_data, sha256},
    car::{self, EntityBytes},
    limits,
};
use visit::{Pending, Reach};

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
        let (reach, asked) = match options.scope {
            Scope::Block => (Reach::Block, None),
            Scope::Entity(asked) => (Reach::Entity, asked),
            Scope::All => (Reach::All, None),
        };
        let start = match walk.end {
            End::Found(cid) => Some((cid, reach)),
            End::Inside(cid) if reach == Reach::All => Some((cid, reach)),
            End::Inside(cid) => Some((cid, Reach::Block)),
            End::Absent | End::Closed(_) => None,
        };
        let root = start.map_or_else(car::no_root, |(cid, _)| cid);
        CarReader {
            store: self.clone(),
            root,
            options,
            path: walk.blocks.clone().into_iter(),
            pending: Pending::new(start, asked),
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
    pending: Pending,
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
            let Some((cid, reach)) = self.next_visit() else { return Ok(None) };
            if let Err(error) = self.visit(&cid, reach) {
                (self.path, self.pending) = (Vec::new().into_iter(), Pending::default());
                return Err(error);
            }
        }
    }

    /// What it has given so far.
    pub fn stats(&self) -> CarStats {
        self.sent
    }

    fn next_visit(&mut self) -> Option<(Cid, Reach)> {
        let on_the_way = self.path.next().map(|cid| (cid, Reach::Block));
        on_the_way.or_else(|| self.pending.next().map(|visit| (visit.cid.into(), visit.reach)))
    }

    fn visit(&mut self, cid: &Cid, reach: Reach) -> Result<()> {
        self.visited += 1;
        if self.visited > self.options.max_blocks {
            return Err(Error::DagTooLarge(self.root));
        }
        let is_new = match digest_of(cid) {
            // The bytes of an identity CID stand in its parent already.
            None => false,
            Some(digest) => self.options.duplicates || self.seen.insert(key_of(cid, &digest)),
        };
        // What is below a block that was sent was sent with it, but for other parts of the same file.
        let goes_on = is_new || identity_data(cid).is_some() || matches!(reach, Reach::File { .. });
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
        self.pending.add_below(cid, reach, &block).map_err(Error::malformed(cid))?;
        if self.pending.len() > limits::LINKS_PENDING {
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
            Some(digest) if !self.options.unchecked && sha256(&block) != digest => {
                if let Err(error) = self.store.note_wrong_leaf(&digest) {
                    tracing::warn!(%cid, %error, "a stored block has another hash now, which can't be noted");
                }
                Err(Error::Damaged(*cid))
            }
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
