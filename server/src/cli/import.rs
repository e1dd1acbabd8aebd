//! `pinreel import CAR…`: puts foreign blocks into a node's store, as its operator, for everyone to fetch.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pinreel_content::Store;
use serde_json::json;

use crate::data::{self, DataDir};
use crate::socket::client::{self, Imported, SocketError};

#[derive(clap::Args)]
pub struct Import {
    /// CAR files; `-` is the standard input
    #[arg(required = true, value_name = "CAR")]
    cars: Vec<PathBuf>,
    /// Folder of the node's data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

struct Failure {
    code: String,
    message: String,
}

pub fn run(command: Import) -> ExitCode {
    let as_json = command.json;
    match import(command) {
        Ok(imported) if as_json => super::say(&json!(imported).to_string()),
        Ok(imported) => super::say(&format!(
            "Imported {} blocks ({} bytes). Roots: {}",
            imported.blocks,
            imported.bytes,
            if imported.roots.is_empty() { "none".to_owned() } else { imported.roots.join(" ") }
        )),
        Err(failure) if as_json => {
            let _ = super::say(&json!({"error": {"code": failure.code, "message": failure.message}}).to_string());
            ExitCode::FAILURE
        }
        Err(failure) => super::fail(&failure.message),
    }
}

fn import(command: Import) -> Result<Imported, Failure> {
    let root = command.data.map_or_else(data::default_root, Ok).map_err(|error| failure("data_folder", &error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failure("internal", &error))?;
    let mut own = None;
    let mut total = Imported::default();
    for car in &command.cars {
        let node = match own {
            Some(_) => None,
            None => runtime.block_on(client::connect(&root)).map_err(|error| socket_failure(car, error))?,
        };
        let imported = match node {
            Some(node) => runtime.block_on(async {
                let file = tokio::fs::File::open(readable(car)).await.map_err(|error| unreadable(car, &error))?;
                client::import(node, file).await.map_err(|error| socket_failure(car, error))
            })?,
            None => {
                if own.is_none() {
                    own = Some(open(&root)?);
                }
                let Some((_, store)) = &own else { continue };
                let file = File::open(readable(car)).map_err(|error| unreadable(car, &error))?;
                client::import_car(store, file)
                    .map_err(|error| failure(code_of(&error), &format!("{}: {error}.", car.display())))?
            }
        };
        total.add(imported);
    }
    Ok(total)
}

/// No node runs: the folder is ours for the while.
fn open(root: &Path) -> Result<(DataDir, Store), Failure> {
    let data = DataDir::open_used(root).map_err(|error| failure("data_folder", &error))?;
    let store = Store::open(data.content()).map_err(|error| failure("store", &error))?;
    Ok((data, store))
}

fn readable(car: &Path) -> &Path {
    if car == Path::new("-") { Path::new("/dev/stdin") } else { car }
}

fn code_of(error: &pinreel_content::Error) -> &'static str {
    match error {
        pinreel_content::Error::Car(_) => "car_refused",
        pinreel_content::Error::DiskFull(_) => "disk_full",
        _ => "store",
    }
}

fn unreadable(car: &Path, error: &std::io::Error) -> Failure {
    failure("file_unreadable", &format!("{} can't be read ({error}).", car.display()))
}

fn socket_failure(car: &Path, error: SocketError) -> Failure {
    match error {
        SocketError::Refused { code, message } => Failure { code, message: format!("{}: {message}", car.display()) },
        other => failure("node_socket", &other),
    }
}

fn failure(code: &str, message: &impl ToString) -> Failure {
    Failure { code: code.to_owned(), message: message.to_string() }
}
