//! `transcode FILE OUTDIR`: the same child as a job's, without a server.

use std::fs::File;
use std::path::Path;

use pinreel_runner::{Preset, Task, Transcoded};
use serde::Serialize;

use crate::child::events::Event;
use crate::failure::Failure;
use crate::parent::folder::{Folder, Found, resolve};
use crate::parent::{self, Options, Patience};

/// The result's name in the output folder.
pub const RESULT: &str = "transcoded.json";

/// What can be watched already, written there once it is whole before the rest; without CIDs.
pub const PLAYABLE: &str = "playable.json";

/// Transcodes `file` into `out`, which is made if need be, and writes [`RESULT`] there.
pub async fn transcode(
    file: &Path,
    out: &Path,
    (task, preset, weak): (Task, Preset, bool),
    told: impl Fn(f64),
) -> Result<Transcoded, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::of_machine("file_unreadable", format!("The file {} can't be read: {error}.", file.display()))
    };
    let source = File::open(file).map_err(unreadable)?;
    if !source.metadata().map_err(unreadable)?.is_file() {
        return Err(Failure::of_machine("file_unreadable", format!("{} is not a file.", file.display())));
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::disk(&error))?;
    let mut options = Options { patience: Patience::of(task), copying: true, weak, preset, task };
    let mut files = Vec::new();
    let result = match run(&source, out, options.clone(), (&told, &mut files)).await {
        Err(failure) if failure.is_copy_unfit() => {
            options.copying = false;
            for name in files.drain(..) {
                // What was made for nothing must not stay beside the result.
                std::fs::remove_file(out.join(name)).map_err(|error| Failure::disk(&error))?;
            }
            run(&source, out, options, (&told, &mut files)).await?
        }
        other => other?,
    };
    let folder = Folder::open(out)?;
    let result = resolve(result, |name| folder.find(name).and_then(Found::read).ok().map(|(file, _)| file))?;
    write(&out.join(RESULT), &result)?;
    Ok(result)
}

/// One try; `files` gets what it wrote.
async fn run(
    source: &File,
    out: &Path,
    options: Options,
    (told, files): (&impl Fn(f64), &mut Vec<String>),
) -> Result<Transcoded, Failure> {
    let source = source.try_clone().map_err(|error| Failure::disk(&error))?;
    let mut written = Ok(());
    let heard = async |event| match event {
        Event::Progress(progress) => told(progress.fraction),
        Event::Early(early) if early.ended => {
            written = write(&out.join(PLAYABLE), &early);
            files.push(PLAYABLE.to_owned());
        }
        Event::File(name) | Event::Segment { name, .. } => files.push(name),
        Event::Early(_) | Event::Fence(_) | Event::Said(_) | Event::Done(_) | Event::Failed(_) => {}
    };
    let result = parent::run(source, out, options, heard).await?;
    written.map(|()| result)
}

fn write(path: &Path, what: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(what).map_err(|error| Failure::internal(&error.to_string()))?;
    std::fs::write(path, json).map_err(|error| Failure::disk(&error))
}
