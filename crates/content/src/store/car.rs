//! CAR files into the store.

use std::io::{BufReader, Read};

use cid::Cid;

use super::{Store, Visibility};
use crate::{
    Digest, Error, Result,
    address::digest_of,
    car::{Block, BlockReader, CarError},
};

/// How much is stored in one transaction of the index.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
const BATCH_BLOCKS: usize = 4096;
const READ_BYTES: usize = 1024 * 1024;

/// What an import brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarImport {
    /// The roots that the header names and that are here now, from the file or from before.
    pub roots: Vec<Cid>,
    /// The roots that the header names and that are neither in the file nor here.
    pub absent: Vec<Cid>,
    /// How many links of what was imported lead to what is neither in the file nor here. Not counted by
    /// [`Store::import_car`].
    pub missing: u64,
    /// The first of these.
    pub first_missing: Option<Cid>,
    /// Blocks in the file.
    pub blocks: u64,
    /// How many of them weren't held before.
    pub new_blocks: u64,
    /// Their bytes, known ones included.
    pub bytes: u64,
}

/// The room on the disk that an import may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CarRoom {
    /// What it leaves free for others.
    pub spare_bytes: u64,
    /// How long the file is, if that is known.
    pub announced_bytes: Option<u64>,
}

impl Store {
    /// Stores the blocks of a CAR file as they are, each checked against its CID. With [`Visibility::Public`] each
    /// block becomes public; nothing that was public becomes private.
    ///
    /// # Errors
    /// [`Error::Car`]; the blocks before the wrong one may have been stored, which does no harm.
    pub fn import_car(&self, source: impl Read, visibility: Visibility) -> Result<CarImport> {
        let mut batches = Batches::new(self, source, CarRoom::default())?;
        while let Some(batch) = batches.next()? {
            batches.put(&batch, |blocks| self.put_blocks(blocks, visibility))?;
        }
        batches.import()
    }

    fn put_blocks(&self, blocks: &[(Digest, bytes::Bytes)], visibility: Visibility) -> Result<u64> {
        let bytes = blocks.iter().map(|(_, block)| block.len() as u64).sum();
        self.inner.index.write_sized(bytes, |tables| {
            let mut fresh = 0;
            for (digest, block) in blocks {
                tables.refuse_erased(digest)?;
                self.touch([digest]);
                if visibility == Visibility::Public {
                    tables.publish(digest)?;
                }
                if !tables.in_public_blob(digest)? {
                    fresh += u64::from(tables.insert_node(digest, block)?);
                }
            }
            Ok(fresh)
        })
    }
}

/// The blocks of a CAR file, as many at a time as one transaction stores, each with the offset that it begins at.
pub(super) struct Batches<'a, R> {
    store: &'a Store,
    reader: BlockReader<BufReader<R>>,
    room: CarRoom,
    import: CarImport,
    /// Why there are no more blocks, until the blocks before have been taken.
    refused: Option<CarError>,
}

impl<'a, R: Read> Batches<'a, R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::NoRoom`] for a file that can't fit, before any of it is stored.
    pub(super) fn new(store: &'a Store, source: R, room: CarRoom) -> Result<Self> {
        store.ask_room(room.announced_bytes.unwrap_or_default(), room.spare_bytes)?;
        let reader = BlockReader::new(BufReader::with_capacity(READ_BYTES, source))?;
        Ok(Self { store, reader, room, import: CarImport::default(), refused: None })
    }

    /// The next blocks; `None` at the end. A wrong block is told only after those before it were given.
    pub(super) fn next(&mut self) -> Result<Option<Vec<(u64, Block)>>> {
        if let Some(error) = self.refused.take() {
            return Err(error.into());
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES && batch.len() < BATCH_BLOCKS {
            let offset = self.reader.offset();
            let block = match self.reader.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) if batch.is_empty() => return Err(error.into()),
                Err(error) => {
                    self.refused = Some(error);
                    break;
                }
            };
            self.import.blocks += 1;
            self.import.bytes += block.bytes.len() as u64;
            bytes += block.bytes.len();
            batch.push((offset, block));
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Stores blocks by `store`, which says how many were new.
    pub(super) fn put(
        &mut self,
        batch: &[(u64, Block)],
        store: impl FnOnce(&[(Digest, bytes::Bytes)]) -> Result<u64>,
    ) -> Result<()> {
        let bytes = batch.iter().map(|(_, block)| block.bytes.len() as u64).sum();
        self.store.ask_room(bytes, self.room.spare_bytes)?;
        let blocks = batch.iter().filter_map(|(_, block)| Some((block.digest?, block.bytes.clone())));
        self.import.new_blocks += store(&blocks.collect::<Vec<_>>()).map_err(|error| match error {
            Error::Erased(erased) => erased_in(batch, &erased),
            other => other,
        })?;
        Ok(())
    }

    /// What was imported, once all is stored.
    pub(super) fn import(mut self) -> Result<CarImport> {
        for root in self.reader.roots() {
            let roots = if self.store.holds(root)? { &mut self.import.roots } else { &mut self.import.absent };
            roots.push(*root);
        }
        Ok(self.import)
    }
}

/// Which of the blocks was erased, and where it stands.
fn erased_in(batch: &[(u64, Block)], erased: &Cid) -> Error {
    match batch.iter().find(|(_, block)| block.digest == digest_of(erased)) {
        Some((offset, block)) => CarError::Erased { offset: *offset, cid: Box::new(block.cid) }.into(),
        None => Error::Erased(*erased),
    }
}
