//! How fast a reader takes what it is sent: who is slow holds each piece as long as it likes, so only the fast get large
//! ones.

use std::time::Instant;

/// After so much, what was taken says how fast a reader is: less fits into the kernel's buffers on the way.
const PACED_BYTES: u64 = 1 << 20;
/// Who takes so much a second is fast.
const FAST_BYTES_PER_SECOND: f64 = (8 << 20) as f64;

pub struct Pace {
    begun: Instant,
    taken_bytes: u64,
}

impl Pace {
    pub fn new() -> Self {
        Self { begun: Instant::now(), taken_bytes: 0 }
    }

    pub fn take(&mut self, bytes: usize) {
        self.taken_bytes += bytes as u64;
    }

    pub fn is_fast(&self) -> bool {
        let taken = self.taken_bytes;
        taken >= PACED_BYTES && taken as f64 >= self.begun.elapsed().as_secs_f64() * FAST_BYTES_PER_SECOND
    }
}
