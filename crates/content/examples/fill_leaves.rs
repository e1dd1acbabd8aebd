//! Gives a stopped store's index as many entries of leaves as an archive of a terabyte has: `fill_leaves DIR COUNT`. For
//! the benchmark of a cold start only; the entries name leaves that nothing has.

use std::{error::Error, path::PathBuf};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use redb::{Database, TableDefinition};

const LEAVES: TableDefinition<&[u8; 36], u32> = TableDefinition::new("leaves");
/// The number of a blob that no store reaches.
const NO_BLOB: u32 = u32::MAX;
const AT_ONCE: u32 = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, count] = &arguments[..] else { return Err("usage: fill_leaves DIR COUNT".into()) };
    let count: u32 = count.parse()?;
    let index = Database::open(PathBuf::from(dir).join("index.redb"))?;
    let mut random = ChaCha20Rng::seed_from_u64(7);
    for from in (0..count).step_by(AT_ONCE as usize) {
        let transaction = index.begin_write()?;
        {
            let mut leaves = transaction.open_table(LEAVES)?;
            for number in from..count.min(from + AT_ONCE) {
                let mut key = [0; 36];
                random.fill_bytes(&mut key[..32]);
                key[32..].copy_from_slice(&NO_BLOB.to_be_bytes());
                leaves.insert(&key, number)?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}
