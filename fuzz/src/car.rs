//! CAR files: as the bytes are, or made of blocks with right hashes and then spoilt in one place.

use std::io::{self, Read};

use cid::Cid;
use pinreel_content::car::{self, Block, BlockReader, CarError};
use pinreel_content::{DAG_CBOR, DAG_PB, RAW, limits, raw_cid, sha256};

use super::input::Input;

pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mode = input.byte();
    if mode == 0 {
        check(input.0);
        return;
    }
    let mut file = made(&mut input);
    if mode == 1 {
        let (blocks, error) = check(&file);
        assert!(error.is_none(), "{blocks} good blocks, then {error:?}");
        return;
    }
    let place = input.number() as usize % file.len();
    if mode % 2 == 0 {
        file.truncate(place)
    } else {
        file[place] ^= mode
    }
    check(&file);
}

/// A file of blocks whose hashes are right.
fn made(input: &mut Input<'_>) -> Vec<u8> {
    let mut blocks = Vec::new();
    for _ in 0..input.index(16) {
        let codec = [RAW, DAG_PB, DAG_CBOR][input.index(3)];
        let bytes = input.bytes();
        blocks.push((Cid::new_v1(codec, *raw_cid(sha256(bytes)).hash()), bytes));
    }
    let roots: Vec<Cid> = blocks.iter().map(|(cid, _)| *cid).take(input.index(4)).collect();
    let mut file = car::header(&roots);
    blocks.iter().for_each(|(cid, block)| file.extend(car::frame(cid, block)));
    file
}

/// Reads a file at once and in small pieces, which must give the same; how many good blocks there are, and the error.
fn check(file: &[u8]) -> (usize, Option<CarError>) {
    let (roots, blocks, error) = read(file);
    let (roots_again, blocks_again, error_again) = read(Trickle(file));
    assert_eq!((&roots, blocks.len()), (&roots_again, blocks_again.len()));
    assert_eq!(error.as_ref().map(ToString::to_string), error_again.map(|error| error.to_string()));
    for block in &blocks {
        assert!(block.bytes.len() <= limits::BLOCK_BYTES);
        match block.digest {
            Some(digest) => assert_eq!(sha256(&block.bytes), digest),
            None => assert_eq!(block.cid.hash().digest(), &block.bytes[..]),
        }
    }
    let mut again = car::header(&roots);
    blocks.iter().for_each(|block| again.extend(car::frame(&block.cid, &block.bytes)));
    let (roots_again, blocks_again, error_again) = read(&again[..]);
    assert!(error_again.is_none() && roots_again == roots && blocks_again.len() == blocks.len());
    (blocks.len(), error)
}

fn read(source: impl Read) -> (Vec<Cid>, Vec<Block>, Option<CarError>) {
    let mut reader = match BlockReader::new(source) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Vec::new(), Some(error)),
    };
    let mut blocks = Vec::new();
    loop {
        let before = reader.offset();
        match reader.next_block() {
            Ok(Some(block)) => {
                assert!(reader.offset() >= before + block.bytes.len() as u64);
                blocks.push(block);
            }
            Ok(None) => return (reader.roots().to_vec(), blocks, None),
            Err(error) => return (reader.roots().to_vec(), blocks, Some(error)),
        }
    }
}

/// Gives three bytes at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(3);
        self.0.read(&mut buffer[..length])
    }
}
