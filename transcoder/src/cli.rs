//! The command line.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

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
    /// A file with the worker's token
    #[arg(long, env = "PINREEL_WORKER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Where jobs have their folders; needs room for the largest source and its renditions
    #[arg(long, env = "PINREEL_WORK_DIR")]
    work_dir: Option<PathBuf>,
    /// The worker's name for operators, which stands in the public records of what it made [default: host and process]
    #[arg(long, env = "PINREEL_WORKER_NAME")]
    name: Option<String>,
    /// Work also where the kernel lacks a part of the fence around each job (Landlock, seccomp, network namespaces)
    #[arg(long, env = "PINREEL_ALLOW_WEAK_SANDBOX")]
    allow_weak_sandbox: bool,
    /// Ask for one job, do it, and end
    #[arg(long)]
    once: bool,
}

#[derive(Subcommand)]
enum Command {
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
    },
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        // First of all, and before any thread: its fence must be up before anything else is.
        Some(Command::Child { parent, no_copying, weak, probe }) => {
            child::main(Told { parent, copying: !no_copying, weak, probe })
        }
        Some(Command::Transcode { file, outdir, json, allow_weak_sandbox }) => {
            with_runtime(transcode(file, outdir, json, allow_weak_sandbox))
        }
        None => work(cli.worker),
    }
}

fn work(options: Worker) -> ExitCode {
    let (Some(server), Some(token_file)) = (options.server, options.token_file) else {
        complain("--server and --token-file are needed (or PINREEL_SERVER and PINREEL_WORKER_TOKEN_FILE)");
        return ExitCode::from(2);
    };
    let work_dir = options.work_dir.unwrap_or_else(std::env::temp_dir);
    let (weak, once) = (options.allow_weak_sandbox, options.once);
    let settings = worker::Settings { server, token_file, work_dir, name: options.name, weak, once };
    with_runtime(async move {
        match worker::run(settings).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        }
    })
}

/// One thread: children die with the thread that started them, so it must be the one that lives longest.
fn with_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    let level = tracing_subscriber::EnvFilter::try_from_default_env();
    let level = level.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let (log, by_hand) = (tracing_subscriber::fmt().with_env_filter(level), std::io::stderr().is_terminal());
    let log = log.with_writer(std::io::stderr).with_ansi(by_hand);
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

async fn transcode(file: PathBuf, outdir: PathBuf, json: bool, weak: bool) -> ExitCode {
    let told = |fraction: f64| {
        if !json {
            // A terminal that is gone needs no progress.
            let _ = write!(std::io::stderr(), "\r{:3.0} %", fraction * 100.0);
        }
    };
    match direct::transcode(&file, &outdir, weak, told).await {
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
