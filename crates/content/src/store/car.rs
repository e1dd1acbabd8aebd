//! CAR files into the store.

use std::io::{BufReader, Read};

use cid::Cid;

use super::{Store, Visibility};
use crate::{
    Result,
    car::{Block, BlockReader},
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
}
