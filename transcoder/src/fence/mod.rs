//! The fence around a job's child, put up by the child itself before it reads the first byte of a stranger's file.
//!
//! Five layers, of which each holds if the others don't: limits on memory, time and files; a network namespace without
//! a network; Landlock, which leaves it its own folder and nothing else; seccomp, which leaves it the calls that reading,
//! computing and writing need; and no way to gain rights. A kernel may lack the middle three: then the worker says so,
//! and only goes on if it was told to. What is open already passes through all of them, so it is closed before.

mod calls;
mod descriptors;
mod files;
mod limits;
mod network;

use std::fmt;

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use serde::{Deserialize, Serialize};

pub use limits::{CPU_SECONDS, FILE_BYTES, Limits, MEMORY_BYTES, OPEN_FILES};

use crate::failure::Failure;

/// The layers that a kernel, or what this process runs in, may refuse; true for those that are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    pub network: bool,
    pub files: bool,
    pub calls: bool,
}

impl Layers {
    pub fn are_whole(self) -> bool {
        self.network && self.files && self.calls
    }
}

/// Says what is missing, for operators.
impl fmt::Display for Layers {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(self.network, "a network namespace of its own"), (self.files, "Landlock"), (self.calls, "seccomp")];
        let missing: Vec<&str> = names.iter().filter(|(up, _)| !up).map(|(_, name)| *name).collect();
        to.write_str(&missing.join(", "))
    }
}

/// Puts the fence up around this process, which must have one thread and nothing open of its own; `parent` is who must
/// not die first. Unless `weak` is allowed, a layer that can't be put up is a failure.
pub fn enter(parent: i32, weak: bool, limits: Limits) -> Result<Layers, Failure> {
    descriptors::close_inherited().map_err(refused)?;
    limits.set().map_err(refused)?;
    rustix::thread::set_no_new_privs(true).map_err(refused)?;
    let network = network::leave();
    // After the namespace: changing credentials clears it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused)?;
    if rustix::process::getppid().is_none_or(|now| now.as_raw_nonzero().get() != parent) {
        return Err(Failure::internal("its parent is gone"));
    }
    let files = files::keep_only_own_folder();
    give_up_rights().map_err(refused)?;
    // The last one: it takes the calls away that the others need.
    let calls = calls::keep_only_needed();
    let layers = Layers { network, files, calls };
    if layers.are_whole() || weak {
        return Ok(layers);
    }
    let text = format!("The transcoder couldn't fence its job in: this machine lacks {layers}.");
    Err(Failure::of_machine("sandbox_failed", text))
}

/// A worker that runs as root is still its children's ruler, but they rule nothing.
fn give_up_rights() -> rustix::io::Result<()> {
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

fn refused(error: rustix::io::Errno) -> Failure {
    Failure::of_machine("sandbox_failed", format!("The transcoder couldn't fence its job in ({error})."))
}

#[cfg(test)]
mod tests {
    use super::Layers;

    #[test]
    fn missing_layers_are_named() {
        assert_eq!(Layers { network: true, files: false, calls: false }.to_string(), "Landlock, seccomp");
        assert!(Layers { network: true, files: true, calls: true }.are_whole());
    }
}
