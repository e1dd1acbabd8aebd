//! What a walk has still to visit, and what is below a block.
//!
//! Whoever asks for a CAR file and doesn't read it holds these as long as it likes, so a link to be followed is kept in
//! 64 bytes, and only once.

use std::ops::Range;

use cid::Cid;

use crate::{
    Malformed,
    address::{DAG_PB, PackedCid},
    car::EntityBytes,
    dagpb,
    hamt::{Path, Shape, Slot},
    limits,
    links::each_link,
    unixfs::{Type, UnixFs},
};

/// A block to be visited.
pub struct Visit {
    pub cid: PackedCid,
    pub reach: Reach,
}

const _: () = assert!(size_of::<Visit>() <= 64);

/// How far a visit goes on below its block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Block,
    All,
    /// The end of a path, of which it isn't known yet what it is.
    Entity,
    /// A file's node whose own bytes begin at `begin`.
    File {
        begin: u64,
        depth: usize,
    },
    /// A shard at this place of a folder, and the shards below it.
    Shards(Path),
}

/// The links still to be followed, the next one last.
#[derive(Default)]
pub struct Pending {
    visits: Vec<Visit>,
    /// The part of a file that is wanted.
    asked: Option<EntityBytes>,
    /// Which bytes these are, once the file's size is known; all where `None`.
    part: Option<Range<u64>>,
}

impl Pending {
    pub fn new(start: Option<(Cid, Reach)>, asked: Option<EntityBytes>) -> Self {
        let visits = start.map(|(cid, reach)| Visit { cid: cid.into(), reach });
        Self { visits: Vec::from_iter(visits), asked, part: None }
    }

    pub fn len(&self) -> usize {
        self.visits.len()
    }

    pub fn next(&mut self) -> Option<Visit> {
        self.visits.pop()
    }

    /// Adds what is to be visited below a block, in order.
    pub fn add_below(&mut self, cid: &Cid, reach: Reach, block: &[u8]) -> Result<(), Malformed> {
        let first = self.visits.len();
        match reach {
            Reach::Block => {}
            Reach::All => each_link(cid, block, |cid| self.add(&cid, Reach::All))?,
            _ if cid.codec() != DAG_PB => {}
            Reach::Entity => self.add_of_entity(block)?,
            Reach::File { begin, depth } => {
                let (node, data) = decode(block)?;
                self.add_parts(&node, &data, begin, depth)?;
            }
            Reach::Shards(path) => {
                let (node, data) = decode(block)?;
                self.add_shards(&node, &data, path)?;
            }
        }
        self.visits[first..].reverse();
        Ok(())
    }

    fn add(&mut self, cid: &Cid, reach: Reach) {
        self.visits.push(Visit { cid: (*cid).into(), reach });
    }

    fn add_of_entity(&mut self, block: &[u8]) -> Result<(), Malformed> {
        let node = dagpb::decode(block)?;
        let Some(Ok(data)) = node.data.map(UnixFs::decode) else { return Ok(()) };
        match data.kind {
            Type::File | Type::Raw => {
                if let Some(asked) = self.asked {
                    let Some(part) = asked.within(data.checked_file_size(node.links.len())?) else { return Ok(()) };
                    self.part = Some(part);
                }
                self.add_parts(&node, &data, 0, 0)
            }
            Type::HamtShard => self.add_shards(&node, &data, Path::default()),
            Type::Directory | Type::Symlink => Ok(()),
        }
    }

    /// Adds the children of a file's node that have a part of what is wanted, by what the node says of their sizes.
    fn add_parts(
        &mut self,
        node: &dagpb::PbNode<'_>,
        data: &UnixFs<'_>,
        begin: u64,
        depth: usize,
    ) -> Result<(), Malformed> {
        if depth >= limits::DEPTH {
            return Err(Malformed::TooDeep);
        }
        let depth = depth + 1;
        let Some(part) = self.part.clone() else {
            node.links.iter().for_each(|link| self.add(&link.cid, Reach::File { begin: 0, depth }));
            return Ok(());
        };
        if data.block_sizes.len() != node.links.len() {
            return Err(Malformed::Sizes);
        }
        let mut end = begin.saturating_add(data.data.len() as u64);
        for (link, size) in node.links.iter().zip(&data.block_sizes) {
            let begin = end;
            end = begin.saturating_add(*size);
            if begin < part.end && end > part.start {
                self.add(&link.cid, Reach::File { begin, depth });
            }
        }
        Ok(())
    }

    /// Adds the shards below a shard.
    fn add_shards(&mut self, node: &dagpb::PbNode<'_>, data: &UnixFs<'_>, path: Path) -> Result<(), Malformed> {
        let shape = Shape::of(data)?;
        for link in &node.links {
            if let (below, Slot::Shard) = path.read(shape, link.name.unwrap_or_default())? {
                self.add(&link.cid, Reach::Shards(below));
            }
        }
        Ok(())
    }
}

fn decode(block: &[u8]) -> Result<(dagpb::PbNode<'_>, UnixFs<'_>), Malformed> {
    let node = dagpb::decode(block)?;
    let data = node.data.ok_or(Malformed::NoUnixFs).and_then(UnixFs::decode)?;
    Ok((node, data))
}
