//! The command line.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pinreel_runner::{Kind, Preset, Task};

use crate::child::{self, Told};
use crate::{direct, worker};

/// Transcodes uploads for a Pinreel server.
#[derive(Parser)]
#[command(name = "pinreel-transcoder", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    worker: Worker,
}

#[derive(Args)]
struct Worker {
    /// The server's address, such as http://127.0.0.1:8080
    #[arg(long, env = "PINREEL_SERVER")]
    server: Option<reqwest::Url>,
    /// A file with this worker's key, from `pinreel-transcoder register`
    #[arg(long, env = "PINREEL_WORKER_KEY_FILE", conflicts_with = "token_file")]
    key: Option<PathBuf>,
    /// A file with the node's worker token, in place of a key
    #[arg(long, env = "PINREEL_WORKER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Where jobs have their folders; needs room for the largest source and its renditions
    #[arg(long, env = "PINREEL_WORK_DIR")]
    work_dir: Option<PathBuf>,
    /// The name of a worker without a key, which stands in the public records of what it made [default: host and process]
    #[arg(long, env = "PINREEL_WORKER_NAME")]
    name: Option<String>,
    /// Kinds of sources to ask for
    #[arg(long, value_enum, value_delimiter = ',', env = "PINREEL_WORKER_KINDS", default_values_t = [KindArg::Video, KindArg::Audio, KindArg::Companion, KindArg::Preview])]
    kinds: Vec<KindArg>,
    /// Once told to end, how many seconds the job at hand may still take before it is given back
    #[arg(long, value_name = "SECONDS", env = "PINREEL_WORKER_DRAIN", default_value_t = 3600)]
    drain: u64,
    /// Work also where the kernel lacks a part of the fence around each job (Landlock, seccomp, network namespaces)
    #[arg(long, env = "PINREEL_ALLOW_WEAK_SANDBOX")]
    allow_weak_sandbox: bool,
    /// Ask for one job, do it, and end
    #[arg(long)]
    once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    Video,
    Audio,
    /// Captions and posters that lie beside films
    Companion,
    /// Pictures of what is neither film nor sound
    Preview,
}

#[derive(Args)]
struct Register {
    /// The server's address, such as https://video.example.org
    #[arg(long, env = "PINREEL_SERVER")]
    server: reqwest::Url,
    /// The registration token, from `pinreel worker invite` or the operator's page
    #[arg(long, env = "PINREEL_REGISTRATION_TOKEN", hide_env_values = true, allow_hyphen_values = true)]
    token: String,
    /// The file to write the key to; it mustn't exist
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The worker's name for operators, which stands in the public records of what it made [default: the host's]
    #[arg(long)]
    name: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Make this machine a worker of a server: buys a key with a token that its operator made
    Register(Register),
    /// Transcode one file into a folder, without a server
    Transcode {
        file: PathBuf,
        outdir: PathBuf,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
        /// Go on where the kernel lacks a part of the fence around the job
        #[arg(long, env = "PINREEL_ALLOW_WEAK_SANDBOX")]
        allow_weak_sandbox: bool,
        /// Another preset than the usual, as JSON, as a server hands it to its workers
        #[arg(long, value_name = "JSON", value_parser = preset)]
        preset: Option<Preset>,
        /// What to make of it, as JSON, as a server tells its workers: "renditions", "captions", "picture",
        /// {"frame":{"at_ms":1500}} or {"preview":{"of":"picture"}}, or "pdf" or "epub"
        #[arg(long, value_name = "JSON", value_parser = task)]
        task: Option<Task>,
    },
    /// One job's fenced process; started by the worker itself
    #[command(hide = true)]
    Child {
        #[arg(long)]
        parent: i32,
        /// Encode everything, also what fits as it is
        #[arg(long)]
        no_copying: bool,
        /// Go on behind a fence that lacks layers
        #[arg(long)]
        weak: bool,
        /// Only say which layers there are
        #[arg(long)]
        probe: bool,
        #[arg(long, value_parser = preset)]
        preset: Option<Preset>,
        #[arg(long, value_parser = task)]
        task: Option<Task>,
    },
}

/// `EX_CONFIG` of sysexits.h: a service manager needn't start this again before somebody has changed something.
const REFUSED: u8 = 78;

/// Exit codes: 0 done, 1 failed, 2 wrong usage, 78 refused by the server for good.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        // First of all, and before any thread: its fence must be up before anything else is.
        Some(Command::Child { parent, no_copying, weak, probe, preset, task }) => {
            let (preset, task) = (preset.unwrap_or_default(), task.unwrap_or_default());
            child::main(Told { parent, copying: !no_copying, weak, probe, preset, task })
        }
        Some(Command::Transcode { file, outdir, json, allow_weak_sandbox, preset, task }) => {
            let how = (task.unwrap_or_default(), preset.unwrap_or_default(), allow_weak_sandbox);
            with_runtime(transcode(file, outdir, json, how))
        }
        Some(Command::Register(options)) => with_runtime(register(options)),
        None => work(cli.worker),
    }
}

fn work(options: Worker) -> ExitCode {
    let (Some(server), Some(key_file)) = (options.server, options.key.or(options.token_file)) else {
        complain("--server and --key are needed (or PINREEL_SERVER and PINREEL_WORKER_KEY_FILE)");
        return ExitCode::from(2);
    };
    let kind = |kind: KindArg| match kind {
        KindArg::Video => Kind::Video,
        KindArg::Audio => Kind::Audio,
        KindArg::Companion => Kind::Companion,
        KindArg::Preview => Kind::Preview,
    };
    let (kinds, drain) = (options.kinds.into_iter().map(kind).collect(), Duration::from_secs(options.drain));
    let work_dir = options.work_dir.unwrap_or_else(std::env::temp_dir);
    let (weak, once) = (options.allow_weak_sandbox, options.once);
    let settings = worker::Settings { server, key_file, work_dir, name: options.name, kinds, drain, weak, once };
    with_runtime(async move {
        match worker::run(settings).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                match error {
                    worker::End::Failed(_) => ExitCode::FAILURE,
                    worker::End::Refused(_) => ExitCode::from(REFUSED),
                }
            }
        }
    })
}

async fn register(options: Register) -> ExitCode {
    let Register { server, token, key, name } = options;
    match worker::register(server.clone(), &token, name, &key).await {
        Ok(name) => {
            let text = format!(
                "Registered as {name}. Start it with\n\n    pinreel-transcoder --server {server} --key {}\n",
                key.display()
            );
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn preset(json: &str) -> Result<Preset, String> {
    let preset: Preset = serde_json::from_str(json).map_err(|error| error.to_string())?;
    preset.checked().map_err(|error| error.to_string())
}

fn task(json: &str) -> Result<Task, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// One thread: children die with the thread that started them, so it must be the one that lives longest.
fn with_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    let level = tracing_subscriber::EnvFilter::try_from_default_env();
    let level = level.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let (log, by_hand) = (tracing_subscriber::fmt().with_env_filter(level), std::io::stderr().is_terminal());
    // What can't be written, for nobody reads it any more, must not end whoever says it.
    let log = log.with_writer(std::io::stderr).with_ansi(by_hand).log_internal_errors(false);
    // Whoever collects the lines, the node or a service manager, stamps them with its own time.
    if by_hand {
        log.init()
    } else {
        log.without_time().init()
    }
    // Only fails when a provider was installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => {
            complain(&format!("can't start: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn transcode(file: PathBuf, outdir: PathBuf, json: bool, how: (Task, Preset, bool)) -> ExitCode {
    let told = |fraction: f64| {
        if !json {
            // A terminal that is gone needs no progress.
            let _ = write!(std::io::stderr(), "\r{:3.0} %", fraction * 100.0);
        }
    };
    match direct::transcode(&file, &outdir, how, told).await {
        Ok(result) => {
            let line = if json {
                serde_json::to_string(&result).unwrap_or_default()
            } else {
                format!("\r{}: {} ms", outdir.join(direct::RESULT).display(), result.duration_ms)
            };
            let _ = writeln!(std::io::stdout(), "{line}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            if let Some(detail) = &failure.detail {
                tracing::warn!(detail, "the process that read the file did what it must not");
            }
            let error = serde_json::json!({"error": {"code": failure.code, "message": failure.reason}});
            if json {
                let _ = writeln!(std::io::stdout(), "{error}");
            } else {
                complain(&failure.reason);
            }
            ExitCode::FAILURE
        }
    }
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "pinreel-transcoder: {text}");
}
