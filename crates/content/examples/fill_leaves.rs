//! Gives a stopped store's index as many entries of leaves as an archive of a terabyte has: `fill_leaves DIR COUNT`. For
//! the benchmark of a cold start only; the entries name leaves that nothing has.
#![allow(clippy::unwrap_used)]

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use redb::{Database, TableDefinition};

const LEAVES: TableDefinition<&[u8; 36], u32> = TableDefinition::new("leaves");
/// The number of a blob that no store reaches.
const NO_BLOB: u32 = u32::MAX;
const AT_ONCE: u32 = 50_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (dir, count) = (arguments.next().unwrap(), arguments.next().unwrap().parse::<u32>().unwrap());
    let index = Database::open(std::path::Path::new(&dir).join("index.redb")).unwrap();
    let mut random = ChaCha20Rng::seed_from_u64(7);
    for from in (0..count).step_by(AT_ONCE as usize) {
        let transaction = index.begin_write().unwrap();
        {
            let mut leaves = transaction.open_table(LEAVES).unwrap();
            for number in from..count.min(from + AT_ONCE) {
                let mut key = [0; 36];
                random.fill_bytes(&mut key[..32]);
                key[32..].copy_from_slice(&NO_BLOB.to_be_bytes());
                leaves.insert(&key, number).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
