//! `pinreel import CAR…`: puts foreign content into a node's store, as its operator, for everyone to fetch.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::answer::{self, Failure};
use super::operator::{Folder, Operator};
use super::progress::{Bar, Progress};
use crate::database::private;
use crate::socket::client::Imported;

/// Takes CAR files apart: each block is checked, their roots become public and are pinned for the owner `import`.
///
/// A file is refused, with the offset and the CID, when it is cut off, when a block in it can't be decoded, was erased here,
/// has another hash than its CID says or more than 2 MiB, and when none of the file's roots leads to a block. Nothing of a
/// refused file is shown to anybody; good blocks of it stay until the next collections, so that another try finds them there.
///
/// Of several files, each is taken or refused by itself: it is said which, and the command ends with 1 when any was refused.
#[derive(clap::Args)]
pub struct Import {
    /// CAR files; `-` is the standard input
    #[arg(required = true, value_name = "CAR")]
    cars: Vec<PathBuf>,
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Import) -> ExitCode {
    answer::run_checked(command.json, import(command))
}

async fn import(command: Import) -> Result<(bool, String, Value), Failure> {
    let root = command.folder.root()?;
    let operator = Operator::of_used_or_empty(&root).await?;
    if !operator.node_runs() {
        warn_if_unservable(&root);
    }
    if let [car] = &command.cars[..] {
        let imported = import_file(&operator, car, command.json).await?;
        return Ok((true, sentence(&imported), json!(imported)));
    }
    let mut outcomes = Vec::new();
    for car in &command.cars {
        outcomes.push((car.display().to_string(), import_file(&operator, car, command.json).await));
    }
    Ok((outcomes.iter().all(|(_, outcome)| outcome.is_ok()), text_of(&outcomes), json_of(&outcomes)))
}

async fn import_file(operator: &Operator, car: &Path, as_json: bool) -> Result<Imported, Failure> {
    let of_car = |failure: Failure| Failure::new(&failure.code, format!("{}: {}", car.display(), failure.message));
    let (file, size_bytes) = open(car)?;
    let bar = bar(Progress::for_people(as_json), size_bytes);
    operator.import((&name_of(car), size_bytes), file, move |bytes| bar.add(bytes)).await.map_err(of_car)
}

fn sentence(imported: &Imported) -> String {
    let listed = |roots: &[String]| if roots.is_empty() { "none".to_owned() } else { roots.join(" ") };
    let mut text =
        format!("Imported {} blocks ({} bytes). Roots: {}", imported.blocks, imported.bytes, listed(&imported.roots));
    if !imported.absent.is_empty() {
        text += &format!("\nNamed as roots, but neither in the file nor here: {}", listed(&imported.absent));
    }
    if let Some(first) = &imported.first_missing {
        let (count, are) = (imported.missing, if imported.missing == 1 { "block is" } else { "blocks are" });
        text += &format!(
            "\nNot whole: {count} linked {are} neither in the file nor here, first {first}. Import a file that has them, or go \
             on with this part."
        );
    }
    text
}

type Outcomes = [(String, Result<Imported, Failure>)];

/// What became of each file.
fn text_of(outcomes: &Outcomes) -> String {
    let line = |(file, outcome): &(String, Result<Imported, Failure>)| match outcome {
        Ok(imported) => format!("{file}: {}", sentence(imported)),
        Err(failure) => format!("Refused: {}", failure.message),
    };
    outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// All files together, and each by itself.
fn json_of(outcomes: &Outcomes) -> Value {
    let mut total = Imported::default();
    let mut files = Vec::new();
    for (file, outcome) in outcomes {
        let mut value = match outcome {
            Ok(imported) => {
                total.add(imported.clone());
                json!(imported)
            }
            Err(failure) => failure.json(),
        };
        value["file"] = json!(file);
        files.push(value);
    }
    let mut value = json!(total);
    value["files"] = json!(files);
    value
}

/// Says before the work, not at the next start of the node, that its own database can't live in this folder.
fn warn_if_unservable(root: &Path) {
    let is_elsewhere = std::env::var_os("DATABASE_URL").is_some_and(|url| !url.is_empty());
    if !is_elsewhere && let Some(unreachable) = private::unreachable(root) {
        eprintln!("No node can serve this folder yet: {unreachable}");
    }
}

/// A file or a pipe, and its size if it has one.
fn open(car: &Path) -> Result<(File, Option<u64>), Failure> {
    let unreadable =
        |error: io::Error| Failure::new("file_unreadable", format!("{} can't be read ({error}).", car.display()));
    let file = match is_stdin(car) {
        // Not by its name in /dev, which can't be opened when it is a socket.
        true => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        false => File::open(car),
    };
    let file = file.map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if meta.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    Ok((file, meta.is_file().then_some(meta.len())))
}

fn bar(progress: Progress, size_bytes: Option<u64>) -> Bar {
    match size_bytes {
        Some(size_bytes) => progress.bytes("importing", size_bytes),
        None => progress.stream("importing"),
    }
}

/// Why the roots are pinned.
fn name_of(car: &Path) -> String {
    let name =
        if is_stdin(car) { "standard input".into() } else { car.file_name().unwrap_or_default().to_string_lossy() };
    name.into_owned()
}

fn is_stdin(car: &Path) -> bool {
    car == Path::new("-")
}
