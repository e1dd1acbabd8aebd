//! `pinreel store verify`: reads everything again, says what is damaged, and mends it from elsewhere if told where.

use std::process::ExitCode;

use serde_json::{Value, json};
use url::Url;

use super::repair;
use super::wrong::Wrong;
use crate::cli::answer::{self, Failure};
use crate::cli::operator::{Folder, Operator};
use crate::cli::progress::{Bar, Progress};
use crate::socket::operation::{Answer, Doing, Event, Operation};

/// Reads every block and every file and compares them with their hashes. What is wrong is listed and not given out any
/// more. Ends with 1 when anything is damaged or missing and wasn't repaired.
#[derive(clap::Args)]
pub struct Verify {
    /// Read at most so many MiB a second
    #[arg(long, value_name = "MIB")]
    rate: Option<u64>,
    /// An IPFS gateway to ask for what is damaged or missing; may be given several times
    #[arg(long, value_name = "URL")]
    repair_from: Vec<Url>,
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Verify) -> ExitCode {
    answer::run_checked(command.json, verify(command))
}

async fn verify(command: Verify) -> Result<(bool, String, Value), Failure> {
    let operator = Operator::of(&command.folder.root()?).await?;
    let mut wrong = Wrong::default();
    let mut shown = Shown { progress: Progress::for_people(command.json), bar: None };
    let operation = Operation::Verify { mib_per_second: command.rate };
    let on_event = |event| match event {
        Event::Item(item) => wrong.add(item),
        Event::Progress { what, done_bytes, total_bytes } => shown.show(what, done_bytes, total_bytes),
        Event::Answer(_) | Event::Failed(_) => {}
    };
    let answer = operator.operate(&operation, on_event).await?;
    drop(shown);
    let Answer::Verified { files, bytes } = answer else { return Err(super::odd()) };
    let mut repaired = 0;
    if !command.repair_from.is_empty() && !wrong.is_empty() {
        (wrong, repaired) = repair::repair(&operator, &command.repair_from, wrong).await?;
    }
    Ok((wrong.is_empty(), text(&wrong, files, bytes, repaired), value(&wrong, files, bytes, repaired)))
}

fn text(wrong: &Wrong, files: u64, bytes: u64, repaired: u64) -> String {
    let mut lines = Vec::new();
    for leaf in &wrong.damaged {
        lines.push(format!("damaged  file {}  leaf {}  at byte {}", leaf.file, leaf.leaf, leaf.offset));
    }
    lines.extend(wrong.dropped.iter().map(|cid| format!("removed  {cid}, a block whose bytes were wrong")));
    lines.extend(wrong.missing.iter().map(|cid| format!("missing  {cid}, which something kept needs")));
    let read = format!("Read {files} files and the blocks besides, {} in all", super::size(bytes));
    let mended = if repaired > 0 { format!("; {repaired} blocks were repaired") } else { String::new() };
    let verdict = match (wrong.is_empty(), repaired) {
        (true, _) => "everything is right",
        (false, 0) => "mend it with --repair-from URL, from a gateway that has the content",
        (false, _) => "the rest needs another gateway that has the content",
    };
    lines.push(format!("{read}{mended}: {verdict}."));
    lines.join("\n")
}

fn value(wrong: &Wrong, files: u64, bytes: u64, repaired: u64) -> Value {
    json!({
        "ok": wrong.is_empty(), "files": files, "bytes": bytes, "repaired": repaired,
        "damaged": wrong.damaged, "dropped": wrong.dropped, "missing": wrong.missing,
    })
}

struct Shown {
    progress: Progress,
    bar: Option<(Doing, Bar)>,
}

impl Shown {
    fn show(&mut self, what: Doing, done_bytes: u64, total_bytes: Option<u64>) {
        if self.bar.as_ref().is_none_or(|(shown, _)| *shown != what) {
            let bar = match total_bytes {
                Some(total) => self.progress.bytes("files", total),
                None => self.progress.stream("blocks"),
            };
            self.bar = Some((what, bar));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set(done_bytes);
        }
    }
}
