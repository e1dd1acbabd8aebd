//! The command line: what a person, a script or a supervisor can ask of the node.
//!
//! Exit codes are 0 (done, or the answer is yes), 1 (the answer is no, with a sentence) and 2 (wrong usage).

mod answer;
mod cid;
mod client;
mod db;
mod import;
mod jobs;
mod operator;
mod pages;
mod progress;
mod publish;
mod resolve;
mod serve;
mod store;
mod verify;
mod worker;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Publish a file on a node
    Publish(Box<publish::Publish>),
    /// Look up what an address means on a node
    Resolve(resolve::Resolve),
    /// Recheck a node's log and what it shows, trusting nothing
    Verify(verify::Verify),
    /// Reach the node's database
    #[command(subcommand)]
    Db(db::Db),
    /// Put the content of CAR files into the node's store, for everyone to fetch
    Import(import::Import),
    /// Print the CIDs of files and folders without storing them
    Cid(cid::Cids),
    /// Look after the content that a node keeps
    #[command(subcommand)]
    Store(store::Store),
    /// Look after transcoding: what waits, runs and failed
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Look after the transcoders that work for the node
    #[command(subcommand)]
    Worker(worker::Worker),
    /// Print a script that completes commands in a shell
    Completions(pages::Completions),
    /// Write manual pages
    Man(pages::Man),
    /// Print the API's OpenAPI document
    Openapi,
}

pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    match cli.command {
        Command::Serve(command) => serve::run(*command),
        Command::Publish(command) => publish::run(*command),
        Command::Resolve(command) => resolve::run(command),
        Command::Verify(command) => verify::run(command),
        Command::Db(command) => db::run(command),
        Command::Import(command) => import::run(command),
        Command::Cid(command) => cid::run(command),
        Command::Store(command) => store::run(command),
        Command::Jobs(command) => jobs::run(command),
        Command::Worker(command) => worker::run(command),
        Command::Completions(command) => pages::completions(&command, Cli::command()),
        Command::Man(command) => pages::man(&command, Cli::command()),
        Command::Openapi => openapi(),
    }
}

/// Wrong usage, or a call for help. Programs that want JSON get it here, too.
fn misused(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        // The first paragraph says what is wrong; what follows is help.
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let sentence = lines.join(" ");
        return answer::Failure::usage(sentence.trim_start_matches("error: ")).end(true);
    }
    // A terminal that went away needs no help.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn openapi() -> ExitCode {
    match crate::router::openapi().to_pretty_json() {
        Ok(document) => say(&document),
        Err(error) => fail(&format!("The document can't be written ({error}).")),
    }
}

/// An answer, one line on stdout.
fn say(answer: &str) -> ExitCode {
    put(format!("{answer}\n").as_bytes())
}

/// Bytes on stdout.
fn put(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    put_down(out.write_all(bytes).and_then(|()| out.flush()))
}

/// How a command ends that could write its answer, or couldn't: a reader that went away has what it wanted.
fn put_down(written: std::io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("The answer can't be written ({error})."))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// What went wrong, one sentence on stderr.
fn fail(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}
