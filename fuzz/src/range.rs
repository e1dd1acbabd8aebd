//! `Range` headers: eight bytes of a file's size, then the header.

use super::ranges::{Wanted, wanted};

const MOST_PARTS: usize = 32;

pub fn run(bytes: &[u8]) {
    let (number, header) = bytes.split_at(bytes.len().min(8));
    let size_bytes = number.iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
    let ranges = match wanted(Some(&String::from_utf8_lossy(header)), size_bytes) {
        Wanted::Whole | Wanted::Unsatisfiable => return,
        Wanted::Part(range) => vec![range],
        Wanted::Parts(ranges) => {
            assert!((2..=MOST_PARTS).contains(&ranges.len()), "{}", ranges.len());
            ranges
        }
    };
    let mut end = 0;
    for range in ranges {
        assert!(range.len > 0 && range.start >= end, "{range:?} after byte {end}");
        end = range.start.checked_add(range.len).filter(|end| *end <= size_bytes).expect("within the file");
        assert!(range.content_range(size_bytes).starts_with(&format!("bytes {}-", range.start)));
    }
}
