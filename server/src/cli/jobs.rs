//! `pinreel jobs`: what waits, runs and failed, as the operator.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::answer::{self, Failure};
use super::operator::{Folder, Operator};
use super::store::{moment, odd, size};
use crate::media::wish::{Answer, Wish};
use crate::media::{Filter, Job, JobDetails, JobState, ListedJob};

#[derive(Subcommand)]
pub enum Jobs {
    /// List jobs, newest first
    List(List),
    /// Show a job with its log
    Show(One),
    /// Try a failed job again
    Retry(One),
    /// Stop a job that waits or runs
    Cancel(One),
    /// Say how urgent a job is
    Priority(Priority),
}

#[derive(clap::Args)]
pub struct List {
    /// Only those in this state
    #[arg(long, value_enum, default_value_t = Filter::All)]
    state: Filter,
    /// Only those older than this one
    #[arg(long, value_name = "JOB")]
    after: Option<String>,
    /// At most so many, up to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct One {
    /// The job's id, as `pinreel jobs list` shows it
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Priority {
    #[command(flatten)]
    one: One,
    /// From -10 to 10; the highest goes first, and 0 is usual
    #[arg(long, allow_negative_numbers = true)]
    to: i16,
}

pub fn run(command: Jobs) -> ExitCode {
    match command {
        Jobs::List(list) => answer::run(list.json, listed(list)),
        Jobs::Show(one) => answer::run(one.json, show(one)),
        Jobs::Retry(one) => answer::run(one.json, change(one, |id| Wish::Retry { id }, "is tried again")),
        Jobs::Cancel(one) => answer::run(one.json, change(one, |id| Wish::Cancel { id }, "is cancelled")),
        Jobs::Priority(Priority { one, to }) => {
            answer::run(one.json, change(one, move |id| Wish::Priority { id, priority: to }, "has its new priority"))
        }
    }
}

async fn listed(list: List) -> Result<(String, Value), Failure> {
    let wish = Wish::Jobs { filter: list.state, after: list.after, limit: list.limit };
    let Answer::Jobs(jobs) = Operator::wish(&list.folder.root()?, &wish).await? else { return Err(odd()) };
    let mut lines: Vec<String> = jobs.items.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("There is no such job.".to_owned());
    }
    if let Some(next) = &jobs.next {
        lines.push(format!("There are more: --after {next}"));
    }
    Ok((lines.join("\n"), json!(jobs)))
}

async fn show(one: One) -> Result<(String, Value), Failure> {
    let Answer::Job(details) = Operator::wish(&one.folder.root()?, &Wish::Job { id: one.id }).await? else {
        return Err(odd());
    };
    let JobDetails { listed, log } = &*details;
    let mut lines = vec![line(listed)];
    let facts = [
        ("source", Some(format!("{}, {}", listed.source, size(listed.source_bytes.unsigned_abs())))),
        ("recipe", Some(listed.recipe.clone())),
        ("channel", listed.handle.as_ref().map(|handle| format!("@{handle}"))),
        ("worker", listed.worker.clone()),
        ("priority", Some(listed.priority.to_string())),
        ("tries", Some(listed.attempts.to_string())),
        ("root", listed.job.root.clone()),
        ("reason", listed.job.reason.clone()),
    ];
    lines.extend(facts.into_iter().filter_map(|(name, fact)| Some(format!("  {name:<9} {}", fact?))));
    for rung in &listed.job.rungs {
        lines.push(format!("  {:<9} {:3.0} %", rung.name, rung.fraction * 100.0));
    }
    lines.extend(log.iter().map(|entry| format!("  {}  {}", moment(entry.at_ms.unsigned_abs()), entry.text)));
    Ok((lines.join("\n"), json!(details)))
}

async fn change(one: One, wish: impl FnOnce(String) -> Wish, done: &str) -> Result<(String, Value), Failure> {
    let Answer::Done = Operator::wish(&one.folder.root()?, &wish(one.id.clone())).await? else { return Err(odd()) };
    Ok((format!("The job {} {done}.", one.id), json!({ "job": one.id })))
}

fn line(listed: &ListedJob) -> String {
    let state = match listed.job.state {
        JobState::Running => running(&listed.job),
        JobState::Failed => format!("failed ({})", listed.job.code.as_deref().unwrap_or("unknown")),
        other => other.in_words().to_owned(),
    };
    format!("{}  {state:<24}  {}", listed.job.id, listed.file_name)
}

fn running(job: &Job) -> String {
    let speed = job.speed.map_or_else(String::new, |speed| format!(", {speed:.1}×"));
    let left = job.left_ms.map_or_else(String::new, |ms| format!(", {} s left", ms.div_ceil(1000)));
    format!("{:.0} %{speed}{left}", job.fraction * 100.0)
}
