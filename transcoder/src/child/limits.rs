//! The fence around a job's child, put up by itself before it reads the first byte.
#![allow(unsafe_code)]

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use crate::failure::Failure;

/// Address space: 8K sources and five encoders fit into it.
pub const MEMORY_BYTES: u64 = 4 << 30;
/// CPU time of all threads together.
pub const CPU_SECONDS: u64 = 12 * 3600;
/// One written file: segments are far smaller.
pub const FILE_BYTES: u64 = 256 << 20;
pub const OPEN_FILES: u64 = 64;

/// Puts up the limits; `parent` is who must not die first. What the kernel may refuse (a network namespace, for instance inside of a container) is
/// left out; the rest must succeed.
pub fn enter(parent: i32) -> Result<(), Failure> {
    let limits = [
        (Resource::As, MEMORY_BYTES),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Fsize, FILE_BYTES),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(refused)?;
    }
    rustix::thread::set_no_new_privs(true).map_err(refused)?;
    leave_network();
    // After the namespace: changing credentials clears it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused)?;
    if rustix::process::getppid().is_none_or(|now| now.as_raw_nonzero().get() != parent) {
        return Err(Failure::internal("its parent is gone"));
    }
    Ok(())
}

/// An empty network namespace: there is no interface in it, not even loopback.
fn leave_network() {
    // SAFETY: the process has one thread at this point; no memory is shared by either flag.
    unsafe {
        if libc::unshare(libc::CLONE_NEWNET) != 0 {
            libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET);
        }
    }
}

fn refused(error: rustix::io::Errno) -> Failure {
    Failure::of_machine("sandbox_failed", format!("The transcoder couldn't fence its job in ({error})."))
}
