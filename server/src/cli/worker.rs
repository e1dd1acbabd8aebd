//! `pinreel worker`: who transcodes for the node, as its operator.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::answer::{self, Failure};
use super::operator::{Folder, Operator};
use super::store::{moment, odd};
use crate::media::wish::{Answer, Wish};
use crate::media::{Invite, Worker as Row};

#[derive(Subcommand)]
pub enum Worker {
    /// Make a token that registers a worker on another machine
    ///
    /// The worker buys a key of its own with it: `pinreel-transcoder register --server URL --token TOKEN --key FILE`.
    Invite(Invitation),
    /// List the workers
    List(Plain),
    /// Take a worker's key from it: it gets no job any more, and what it works on goes to others
    Revoke(One),
    /// Take back all that a worker made: it is no longer shown, and is made again
    ///
    /// Revoke the worker first, or it may be the one that makes it again.
    Withdraw(Withdraw),
}

#[derive(clap::Args)]
pub struct Plain {
    #[command(flatten)]
    folder: Folder,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Invitation {
    /// How long the token lasts
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// Let any number of workers register with it
    #[arg(long)]
    reusable: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(clap::Args)]
pub struct One {
    /// The worker's name, as `pinreel worker list` shows it
    #[arg(value_name = "WORKER")]
    name: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(clap::Args)]
pub struct Withdraw {
    #[command(flatten)]
    one: One,
    /// Yes, all of it
    #[arg(long)]
    yes: bool,
}

pub fn run(command: Worker) -> ExitCode {
    match command {
        Worker::Invite(command) => answer::run(command.plain.json, invite(command)),
        Worker::List(plain) => answer::run(plain.json, list(plain)),
        Worker::Revoke(one) => answer::run(one.plain.json, revoke(one)),
        Worker::Withdraw(command) => answer::run(command.one.plain.json, withdraw(command)),
    }
}

async fn invite(command: Invitation) -> Result<(String, Value), Failure> {
    let wish = Wish::Invite(Invite { hours: Some(command.hours), reusable: command.reusable });
    let Answer::Invitation(made) = Operator::wish(&command.plain.folder.root()?, &wish).await? else {
        return Err(odd());
    };
    let whom = if made.reusable { "any number of workers" } else { "one worker" };
    let text = format!(
        "This registers {whom} within {} hours, and is told only now:\n\n    \
         pinreel-transcoder register --server {} --token {} --key worker.key\n",
        command.hours, made.server, made.token
    );
    Ok((text, json!(made)))
}

async fn list(plain: Plain) -> Result<(String, Value), Failure> {
    let Answer::Workers(workers) = Operator::wish(&plain.folder.root()?, &Wish::Workers).await? else {
        return Err(odd());
    };
    let mut lines: Vec<String> = workers.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("No worker has asked for a job yet.".to_owned());
    }
    Ok((lines.join("\n"), json!({ "workers": workers })))
}

fn line(worker: &Row) -> String {
    let state = match (worker.revoked_ms, worker.registered) {
        (Some(at_ms), _) => format!("revoked {}", moment(at_ms.unsigned_abs())),
        (None, true) => "by its key".to_owned(),
        (None, false) => "by the node's token".to_owned(),
    };
    let seen = worker.seen_ms.map_or_else(|| "never".to_owned(), |ms| moment(ms.unsigned_abs()));
    let speed = worker.speed.map_or_else(String::new, |speed| format!(", {speed:.1}×"));
    format!(
        "{}  {state}, asked last {seen}, {} running, {} renditions{speed}",
        worker.name, worker.running, worker.renditions
    )
}

async fn revoke(one: One) -> Result<(String, Value), Failure> {
    let wish = Wish::Revoke { worker: one.name.clone() };
    let Answer::Done = Operator::wish(&one.plain.folder.root()?, &wish).await? else { return Err(odd()) };
    let text = format!(
        "{} gets no job any more. What it made stays; `pinreel worker withdraw {}` takes that back.",
        one.name, one.name
    );
    Ok((text, json!({ "worker": one.name })))
}

async fn withdraw(Withdraw { one, yes }: Withdraw) -> Result<(String, Value), Failure> {
    if !yes {
        return Err(Failure::usage(format!(
            "This takes all that {} made from people's view until it is made again. If you mean it, add --yes.",
            one.name
        )));
    }
    let wish = Wish::Withdraw { worker: one.name.clone() };
    let Answer::Withdrawn { renditions } = Operator::wish(&one.plain.folder.root()?, &wish).await? else {
        return Err(odd());
    };
    let text = format!("{renditions} renditions that {} made are no longer shown, and are made again.", one.name);
    Ok((text, json!({ "worker": one.name, "renditions": renditions })))
}
