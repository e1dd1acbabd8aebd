//! `pinreel store rebuild`: makes the index anew.

use std::process::ExitCode;

use pinreel_content::{Progress as Hashed, Rebuilt, Store};
use serde_json::{Value, json};

use crate::cli::answer::{self, Failure};
use crate::cli::operator::{Folder, unusable};
use crate::cli::progress::Progress;
use crate::data::DataDir;
use crate::socket::client::Node;
use crate::socket::operation::Fault;

/// Reads and hashes every stored file, and takes over what can still be read of the old index: the pins, what is public,
/// and the blocks outside of files, each checked. Where it is torn, every page of it is looked through.
///
/// An old index of which a part couldn't be read is kept beside the new one, and the command ends with 1: the new index is
/// in its place and good, but something may be missing from it.
#[derive(clap::Args)]
pub struct Rebuild {
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Rebuild) -> ExitCode {
    answer::run_checked(command.json, rebuild(command))
}

async fn rebuild(command: Rebuild) -> Result<(bool, String, Value), Failure> {
    let root = command.folder.root()?;
    if Node::connect(&root).await?.is_some() {
        let text = format!("A node serves {}; stop it, then rebuild its index.", root.display());
        return Err(Failure::new("node_runs", text));
    }
    let data = DataDir::open_used(&root).map_err(unusable)?;
    let bar = Progress::for_people(command.json).bytes("hashing", 0);
    let on_progress = |progress| match progress {
        Hashed::Found(bytes) => bar.lengthen(bytes),
        Hashed::Hashed(bytes) => bar.add(bytes),
    };
    let rebuilt = Store::rebuild(data.content(), &on_progress).map_err(Fault::from)?;
    let mut text = format!(
        "The index is new: {} files of {}, {} blocks, {} pins.",
        rebuilt.files,
        super::size(rebuilt.file_bytes),
        rebuilt.blocks,
        rebuilt.pins
    );
    if rebuilt.damaged > 0 {
        text += &format!("\n{} leaves of files are damaged; `pinreel store verify` lists them.", rebuilt.damaged);
    }
    for name in &rebuilt.set_aside {
        text +=
            &format!("\n{name} isn't what its name says; it is in {} now.", data.content().join("damaged").display());
    }
    let old_index = rebuilt.old_index.as_ref().map(|path| path.display().to_string());
    if !rebuilt.whole {
        text += &torn(&rebuilt);
    }
    if let Some(old) = &old_index {
        text += &format!(" It is kept as {old}; remove it when nothing is missed.");
    }
    let value = json!({
        "files": rebuilt.files, "file_bytes": rebuilt.file_bytes, "blocks": rebuilt.blocks, "pins": rebuilt.pins,
        "damaged": rebuilt.damaged, "set_aside": rebuilt.set_aside, "whole": rebuilt.whole, "old_index": old_index,
        "in_pages": {
            "blocks": rebuilt.in_pages.blocks, "pins": rebuilt.in_pages.pins, "public_roots": rebuilt.in_pages.public_roots,
        },
    });
    Ok((rebuilt.whole, text, value))
}

/// What is said of an old index that is torn.
fn torn(rebuilt: &Rebuilt) -> String {
    let found = &rebuilt.in_pages;
    format!(
        "\nA part of the old index could not be read: some pins and blocks may be lost, and pins that were taken away may be \
         back; `pinreel store pins` lists them. {} of the blocks, {} of the pins and {} public roots were found by looking \
         through its pages. A node makes the pins of its own uploads and publications again when it starts.",
        found.blocks, found.pins, found.public_roots
    )
}
