//! What a job may take of the machine.

use pinreel_runner::{Document, Task};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Address space: 8K sources and five encoders fit into it.
pub const MEMORY_BYTES: u64 = 4 << 30;
/// CPU time of all threads together.
pub const CPU_SECONDS: u64 = 12 * 3600;
/// One written file: segments are far smaller.
pub const FILE_BYTES: u64 = 256 << 20;
pub const OPEN_FILES: u64 = 64;

/// Address space of what draws documents, whose largest part is a few pictures of a page.
const DOCUMENT_MEMORY_BYTES: u64 = 2 << 30;
/// CPU time of a preview, most of whose work is done in a second.
const PREVIEW_CPU_SECONDS: u64 = 90;

/// How much of it, by what is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    memory_bytes: u64,
    cpu_seconds: u64,
}

impl Limits {
    pub fn of(task: Task) -> Self {
        let (memory_bytes, cpu_seconds) = match task {
            Task::Preview { of: Document::Pdf } => (DOCUMENT_MEMORY_BYTES, PREVIEW_CPU_SECONDS),
            Task::Preview { .. } => (MEMORY_BYTES, PREVIEW_CPU_SECONDS),
            _ => (MEMORY_BYTES, CPU_SECONDS),
        };
        Self { memory_bytes, cpu_seconds }
    }

    /// Puts this process within them.
    pub fn set(self) -> Result<(), Errno> {
        let limits = [
            (Resource::As, self.memory_bytes),
            (Resource::Cpu, self.cpu_seconds),
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
}
