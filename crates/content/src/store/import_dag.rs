//! Taking in the DAGs of a CAR file: all of what its roots lead to, and nothing else.
//!
//! Each block is checked and stored while the file is read, private and without a pin. Only at the end is it known whether
//! every block is led to by a root: a file may bring its blocks in any order. Then the roots are published and pinned. A
//! file that is refused has changed nothing that anybody sees: what was good in it stays as private blocks that no pin
//! leads to, so that another try is quick, and a collection removes them.

use std::{
    collections::{HashMap, HashSet},
    io::{BufReader, Read},
};

use cid::Cid;

use super::{CarImport, Pin, Store};
use crate::{
    Digest, Error, Result,
    address::{RAW, digest_of, raw_cid},
    car::{Block, BlockReader, CarError},
    limits,
    links::links_of,
};

/// How much is stored in one transaction of the index.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
const BATCH_BLOCKS: usize = 4096;
const READ_BYTES: usize = 1024 * 1024;

/// The blocks of a file: where each was and its codec; `None` once a root led to it.
type Unasked = HashMap<Digest, Option<(u64, u64)>>;

impl Store {
    /// Stores the DAGs of a CAR file, publishes its roots and pins them as `pin` says (its `cid` is of no account). Roots
    /// whose blocks aren't there are left out: their names alone keep nothing.
    ///
    /// # Errors
    /// [`Error::Car`] with the offset and the CID; [`Error::Erased`], [`Error::DiskFull`].
    pub fn import_dags(&self, source: impl Read, pin: &Pin) -> Result<CarImport> {
        let mut reader = BlockReader::new(BufReader::with_capacity(READ_BYTES, source))?;
        let roots = reader.roots().to_vec();
        let mut import = CarImport { roots: roots.clone(), ..CarImport::default() };
        let (mut batch, mut batch_bytes, mut unasked): (Vec<Block>, _, Unasked) = (Vec::new(), 0, HashMap::new());
        loop {
            let offset = reader.offset();
            let Some(block) = reader.next_block()? else { break };
            import.blocks += 1;
            import.bytes += block.bytes.len() as u64;
            batch_bytes += block.bytes.len();
            if let Some(digest) = block.digest {
                unasked.entry(digest).or_insert(Some((offset, block.cid.codec())));
            }
            batch.push(block);
            if batch_bytes >= BATCH_BYTES || batch.len() >= BATCH_BLOCKS {
                import.new_blocks += self.put_batch(&batch)?;
                batch.clear();
                batch_bytes = 0;
            }
        }
        import.new_blocks += self.put_batch(&batch)?;
        drop(batch);
        self.ask_for(&roots, &mut unasked)?;
        if let Some(((offset, codec), digest)) = unasked.iter().filter_map(|(key, at)| Some(((*at)?, key))).min() {
            let cid = Box::new(Cid::new_v1(codec, *raw_cid(*digest).hash()));
            return Err(CarError::Unasked { offset, cid }.into());
        }
        self.keep(unasked.into_keys(), &roots, pin)?;
        Ok(import)
    }

    fn keep(&self, blocks: impl Iterator<Item = Digest>, roots: &[Cid], pin: &Pin) -> Result<()> {
        let blocks: Vec<Digest> = blocks.collect();
        // A collection that ran while a long file was read may have taken its first blocks; none does from here on.
        self.touch(&blocks);
        let index = self.inner.index.read()?;
        for digest in &blocks {
            if !index.holds(digest)? {
                return Err(Error::BlockMissing(raw_cid(*digest)));
            }
        }
        for root in roots {
            if self.holds(root)? {
                self.publish(root)?;
                self.pin(&Pin { cid: *root, ..pin.clone() })?;
            }
        }
        Ok(())
    }

    fn put_batch(&self, blocks: &[Block]) -> Result<u64> {
        let blocks = blocks.iter().filter_map(|block| Some((block.digest?, block.bytes.clone())));
        self.put_own_nodes(&blocks.collect::<Vec<_>>())
    }

    /// Crosses out what the roots lead to, by what is in the file and what was here before.
    fn ask_for(&self, roots: &[Cid], unasked: &mut Unasked) -> Result<()> {
        let mut stack = roots.to_vec();
        let mut followed = HashSet::new();
        while let Some(cid) = stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            if let Some(offset) = unasked.get_mut(&digest) {
                *offset = None;
            }
            if cid.codec() == RAW || !followed.insert(digest) {
                continue;
            }
            if followed.len() > limits::BLOCKS_PER_WALK {
                return Err(Error::DagTooLarge(cid));
            }
            if let Some(block) = self.block(&cid)? {
                // What can't be decoded leads nowhere; publishing says so if a root leads to it.
                stack.extend(links_of(&cid, &block).unwrap_or_default());
            }
        }
        Ok(())
    }
}
