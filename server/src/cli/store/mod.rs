//! `pinreel store …`: what an operator can do with a node's content.

mod export;
mod rebuild;
mod repair;
mod verify;
mod wrong;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pinreel_content::printable_path;
use serde_json::{Value, json};

use super::answer::{self, Failure};
use super::operator::{Folder, Operator};
use crate::socket::operation::{Answer, Event, Item, Operation, PinRow};

#[derive(clap::Subcommand)]
pub enum Store {
    /// Count what the store holds
    ///
    /// A running node brings its own pins up to date first; a stopped one's are counted as it left them.
    Stat(Plain),
    /// Read everything again and look for damage
    Verify(verify::Verify),
    /// Remove what nothing has led to for a while
    Gc(Gc),
    /// Make the index anew from the stored files; the node must be stopped
    Rebuild(rebuild::Rebuild),
    /// List what is kept, for whom and why
    ///
    /// A running node brings its own pins up to date first; a stopped one's are listed as it left them.
    Pins(Plain),
    /// Keep a root and everything below it
    Pin(Pin),
    /// Take a pin away
    Unpin(Unpin),
    /// Remove content for good and never take it again
    Erase(Erase),
    /// Write a root and everything below it as a CAR file
    Export(export::Export),
    /// Put the content of CAR files into the node's store: the same as `pinreel import`
    Import(super::import::Import),
}

#[derive(clap::Args)]
pub struct Plain {
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// A collection notes since when nothing leads to a block, and removes what has been so for the whole grace period. What
/// was written within the last hour stays in any case.
#[derive(clap::Args)]
pub struct Gc {
    /// How long unwanted content stays: 90s, 30m, 12h, 7d, or 0; the node's own setting unless told
    #[arg(long, value_name = "TIME", value_parser = duration)]
    grace: Option<Duration>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(clap::Args)]
pub struct Pin {
    #[arg(value_name = "CID")]
    cid: String,
    /// Why, for whoever reads the list
    #[arg(long, default_value = "pinned by hand")]
    reason: String,
    /// For how long: 90s, 30m, 12h, 7d; for good unless told
    #[arg(long, value_name = "TIME", value_parser = duration)]
    r#for: Option<Duration>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(clap::Args)]
pub struct Unpin {
    #[arg(value_name = "CID")]
    cid: String,
    /// Whose pin
    #[arg(long, default_value = "operator")]
    owner: String,
    #[command(flatten)]
    plain: Plain,
}

/// Erasing removes the bytes at once, whoever else refers to them, and this node refuses them from then on: nobody can
/// upload, import or publish them here again. There is no way back. What lies below a folder goes when nothing else
/// leads to it. Claims that name the content, and copies on other hosts, are not touched.
#[derive(clap::Args)]
pub struct Erase {
    #[arg(value_name = "CID")]
    cid: String,
    /// Yes, for good
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    plain: Plain,
}

pub fn run(command: Store) -> ExitCode {
    match command {
        Store::Stat(plain) => answer::run(plain.json, stat(plain.folder)),
        Store::Verify(command) => verify::run(command),
        Store::Gc(command) => answer::run(command.plain.json, gc(command)),
        Store::Rebuild(command) => rebuild::run(command),
        Store::Pins(plain) => answer::run(plain.json, pins(plain.folder)),
        Store::Pin(command) => answer::run(command.plain.json, pin(command)),
        Store::Unpin(command) => answer::run(command.plain.json, unpin(command)),
        Store::Erase(command) => answer::run(command.plain.json, erase(command)),
        Store::Export(command) => export::run(command),
        Store::Import(command) => super::import::run(command),
    }
}

async fn stat(folder: Folder) -> Result<(String, Value), Failure> {
    let operator = Operator::of(&folder.root()?).await?;
    let answer = operator.operate(&Operation::Stat, |_| {}).await?;
    let Answer::Stat { files, file_bytes, blocks, leaves, pins, unreached, erased, damaged, free_bytes } = answer
    else {
        return Err(odd());
    };
    let text = format!(
        "{files} files of {}, {blocks} blocks besides, {leaves} leaves indexed\n\
         {pins} pins; {unreached} blocks wait to be removed; {erased} roots erased; {damaged} leaves damaged\n\
         {} free",
        size(file_bytes),
        size(free_bytes)
    );
    let value = json!({
        "files": files, "file_bytes": file_bytes, "blocks": blocks, "leaves": leaves, "pins": pins,
        "unreached": unreached, "erased": erased, "damaged": damaged, "free_bytes": free_bytes,
        "node_runs": operator.node_runs(),
    });
    Ok((text, value))
}

async fn gc(command: Gc) -> Result<(String, Value), Failure> {
    let operator = Operator::of(&command.plain.folder.root()?).await?;
    collected(operator.operate(&Operation::Collect { grace_ms: command.grace.map(millis) }, |_| {}).await?)
}

fn collected(answer: Answer) -> Result<(String, Value), Failure> {
    let Answer::Collected {
        reached,
        waiting,
        removed_files,
        removed_bytes,
        removed_blocks,
        damaged_files,
        fresh_files,
        fresh_blocks,
        fresh_bytes,
        unfinished,
    } = answer
    else {
        return Err(odd());
    };
    let mut text = format!(
        "Removed {removed_files} files of {} and {removed_blocks} blocks. {waiting} blocks wait for their grace period to \
         end; {reached} are wanted.",
        size(removed_bytes)
    );
    if fresh_files + fresh_blocks > 0 {
        text += &format!(
            "\n{fresh_files} files and {fresh_blocks} blocks more, {} together, were written within the last hour and stay \
             until it is over.",
            size(fresh_bytes)
        );
    }
    if damaged_files > 0 {
        text += &format!(
            "\n{damaged_files} files are due and stay: something in them is still wanted, and damaged. Repair them \
             (pinreel store verify --repair-from URL), then collect again."
        );
    }
    if unfinished {
        text += "\nSomebody kept pinning meanwhile; run it again for the rest.";
    }
    let value = json!({
        "removed_files": removed_files, "removed_bytes": removed_bytes, "removed_blocks": removed_blocks,
        "waiting": waiting, "reached": reached, "unfinished": unfinished,
        "damaged_files": damaged_files,
        "fresh_files": fresh_files, "fresh_blocks": fresh_blocks, "fresh_bytes": fresh_bytes,
    });
    Ok((text, value))
}

async fn pins(folder: Folder) -> Result<(String, Value), Failure> {
    let operator = Operator::of(&folder.root()?).await?;
    let (mut pins, mut stale): (Vec<PinRow>, Option<String>) = Default::default();
    let on_event = |event| match event {
        Event::Item(Item::Pin(pin)) => pins.push(pin),
        Event::Item(Item::Stale(why)) => stale = Some(why),
        _ => {}
    };
    operator.operate(&Operation::Pins, on_event).await?;
    let line = |pin: &PinRow| {
        let word = if pin.expired { "expired" } else { "until" };
        let until = pin.until_ms.map_or_else(String::new, |until| format!(", {word} {}", moment(until)));
        let reason = printable(&pin.reason);
        format!("{}  {}  {reason} (since {}{until})", pin.cid, pin.owner, moment(pin.since_ms))
    };
    let mut lines: Vec<String> = pins.iter().map(line).collect();
    if pins.is_empty() {
        lines.push("Nothing is pinned.".to_owned());
    }
    if !operator.node_runs() {
        lines.push("The node doesn't run: its own pins are as it left them.".to_owned());
    }
    if let Some(why) = &stale {
        lines.push(format!("The node's own pins may not be up to date: {why}."));
    }
    Ok((lines.join("\n"), json!({ "pins": pins, "node_runs": operator.node_runs(), "stale": stale })))
}

async fn pin(command: Pin) -> Result<(String, Value), Failure> {
    let operator = Operator::of(&command.plain.folder.root()?).await?;
    let (cid, for_ms) = (command.cid.clone(), command.r#for.map(millis));
    let answer = operator.operate(&Operation::Pin { cid, reason: command.reason, for_ms }, |_| {}).await?;
    let is_new = changed(&answer)?;
    let text = if is_new { "Pinned" } else { "Was pinned already, and is as you say now:" };
    Ok((format!("{text} {}", command.cid), json!({ "cid": command.cid, "new": is_new })))
}

/// A text as one line that a terminal only shows.
fn printable(text: &str) -> String {
    printable_path(Path::new(text))
}

async fn unpin(command: Unpin) -> Result<(String, Value), Failure> {
    let operator = Operator::of(&command.plain.folder.root()?).await?;
    let (cid, owner) = (command.cid.clone(), command.owner.clone());
    let answer = operator.operate(&Operation::Unpin { cid, owner }, |_| {}).await?;
    if !changed(&answer)? {
        let text = format!("{} has no pin of {}; `pinreel store pins` lists them.", command.cid, command.owner);
        return Err(Failure::new("pin_absent", text));
    }
    let text = format!("Unpinned {}; it stays until nothing has led to it for the grace period.", command.cid);
    Ok((text, json!({ "cid": command.cid, "owner": command.owner })))
}

async fn erase(command: Erase) -> Result<(String, Value), Failure> {
    if !command.yes {
        return Err(Failure::usage(format!(
            "Erasing {} removes it at once, whoever refers to it, and this node never takes these bytes again. There is no \
             way back. If you mean it, add --yes.",
            command.cid
        )));
    }
    let operator = Operator::of(&command.plain.folder.root()?).await?;
    let mut made = Vec::new();
    let on_event = |event| {
        if let Event::Item(Item::Made(root)) = event {
            made.push(root);
        }
    };
    let answer = operator.operate(&Operation::Erase { cid: command.cid }, on_event).await?;
    let (mut text, mut value) = collected(answer)?;
    if !made.is_empty() {
        text += "\nMade of it, and still here until you erase it as well:";
        made.iter().for_each(|root| text += &format!("\n{root}"));
    }
    value["made"] = json!(made);
    Ok((text, value))
}

fn changed(answer: &Answer) -> Result<bool, Failure> {
    if let Answer::Done { changed } = answer { Ok(*changed) } else { Err(odd()) }
}

pub fn odd() -> Failure {
    Failure::new("node_socket", "The node answered something that isn't expected; is it of another version?")
}

/// A number of seconds, or one with a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, seconds) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 24 * 3600),
        _ => (text, 1),
    };
    let number: Option<u64> = number.parse().ok();
    let total = number.and_then(|number| number.checked_mul(seconds)).filter(|total| *total <= u64::MAX / 1000);
    total.map(Duration::from_secs).ok_or_else(|| format!("{text} is no time; it looks like 90s, 30m, 12h or 7d"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A minute, in UTC.
pub fn moment(ms: u64) -> String {
    // Days since 1970 to a date: Howard Hinnant's algorithm, in years that begin in March.
    let days = ms / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let minute_of_day = ms / 60_000 % 1440;
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [("0", 0), ("90", 90), ("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "s", "-1", "1.5h", "1w", "1 h", "99999999999999999999", "213503982334602d", "1é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments() {
        for (ms, minute) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399_999, "2000-02-28 23:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (1_800_000_000_000, "2027-01-15 08:00 UTC"),
            (4_107_542_399_000, "2100-02-28 23:59 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(moment(ms), minute);
        }
    }
}
