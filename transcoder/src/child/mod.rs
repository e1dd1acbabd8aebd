//! The child process of one job: the only code that reads a stranger's media.
//!
//! It gets the source as its standard input, its own folder as working directory, no environment and no network; it
//! writes files into the folder and JSON lines to its standard output. Whatever happens to it, the parent goes on.

mod captions;
mod companion;
mod copy;
mod damage;
pub mod events;
mod fields;
mod fifo;
pub mod formats;
mod job;
mod listen;
mod muxed;
mod picture;
mod plan;
mod poster;
mod preview;
mod priority;
mod profile;
mod rung;
mod scan;
mod segments;
mod sound;
mod still;
mod storyboard;
mod told;
mod upright;

use std::fs::File;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use events::{Event, Reporter};
use pinreel_runner::{Preset, Task};
use segments::Folder;

use crate::av;
use crate::failure::Failure;
use crate::fence;

/// What the `child` command is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The process that started it.
    pub parent: i32,
    /// Whether what fits of the source may be copied.
    pub copying: bool,
    /// Whether to go on behind a fence that lacks layers.
    pub weak: bool,
    /// Only to say which layers this machine has.
    pub probe: bool,
    pub preset: Preset,
    pub task: Task,
}

/// The `child` command.
pub fn main(told: Told) -> ExitCode {
    let report = Reporter::new(Box::new(std::io::stdout()));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(told, &report)));
    match outcome.unwrap_or_else(|_| Err(Failure::internal("it panicked"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report.send(&Event::Failed(failure));
            ExitCode::FAILURE
        }
    }
}

fn run(told: Told, report: &Reporter) -> Result<(), Failure> {
    let layers = fence::enter(told.parent, told.weak || told.probe, fence::Limits::of(told.task))?;
    if told.probe {
        report.send(&Event::Fence(layers));
        return Ok(());
    }
    let source = std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| Failure::disk(&error))?;
    av::start();
    let (source, path) = (File::from(source), PathBuf::from("."));
    let done = match told.task {
        Task::Renditions => job::transcode(source, path, report, (told.copying, &told.preset))?,
        Task::Preview { of } => preview::make(source, &Folder { path, report: report.clone() }, of)?,
        task => companion::make(source, &Folder { path, report: report.clone() }, task, &told.preset)?,
    };
    report.send(&Event::Done(Box::new(done)));
    Ok(())
}

fn check_length(seconds: i64, max_hours: u64) -> Result<(), Failure> {
    if seconds > (max_hours * 3600) as i64 { Err(Failure::too_long(max_hours)) } else { Ok(()) }
}
