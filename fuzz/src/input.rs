//! Choices out of a fuzzer's bytes. When they end, all further choices are zero.

pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// At most `length` bytes.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Some bytes, their length first.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = self.byte().into();
        self.take(length)
    }

    /// A number: one of those at which arithmetic breaks, or any.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..=199 => byte.into(),
            byte @ 200..=231 => (1 << (2 * (byte - 200))) - 1,
            byte @ 232..=247 => u64::MAX - u64::from(byte - 232),
            _ => self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }

    /// One of `count`.
    pub fn index(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }
}
