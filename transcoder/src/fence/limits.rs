//! What a job may take of the machine.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Address space: 8K sources and five encoders fit into it.
pub const MEMORY_BYTES: u64 = 4 << 30;
/// CPU time of all threads together.
pub const CPU_SECONDS: u64 = 12 * 3600;
/// One written file: segments are far smaller.
pub const FILE_BYTES: u64 = 256 << 20;
pub const OPEN_FILES: u64 = 64;

pub fn set() -> Result<(), Errno> {
    let limits = [
        (Resource::As, MEMORY_BYTES),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Fsize, FILE_BYTES),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        // A stricter limit of whoever started the worker stays.
        let most = getrlimit(resource).maximum.map_or(most, |own| own.min(most));
        // At the upper limit of CPU time the kernel kills without a word; at the lower one it says why.
        let current = if resource == Resource::Cpu { most.saturating_sub(1) } else { most };
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(most) })?;
    }
    Ok(())
}
