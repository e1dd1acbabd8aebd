//! The command line: what a person, a script or a supervisor can ask of the node.
//!
//! Exit codes are 0 (done, or the answer is yes), 1 (the answer is no, with a sentence) and 2 (wrong usage).

mod db;
mod import;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "pinreel", version, about = "Publishes media that outlives its host")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node: gateway, API, web app and, unless told otherwise, one transcoder
    Serve(Box<serve::Serve>),
    /// Reach the node's database
    #[command(subcommand)]
    Db(db::Db),
    /// Put the blocks of CAR files into the node's store, for everyone to fetch
    Import(import::Import),
    /// Print the API's OpenAPI document
    Openapi,
}

pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(command) => serve::run(*command),
        Command::Db(command) => db::run(command),
        Command::Import(command) => import::run(command),
        Command::Openapi => openapi(),
    }
}

fn openapi() -> ExitCode {
    match crate::router::openapi().to_pretty_json() {
        Ok(document) => say(&document),
        Err(error) => fail(&format!("The document can't be written ({error}).")),
    }
}

/// An answer, one line on stdout.
fn say(answer: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    // A reader that went away has what it wanted.
    let _ = writeln!(out, "{answer}");
    ExitCode::SUCCESS
}

/// What went wrong, one sentence on stderr.
fn fail(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}
