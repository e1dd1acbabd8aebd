//! `transcode FILE OUTDIR`: the same child as a job's, without a server.

use std::fs::File;
use std::path::Path;

use pinreel_runner::Transcoded;

use crate::child::events::Event;
use crate::failure::Failure;
use crate::parent::folder::{Folder, resolve};
use crate::parent::{self, Patience};

/// The result's name in the output folder.
pub const RESULT: &str = "transcoded.json";

/// Transcodes `file` into `out`, which is made if need be, and writes [`RESULT`] there.
pub async fn transcode(file: &Path, out: &Path, told: impl Fn(f64)) -> Result<Transcoded, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::of_machine("file_unreadable", format!("The file {} can't be read: {error}.", file.display()))
    };
    let source = File::open(file).map_err(unreadable)?;
    if !source.metadata().map_err(unreadable)?.is_file() {
        return Err(Failure::of_machine("file_unreadable", format!("{} is not a file.", file.display())));
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::disk(&error))?;
    let heard = |event| {
        if let Event::Progress(progress) = event {
            told(progress.fraction);
        }
    };
    let result = parent::run(source, out, Patience::default(), heard).await?;
    let folder = Folder::open(out)?;
    let result = resolve(result, |name| folder.read(name).ok().map(|(file, _)| file))?;
    let json = serde_json::to_vec_pretty(&result).map_err(|error| Failure::internal(&error.to_string()))?;
    std::fs::write(out.join(RESULT), json).map_err(|error| Failure::disk(&error))?;
    Ok(result)
}
