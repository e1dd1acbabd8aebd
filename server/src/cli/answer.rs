//! How a command ends: an answer on stdout, or a sentence on stderr; with `--json` one line on stdout either way.

use std::process::ExitCode;

use serde_json::{Value, json};

/// Why a command can't say yes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// Whether the command itself was wrong, not what it found.
    pub is_usage: bool,
}

impl Failure {
    pub fn new(code: &str, message: impl ToString) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), is_usage: false }
    }

    pub fn usage(message: impl ToString) -> Self {
        Self { code: "usage".to_owned(), message: message.to_string(), is_usage: true }
    }

    pub fn json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message } })
    }

    /// Tells it and ends.
    pub fn end(&self, as_json: bool) -> ExitCode {
        if as_json {
            let _ = super::say(&self.json().to_string());
        } else {
            eprintln!("{}", self.message);
        }
        self.exit_code()
    }

    pub fn exit_code(&self) -> ExitCode {
        if self.is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}

/// Runs a command that talks to a node, and ends as it says: `Ok` holds the text for people and the JSON.
pub fn run<F>(as_json: bool, command: F) -> ExitCode
where
    F: Future<Output = Result<(String, Value), Failure>>,
{
    run_checked(as_json, async { command.await.map(|(text, value)| (true, text, value)) })
}

/// As [`run`], for a command whose answer may be no.
pub fn run_checked<F>(as_json: bool, command: F) -> ExitCode
where
    F: Future<Output = Result<(bool, String, Value), Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Err(Failure::new("internal", format!("No threads can be started ({error})."))),
    };
    match outcome {
        Ok((is_yes, text, value)) => {
            let said = if as_json { super::say(&value.to_string()) } else { super::say(&text) };
            if is_yes { said } else { ExitCode::FAILURE }
        }
        Err(failure) => failure.end(as_json),
    }
}
