//! Taking in the DAGs of a CAR file: all of what its roots lead to, and nothing else.
//!
//! Each block is checked and stored while the file is read, private and without a pin. Only at the end is it known whether
//! every block is led to by a root: a file may bring its blocks in any order. Then the roots are published and pinned. A
//! file that is refused has changed nothing that anybody sees: what was good in it stays as private blocks that no pin
//! leads to, so that another try is quick, and a collection removes them.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use cid::{Cid, Version};

use super::{
    CarImport, Pin, Store,
    car::{Batches, CarRoom},
};
use crate::{
    Digest, Error, Result,
    address::{RAW, digest_of, raw_cid},
    car::CarError,
    limits,
    links::links_of,
};

/// Where a block was in the file, and under which CID.
struct Place {
    offset: u64,
    codec: u64,
    version: Version,
    /// Whether a root led to it.
    asked: bool,
}

/// The blocks of a file.
type Places = HashMap<Digest, Place>;

impl Place {
    fn cid(&self, digest: &Digest) -> Box<Cid> {
        let hash = *raw_cid(*digest).hash();
        // A CIDv0 is always dag-pb.
        Box::new(Cid::new(self.version, self.codec, hash).unwrap_or_else(|_| Cid::new_v1(self.codec, hash)))
    }
}

impl Store {
    /// Stores the DAGs of a CAR file, publishes its roots and pins them as `pin` says (its `cid` is of no account). Roots
    /// whose blocks aren't there are left out: their names alone keep nothing.
    ///
    /// # Errors
    /// [`Error::Car`] with the offset and the CID; [`Error::NoRoom`] before the disk is full, [`Error::DiskFull`].
    pub fn import_dags(&self, source: impl Read, pin: &Pin, room: CarRoom) -> Result<CarImport> {
        let mut places = Places::new();
        let mut batches = Batches::new(self, source, room)?;
        while let Some(batch) = batches.next()? {
            for (offset, block) in &batch {
                let Some(digest) = block.digest else { continue };
                let (codec, version) = (block.cid.codec(), block.cid.version());
                places.entry(digest).or_insert(Place { offset: *offset, codec, version, asked: false });
            }
            batches.put(&batch, |blocks| self.put_own_nodes(blocks))?;
        }
        let mut import = batches.import()?;
        let roots: Vec<Cid> = import.roots.iter().chain(&import.absent).copied().collect();
        self.ask_for(&roots, &mut places, |missing| {
            import.missing += 1;
            import.first_missing.get_or_insert(missing);
        })?;
        let unasked = places.iter().filter(|(_, place)| !place.asked);
        if let Some((digest, place)) = unasked.min_by_key(|(_, place)| place.offset) {
            return Err(CarError::Unasked { offset: place.offset, cid: place.cid(digest) }.into());
        }
        self.keep(places.into_keys(), &import.roots, pin)?;
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
            self.publish(root)?;
            self.pin(&Pin { cid: *root, ..pin.clone() })?;
        }
        Ok(())
    }

    /// Notes what the roots lead to, by what is in the file and what was here before; `lacks` hears of what is neither.
    ///
    /// # Errors
    /// A block on the way that can't be decoded: [`CarError::Malformed`], or [`Error::Malformed`] when it was here before.
    fn ask_for(&self, roots: &[Cid], places: &mut Places, mut lacks: impl FnMut(Cid)) -> Result<()> {
        let mut stack = roots.to_vec();
        let mut followed = HashSet::new();
        while let Some(cid) = stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            let place = places.get_mut(&digest);
            let offset = place.map(|place| {
                place.asked = true;
                place.offset
            });
            if !followed.insert((digest, cid.codec() == RAW)) {
                continue;
            }
            if cid.codec() == RAW {
                if offset.is_none() && !self.holds(&cid)? && !roots.contains(&cid) {
                    lacks(cid);
                }
                continue;
            }
            if followed.len() > limits::BLOCKS_PER_WALK {
                return Err(Error::DagTooLarge(cid));
            }
            let Some(block) = self.block(&cid)? else {
                // Roots that aren't here are told by themselves.
                if !roots.contains(&cid) {
                    lacks(cid);
                }
                continue;
            };
            match (links_of(&cid, &block), offset) {
                (Ok(links), _) => stack.extend(links),
                (Err(reason), Some(offset)) => {
                    return Err(CarError::Malformed { offset, cid: Box::new(cid), reason }.into());
                }
                (Err(reason), None) => return Err(Error::Malformed { cid, reason }),
            }
        }
        Ok(())
    }
}
