//! CAR files in and out of the store.

use std::{
    collections::HashSet,
    io::{self, BufReader, Read},
};

use bytes::{Buf, Bytes};
use cid::Cid;

use super::{Store, Visibility};
use crate::{
    Digest, Error, Result,
    address::{digest_of, sha256},
    car::{self, Block, BlockReader},
    limits,
    links::links_of,
};

/// How much is stored in one transaction of the index.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
const BATCH_BLOCKS: usize = 4096;

/// What an import brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarImport {
    /// The roots that the header named.
    pub roots: Vec<Cid>,
    /// Blocks in the file.
    pub blocks: u64,
    /// How many of them weren't held before.
    pub new_blocks: u64,
    /// Their bytes, known ones included.
    pub bytes: u64,
}

impl Store {
    /// Stores the blocks of a CAR file as they are, each checked against its CID. With [`Visibility::Public`] each
    /// block becomes public; nothing that was public becomes private.
    ///
    /// # Errors
    /// [`Error::Car`]; the blocks before the wrong one may have been stored, which does no harm.
    pub fn import_car(&self, source: impl Read, visibility: Visibility) -> Result<CarImport> {
        let mut reader = BlockReader::new(BufReader::with_capacity(256 * 1024, source))?;
        let mut import = CarImport { roots: reader.roots().to_vec(), ..CarImport::default() };
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        while let Some(block) = reader.next_block()? {
            import.blocks += 1;
            import.bytes += block.bytes.len() as u64;
            batch_bytes += block.bytes.len();
            batch.push(block);
            if batch_bytes >= BATCH_BYTES || batch.len() >= BATCH_BLOCKS {
                import.new_blocks += self.put_blocks(&batch, visibility)?;
                batch.clear();
                batch_bytes = 0;
            }
        }
        import.new_blocks += self.put_blocks(&batch, visibility)?;
        Ok(import)
    }

    fn put_blocks(&self, blocks: &[Block], visibility: Visibility) -> Result<u64> {
        self.inner.index.write(|tables| {
            let mut fresh = 0;
            for block in blocks {
                let Some(digest) = &block.digest else { continue };
                tables.refuse_erased(digest)?;
                self.touch([digest]);
                if visibility == Visibility::Public {
                    tables.publish(digest)?;
                }
                if !tables.in_public_blob(digest)? {
                    fresh += u64::from(tables.insert_node(digest, &block.bytes)?);
                }
            }
            Ok(fresh)
        })
    }

    /// A root's whole DAG as a CAR file, written while it is read: depth first, each block once, each checked.
    pub fn car(&self, root: &Cid) -> CarReader {
        CarReader {
            store: self.clone(),
            root: *root,
            stack: vec![*root],
            seen: HashSet::new(),
            ready: car::header(&[*root]).into(),
        }
    }
}

/// A CAR file as a stream; memory is a block, and 32 bytes for each block that was sent.
pub struct CarReader {
    store: Store,
    root: Cid,
    stack: Vec<Cid>,
    seen: HashSet<Digest>,
    ready: Bytes,
}

impl CarReader {
    /// The next piece of the file (the header, then a block each), or `None` at the end.
    ///
    /// # Errors
    /// [`Error::BlockMissing`], and [`Error::Damaged`] for a block that no longer has its hash.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>> {
        if !self.ready.is_empty() {
            return Ok(Some(std::mem::take(&mut self.ready)));
        }
        while let Some(cid) = self.stack.pop() {
            let Some(digest) = digest_of(&cid) else { continue };
            if !self.seen.insert(digest) {
                continue;
            }
            if self.seen.len() > limits::BLOCKS_PER_WALK {
                return Err(Error::DagTooLarge(self.root));
            }
            let block = self.store.block(&cid)?.ok_or(Error::BlockMissing(cid))?;
            if sha256(&block) != digest {
                return Err(Error::Damaged(cid));
            }
            let links = links_of(&cid, &block).map_err(Error::malformed(&cid))?;
            self.stack.extend(links.into_iter().rev());
            return Ok(Some(car::frame(&cid, &block).into()));
        }
        Ok(None)
    }
}

impl Read for CarReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            match self.next_piece() {
                Ok(Some(piece)) => self.ready = piece,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let length = buffer.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
