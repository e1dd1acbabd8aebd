//! A file's bytes where the page cache has them. Hashing them out of a buffer of one's own costs a sixth more: the copy.
//!
//! Whoever reads mapped bytes of a file that becomes shorter, or that the disk can't give, gets a SIGBUS. What always
//! holds: for reads through [`Mapped::read`] it ends no process. The handler puts a page of zeros in the place, and the
//! mapping is broken from then on, so that no read of it counts any more and its caller reads the file by other means,
//! which gives the error its name. Any other SIGBUS goes to who would have had it.
#![allow(unsafe_code)]

use std::{
    cell::Cell,
    ffi::{c_int, c_void},
    fs::File,
    mem::MaybeUninit,
    ptr, slice,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering, compiler_fence},
    },
};

use rustix::{
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap},
    param::page_size,
};

/// A file's first bytes.
pub(crate) struct Mapped {
    begin: usize,
    length: usize,
    page: usize,
    broken: AtomicBool,
}

thread_local! {
    /// What this thread reads just now.
    static READING: Cell<*const Mapped> = const { Cell::new(ptr::null()) };
}

/// While it lives, this thread's SIGBUS within the mapping is ours.
struct Reading;

impl Reading {
    fn of(mapped: &Mapped) -> Self {
        READING.set(mapped);
        compiler_fence(Ordering::SeqCst);
        Self
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        READING.set(ptr::null());
    }
}

/// What dealt with SIGBUS before; `None` if our handler can't be put in.
static BEFORE: OnceLock<Option<libc::sigaction>> = OnceLock::new();

impl Mapped {
    /// `None` where that can't be had.
    pub(crate) fn of(file: &File, length: u64) -> Option<Self> {
        BEFORE.get_or_init(handle).as_ref()?;
        let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
        // SAFETY: the kernel chooses the place; nothing else is there.
        let begin = unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) }.ok()?;
        Some(Self { begin: begin as usize, length, page: page_size(), broken: AtomicBool::new(false) })
    }

    /// Gives `read` a stretch of the file. `None` if not all of it was there, or the stretch isn't mapped.
    pub(crate) fn read<T>(&self, offset: u64, length: u64, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let (offset, length) = self.within(offset, length)?;
        self.advise(offset, length, Advice::LinuxPopulateRead);
        let reading = Reading::of(self);
        // SAFETY: the stretch is mapped. Who writes the file meanwhile changes what is read, as with any read of it.
        let outcome = read(unsafe { slice::from_raw_parts((self.begin + offset) as *const u8, length) });
        drop(reading);
        (!self.broken.load(Ordering::Acquire)).then_some(outcome)
    }

    /// Takes a stretch out of this process's memory; the page cache keeps it.
    pub(crate) fn forget(&self, offset: u64, length: u64) {
        if let Some((offset, length)) = self.within(offset, length) {
            self.advise(offset, length, Advice::LinuxDontNeed);
        }
    }

    fn within(&self, offset: u64, length: u64) -> Option<(usize, usize)> {
        let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
        (offset.checked_add(length)? <= self.length).then_some((offset, length))
    }

    /// Kernels that don't know an advice read page by page, which is slower and nothing else.
    fn advise(&self, offset: usize, length: usize, advice: Advice) {
        let first = offset / self.page * self.page;
        // SAFETY: of a mapping of a file that isn't written to, none of these loses anything.
        let _ = unsafe { madvise((self.begin + first) as *mut c_void, length + offset - first, advice) };
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: nobody reads it any more.
        let _ = unsafe { munmap(self.begin as *mut c_void, self.length) };
    }
}

/// Puts our handler in; what was there before, unless it fails.
fn handle() -> Option<libc::sigaction> {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zeros are a sigaction, and the handler does nothing that a signal handler may not do.
    unsafe {
        let mut ours: libc::sigaction = MaybeUninit::zeroed().assume_init();
        ours.sa_sigaction = on_bus_error as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        (libc::sigaction(libc::SIGBUS, &raw const ours, before.as_mut_ptr()) == 0).then(|| before.assume_init())
    }
}

extern "C" fn on_bus_error(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel tells the address; what this thread reads lives until it has been read.
    unsafe {
        let at = (*info).si_addr() as usize;
        let reading = READING.get().as_ref();
        if let Some(mapped) = reading.filter(|mapped| at.wrapping_sub(mapped.begin) < mapped.length) {
            mapped.broken.store(true, Ordering::Release);
            let place = (at & !(mapped.page - 1)) as *mut c_void;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            if libc::mmap(place, mapped.page, libc::PROT_READ, flags, -1, 0) == place {
                return;
            }
        }
        // Not ours: the access is repeated when we return, and meets who was there before, else the end.
        let before = BEFORE.get().and_then(Option::as_ref);
        libc::sigaction(libc::SIGBUS, before.map_or(ptr::null(), ptr::from_ref), ptr::null_mut());
        if before.is_none() {
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LENGTH: usize = 3 << 20;

    fn file() -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; LENGTH]).unwrap();
        file
    }

    #[test]
    fn what_is_there_is_read() {
        let file = file();
        let mapped = Mapped::of(&file, LENGTH as u64).unwrap();
        for (offset, length) in [(0, LENGTH), (LENGTH - 1, 1), (4097, 10_000), (LENGTH, 0)] {
            let read = mapped.read(offset as u64, length as u64, <[u8]>::to_vec).unwrap();
            assert!(read == vec![7; length]);
            mapped.forget(offset as u64, length as u64);
        }
        assert!(mapped.read(1, LENGTH as u64, |_| ()).is_none());
        assert!(mapped.read(u64::MAX, 2, |_| ()).is_none());
        assert!(Mapped::of(&file, 0).is_none());
    }

    #[test]
    fn what_is_cut_off_ends_no_process_and_counts_for_nothing() {
        let file = file();
        let mapped = Mapped::of(&file, LENGTH as u64).unwrap();
        let cut = |bytes: &[u8]| {
            file.set_len(1 << 20).unwrap();
            bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>()
        };
        assert_eq!(mapped.read(0, LENGTH as u64, cut), None);
        assert_eq!(mapped.read(0, 100, <[u8]>::len), None, "a broken mapping stays broken");
    }
}
