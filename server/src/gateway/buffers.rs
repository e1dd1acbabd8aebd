//! Buffers for file bytes on their way out, used again and again: a fresh one for each piece would cost more in cleared
//! memory than the read itself.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// For readers who take their time: a thousand of them hold 32 MiB.
pub const SMALLEST: usize = 32 << 10;
/// Larger ones only cost memory.
pub const LARGEST: usize = 256 << 10;
/// Sizes of buffers, and how many of each are kept.
const CLASSES: [(usize, usize); 3] = [(SMALLEST, 512), (64 << 10, 128), (LARGEST, 64)];

static FREE: [Mutex<Vec<Vec<u8>>>; 3] = [const { Mutex::new(Vec::new()) }; 3];

/// A buffer of at least the size that was asked for; it goes back when dropped.
pub struct Buffer {
    bytes: Vec<u8>,
    class: usize,
    length: usize,
}

impl Buffer {
    /// Of `length` bytes, [`LARGEST`] at most; what they are is left over from others of this process.
    pub fn take(length: usize) -> Self {
        let class = CLASSES.iter().position(|(size, _)| *size >= length).unwrap_or(CLASSES.len() - 1);
        let free = FREE[class].lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; CLASSES[class].0]);
        Self { bytes, class, length: length.min(CLASSES[class].0) }
    }

    pub fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// Its first bytes, to be sent.
    pub fn into_bytes(mut self, length: usize) -> Bytes {
        self.length = self.length.min(length);
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = FREE[self.class].lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < CLASSES[self.class].1 {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_have_the_size_that_was_asked_for_and_come_again() {
        for length in [0, 1, SMALLEST, SMALLEST + 1, 64 << 10, LARGEST, LARGEST + 1] {
            let mut buffer = Buffer::take(length);
            assert_eq!(buffer.as_mut().len(), length.min(LARGEST));
            let sent = length.min(100);
            buffer.as_mut()[..sent].fill(7);
            assert_eq!(buffer.into_bytes(sent), vec![7; sent]);
        }
    }
}
