//! Following a path of names from a root: through folders (sharded ones like any other), DAG-CBOR
//! and DAG-JSON.

use std::{fmt, sync::Arc};

use cid::Cid;

use super::Store;
use crate::{
    Error, Result,
    address::DAG_PB,
    data::{self, Met},
    limits,
};

type Admits = dyn Fn(&Cid) -> Result<bool> + Send + Sync;

/// Decides, block by block, what may be given to whoever asks. What isn't admitted looks like what isn't held.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<Admits>>);

impl Gate {
    /// A gate that asks for each block.
    pub fn new(admits: impl Fn(&Cid) -> Result<bool> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(admits)))
    }

    /// Whether a block may be given.
    pub fn admits(&self, cid: &Cid) -> Result<bool> {
        self.0.as_ref().map_or(Ok(true), |admits| admits(cid))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Gate(asking)" } else { "Gate(open)" })
    }
}

/// How far a path led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The blocks that show the way, in order, the shards of folders too; without the block that [`Walk::end`] names
    /// as found.
    pub blocks: Vec<Cid>,
    /// The root, and for each name that was found the block it led to: one more than names were found.
    pub reached: Vec<Cid>,
    pub end: End,
}

/// What is at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The whole path names this block, which is held.
    Found(Cid),
    /// The whole path names a value inside this block that isn't a link.
    Inside(Cid),
    /// The last of [`Walk::blocks`] doesn't have the next name.
    Absent,
    /// This block isn't held, or isn't admitted.
    Closed(Cid),
}

impl Store {
    /// Follows names from a root.
    ///
    /// # Errors
    /// [`Error::Malformed`] when a block on the way can't be read.
    pub fn walk_path<S: AsRef<str>>(&self, root: &Cid, names: &[S], gate: &Gate) -> Result<Walk> {
        let mut walk = Walk { blocks: Vec::new(), reached: vec![*root], end: End::Absent };
        let mut cid = *root;
        let mut rest = &names[..names.len().min(limits::PATH_SEGMENTS + 1)];
        loop {
            if !gate.admits(&cid)? || !self.holds(&cid)? {
                walk.end = End::Closed(cid);
                return Ok(walk);
            }
            if rest.is_empty() {
                walk.end = End::Found(cid);
                return Ok(walk);
            }
            let (met, shards) = match self.meet(&cid, rest, gate)? {
                Ok(met) => met,
                Err(closed) => {
                    walk.end = End::Closed(closed);
                    return Ok(walk);
                }
            };
            let (found, next) = match met {
                Met::Link { cid, names } => (names, Some(*cid)),
                Met::Value => {
                    walk.reached.extend(std::iter::repeat_n(cid, rest.len()));
                    walk.end = End::Inside(cid);
                    return Ok(walk);
                }
                Met::Nothing { names } => (names, None),
            };
            walk.blocks.push(cid);
            walk.blocks.extend(shards);
            // Names that stay within a block are found in it; the last one leads on, if it leads anywhere.
            walk.reached.extend(std::iter::repeat_n(cid, found.saturating_sub(usize::from(next.is_some()))));
            let Some(next) = next else { return Ok(walk) };
            walk.reached.push(next);
            cid = next;
            rest = &rest[found..];
        }
    }

    /// What the names meet in one node, for a sharded folder also the shards that were read; `Err` with a block that
    /// isn't held or isn't admitted.
    fn meet<S: AsRef<str>>(&self, cid: &Cid, names: &[S], gate: &Gate) -> Result<Result<(Met, Vec<Cid>), Cid>> {
        if cid.codec() != DAG_PB {
            let Some(block) = self.block(cid)? else { return Ok(Err(*cid)) };
            let met = data::follow(cid, &block, names).map_err(Error::malformed(cid))?;
            return Ok(Ok((met.unwrap_or(Met::Nothing { names: 0 }), Vec::new())));
        }
        let search = self.search(cid, names.first().map_or("", AsRef::as_ref))?;
        for shard in &search.shards {
            if search.missing == Some(*shard) || !gate.admits(shard)? {
                return Ok(Err(*shard));
            }
        }
        Ok(match (search.entry, search.missing) {
            (_, Some(missing)) => Err(missing),
            (Some((child, _)), None) => Ok((Met::Link { cid: Box::new(child), names: 1 }, search.shards)),
            (None, None) => Ok((Met::Nothing { names: 0 }, search.shards)),
        })
    }
}
