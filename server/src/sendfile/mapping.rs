//! Files in the address space, as names for their bytes.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use bytes::Bytes;
use rustix::fs::fstat;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;

/// The longest stretch that can be asked about at once.
pub const LARGEST: usize = 1 << 20;
const SMALLEST_PAGE: usize = 4096;

/// All that are there, by their first address.
static MAPPINGS: RwLock<BTreeMap<usize, Weak<Mapping>>> = RwLock::new(BTreeMap::new());

/// A file's bytes at addresses of their own. They are never looked at here: reading where a file has become shorter would
/// end the process.
pub struct Mapping {
    file: Arc<File>,
    begin: usize,
    length: usize,
}

impl Mapping {
    /// Maps a file's first `length` bytes. `None` where the address space has no room for them.
    pub fn of(file: &Arc<File>, length: u64) -> Option<Arc<Self>> {
        let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
        // SAFETY: the kernel chooses the place; nothing else is there.
        let begin = unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) }.ok()?;
        let mapping = Arc::new(Self { file: file.clone(), begin: begin as usize, length });
        write().insert(mapping.begin, Arc::downgrade(&mapping));
        Some(mapping)
    }

    /// A stretch of at most [`LARGEST`] bytes to be handed to a connection that takes files; nobody else may look at it.
    /// `None` when it doesn't lie in memory, so that sending it would wait for the disk.
    pub fn stretch(self: &Arc<Self>, at: u64, length: usize) -> Option<Bytes> {
        let begin = self.begin + usize::try_from(at).ok().filter(|_| self.is_resident(at, length))?;
        Some(Bytes::from_owner(Stretch { begin, length, _mapping: self.clone() }))
    }

    /// Whether a stretch is in the file still and in memory, so that sending it waits for no disk.
    fn is_resident(&self, at: u64, length: usize) -> bool {
        let Some(begin) = usize::try_from(at).ok().filter(|begin| begin.saturating_add(length) <= self.length) else {
            return false;
        };
        // What has been cut off may still be in memory.
        if fstat(&self.file).is_ok_and(|stat| (stat.st_size as u64) < at + length as u64) {
            return false;
        }
        let page = page_size();
        let (first, end) = (begin / page, (begin + length).div_ceil(page));
        match pages_cached(&self.file, at, length as u64) {
            Some(cached) => cached >= (end - first) as u64,
            None => self.are_resident(first * page, end - first),
        }
    }

    /// The same for kernels before 6.5, which must be asked page by page: four times as slow.
    fn are_resident(&self, begin: usize, count: usize) -> bool {
        let mut pages = [0_u8; LARGEST / SMALLEST_PAGE + 1];
        let Some(pages) = pages.get_mut(..count) else { return false };
        let (begin, bytes) = ((self.begin + begin) as *mut c_void, count * page_size());
        // SAFETY: there is a byte for each page.
        let told = unsafe { libc::mincore(begin, bytes, pages.as_mut_ptr()) };
        told == 0 && pages.iter().all(|page| page & 1 == 1)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        write().remove(&self.begin);
        // SAFETY: no stretch of it is left, for each holds the mapping.
        let _ = unsafe { munmap(self.begin as *mut _, self.length) };
    }
}

/// How many pages of a stretch the page cache has (cachestat(2)); `None` where the kernel can't tell.
fn pages_cached(file: &File, at: u64, length: u64) -> Option<u64> {
    #[repr(C)]
    struct Range {
        at: u64,
        length: u64,
    }
    #[repr(C)]
    #[derive(Default)]
    struct Told {
        cached: u64,
        _dirty: u64,
        _written_back: u64,
        _evicted: u64,
        _evicted_lately: u64,
    }
    /// The same number on every machine; libc doesn't name it on all.
    const CACHESTAT: libc::c_long = 451;

    let (range, mut told) = (Range { at, length }, Told::default());
    // SAFETY: both have the layout that the kernel wants.
    let done = unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut told, 0) };
    (done == 0).then_some(told.cached)
}

/// The file, and the place in it, that a connection is to send for these bytes, if they are mapped ones.
pub fn file_of(bytes: &[u8]) -> Option<(Arc<File>, u64)> {
    let at = bytes.as_ptr() as usize;
    // The lock goes with the statement: should ours be the last hold of the mapping, dropping it takes the lock.
    let mapping = MAPPINGS.read().unwrap_or_else(PoisonError::into_inner).range(..=at).next_back()?.1.upgrade()?;
    (at - mapping.begin < mapping.length).then(|| (mapping.file.clone(), (at - mapping.begin) as u64))
}

fn write() -> std::sync::RwLockWriteGuard<'static, BTreeMap<usize, Weak<Mapping>>> {
    MAPPINGS.write().unwrap_or_else(PoisonError::into_inner)
}

struct Stretch {
    begin: usize,
    length: usize,
    _mapping: Arc<Mapping>,
}

impl AsRef<[u8]> for Stretch {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped for as long as this lives, and never written to.
        unsafe { std::slice::from_raw_parts(self.begin as *const u8, self.length) }
    }
}
