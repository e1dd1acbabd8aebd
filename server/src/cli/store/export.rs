//! `pinreel store export ROOT`: a root and everything below it as a CAR file, to a file or a pipe.
//!
//! A file gets its name only when it is whole. A pipe can't be taken back: after an error it ends in the middle of a block,
//! so that no reader takes what it got for the whole.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::cli::answer::Failure;
use crate::cli::operator::{Folder, Operator};
use crate::cli::progress::{Bar, Progress};
use crate::socket::CUT_OFF;
use crate::socket::operation::{Fault, cid_of};

#[derive(clap::Args)]
pub struct Export {
    #[arg(value_name = "ROOT")]
    root: String,
    /// Where to; `-` is the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON, on stderr when the CAR file is on stdout
    #[arg(long)]
    json: bool,
}

/// How writing ended short of an error.
enum Written {
    Whole(u64),
    /// Nobody reads any more.
    ReaderLeft,
}

pub fn run(command: Export) -> ExitCode {
    let to_stdout = command.output == Path::new("-");
    let as_json = command.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(export(&command, to_stdout)),
        Err(error) => Err(Failure::new("internal", format!("No threads can be started ({error})."))),
    };
    match outcome {
        // Nothing to say about, but no whole file either.
        Ok(Written::ReaderLeft) => ExitCode::FAILURE,
        Ok(Written::Whole(bytes)) => {
            let line = match as_json {
                true => json!({ "root": command.root, "bytes": bytes }).to_string(),
                false => format!("Exported {} ({bytes} bytes).", command.root),
            };
            if to_stdout {
                eprintln!("{line}");
                return ExitCode::SUCCESS;
            }
            crate::cli::say(&line)
        }
        Err(failure) if to_stdout && as_json => {
            eprintln!("{}", failure.json());
            failure.exit_code()
        }
        Err(failure) => failure.end(as_json),
    }
}

async fn export(command: &Export, to_stdout: bool) -> Result<Written, Failure> {
    cid_of(&command.root)?;
    if to_stdout && io::stdout().is_terminal() {
        return Err(Failure::usage("A CAR file is nothing for a terminal; name a file with -o FILE, or use a pipe."));
    }
    let operator = Operator::of(&command.folder.root()?).await?;
    let bar = Progress::for_people(command.json).stream("exporting");
    if to_stdout {
        let mut out = io::stdout().lock();
        let written = write_to(&operator, &command.root, &mut out, &bar).await;
        if written.is_err() {
            // Best effort: the exit code says it as well.
            let _ = out.write_all(&CUT_OFF).and_then(|()| out.flush());
        }
        return written;
    }
    match std::fs::metadata(&command.output) {
        // A pipe or a device is written to; only a file is replaced.
        Ok(known) if !known.is_file() => {
            let mut out =
                OpenOptions::new().write(true).open(&command.output).map_err(|error| unwritable(command, error))?;
            let written = write_to(&operator, &command.root, &mut out, &bar).await;
            if written.is_err() {
                // Best effort, as above.
                let _ = out.write_all(&CUT_OFF);
            }
            written
        }
        _ => write_file(&operator, command, &bar).await,
    }
}

fn unwritable(command: &Export, error: io::Error) -> Failure {
    Failure::new("file_unwritable", format!("{} can't be written ({error}).", command.output.display()))
}

async fn write_file(operator: &Operator, command: &Export, bar: &Bar) -> Result<Written, Failure> {
    // What a symbolic link leads to is replaced, not the link.
    let path = std::fs::canonicalize(&command.output).unwrap_or_else(|_| command.output.clone());
    let unwritable = |error| unwritable(command, error);
    let folder = match path.parent() {
        None => return Err(unwritable(io::ErrorKind::IsADirectory.into())),
        Some(here) if here.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
    };
    // As any program makes a file: the umask decides who may read it.
    let mode = std::fs::Permissions::from_mode(0o666);
    let temporary = tempfile::Builder::new().prefix(".pinreel-export-").permissions(mode).tempfile_in(folder);
    let mut file: NamedTempFile = temporary.map_err(unwritable)?;
    let written = write_to(operator, &command.root, &mut file, bar).await?;
    file.as_file().sync_all().map_err(unwritable)?;
    file.persist(&path).map_err(|error| unwritable(error.error))?;
    Ok(written)
}

async fn write_to(operator: &Operator, root: &str, out: &mut impl Write, bar: &Bar) -> Result<Written, Failure> {
    let mut bytes = 0;
    let mut write = |piece: Bytes| {
        bytes += piece.len() as u64;
        bar.add(piece.len() as u64);
        match out.write_all(&piece) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::new("file_unwritable", format!("The CAR file can't be written ({error})."))),
        }
    };
    match operator.store() {
        Some(store) => {
            let root = cid_of(root)?;
            if !store.holds(&root).map_err(Fault::from)? {
                return Err(Failure::new("not_held", format!("{root} isn't held here.")));
            }
            let mut car = store.car(&root);
            while let Some(piece) = car.next_piece().map_err(Fault::from)? {
                if !write(piece)? {
                    return Ok(Written::ReaderLeft);
                }
            }
        }
        None => {
            let mut pieces = operator.running().await?.export(root).await?;
            while let Some(piece) = pieces.next().await {
                if !write(piece?)? {
                    return Ok(Written::ReaderLeft);
                }
            }
        }
    }
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("file_unwritable", format!("The CAR file can't be written ({error}).")))
        }
        _ => Ok(Written::Whole(bytes)),
    }
}
