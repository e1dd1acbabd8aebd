//! Open files and connections that came with the process: of whoever started the worker, and not for a job's child.
#![allow(unsafe_code)]

use rustix::io::Errno;

/// Standard input, output and error: the source, the events, and words for the log.
const KEPT: u32 = 3;
/// Where the kernel can't close a range (before 5.9), so many are closed one by one.
const ONE_BY_ONE: u32 = 1 << 16;

/// Closes all but the first three. Call it before anything of this process's own is open.
pub fn close_inherited() -> Result<(), Errno> {
    // SAFETY: numbers, no memory; nothing here owns any of the descriptors yet.
    if unsafe { libc::syscall(libc::SYS_close_range, KEPT, u32::MAX, 0) } == 0 {
        return Ok(());
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM) => {
            for descriptor in KEPT..ONE_BY_ONE {
                // SAFETY: as above; one that isn't open is no harm.
                unsafe { libc::close(descriptor.cast_signed()) };
            }
            Ok(())
        }
        other => Err(Errno::from_raw_os_error(other.unwrap_or(libc::EIO))),
    }
}
