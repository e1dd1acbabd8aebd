//! A file that redb may write to without changing it: what it writes stays in memory.
//!
//! Opening an index that wasn't closed properly repairs it in place. The index that a rebuild reads from is evidence, and
//! perhaps the only copy: nothing of it is overwritten.

use std::{
    collections::HashMap,
    fmt, io,
    ops::Bound,
    sync::{Mutex, PoisonError},
};

use redb::{BackendError, StorageBackend, backends::FileBackend};

const PAGE_BYTES: usize = 4096;

pub(super) struct Overlay {
    file: FileBackend,
    state: Mutex<State>,
}

struct State {
    /// Whole pages that were written, by their number.
    pages: HashMap<u64, Box<[u8]>>,
    length: u64,
    /// Where the file ends for us: what was cut off reads as zeros when the length grows again.
    readable: u64,
}

impl Overlay {
    pub(super) fn new(file: FileBackend) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, state: Mutex::new(State { pages: HashMap::new(), length, readable: length }) })
    }

    fn page_below(&self, state: &State, number: u64) -> io::Result<Box<[u8]>> {
        let mut page = vec![0; PAGE_BYTES].into_boxed_slice();
        let from = number * PAGE_BYTES as u64;
        let held = state.readable.saturating_sub(from).min(PAGE_BYTES as u64) as usize;
        if held > 0 {
            self.file.read(from, &mut page[..held])?;
        }
        Ok(page)
    }
}

/// The pages that a stretch touches: the number, the stretch within the page, and within the caller's bytes.
fn pages(offset: u64, length: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < length).then(|| {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES as u64) as usize;
            let part = (PAGE_BYTES - within).min(length - done);
            let range = done..done + part;
            done += part;
            (at / PAGE_BYTES as u64, within..within + part, range)
        })
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner).length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > state.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (number, within, range) in pages(offset, out.len()) {
            match state.pages.get(&number) {
                Some(page) => out[range].copy_from_slice(&page[within]),
                None => out[range].copy_from_slice(&self.page_below(&state, number)?[within]),
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if length < state.length {
            // Zeros follow, should it grow again.
            let (last, rest) = (length / PAGE_BYTES as u64, (length % PAGE_BYTES as u64) as usize);
            state.pages.retain(|number, _| *number <= last);
            if let Some(page) = state.pages.get_mut(&last) {
                page[rest..].fill(0);
            }
            state.readable = state.readable.min(length);
        }
        state.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, within, range) in pages(offset, data.len()) {
            if !state.pages.contains_key(&number) {
                let below = self.page_below(&state, number)?;
                state.pages.insert(number, below);
            }
            if let Some(page) = state.pages.get_mut(&number) {
                page[within].copy_from_slice(&data[range]);
            }
        }
        state.length = state.length.max(offset + data.len() as u64);
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    // The locks are the file's own: a process that has it open keeps us out, and we keep others out.

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overlay")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_file_stays_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &content).unwrap();
        let backend = FileBackend::new(file.reopen().unwrap()).unwrap();
        let overlay = Overlay::new(backend).unwrap();
        let mut expected = content.clone();
        overlay.write(4090, &[7; 5000]).unwrap();
        expected[4090..9090].fill(7);
        overlay.set_len(12_000).unwrap();
        expected.resize(12_000, 0);
        overlay.set_len(4100).unwrap();
        overlay.set_len(9000).unwrap();
        expected.truncate(4100);
        expected.resize(9000, 0);
        let mut read = vec![1; 9000];
        overlay.read(0, &mut read).unwrap();
        assert!(read == expected);
        assert!(overlay.read(8999, &mut [0; 2]).is_err());
        assert!(std::fs::read(file.path()).unwrap() == content);
    }
}
