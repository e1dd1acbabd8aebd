//! The one transcoder that a node runs itself. It talks to the node over HTTP as any other worker would, and is given
//! nothing but its token: ffmpeg parses hostile files.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{Program, Signal, keep_running, small_environment};
use crate::app::App;
use crate::media::LOCAL_WORKER;

const PROGRAM: &str = "pinreel-transcoder";
/// Passed on: whether it may work where the kernel lacks a part of the fence around its jobs.
const WEAK_SANDBOX: &str = "PINREEL_ALLOW_WEAK_SANDBOX";

#[derive(Debug, thiserror::Error)]
#[error("There is no transcoder at {}; name another with --transcoder PROGRAM, or `none`.", .0.display())]
pub struct NoTranscoder(PathBuf);

/// The transcoder to run: what was named, else the one beside this program; `None` if there is none to run.
pub fn find(named: Option<&Path>) -> Result<Option<PathBuf>, NoTranscoder> {
    match named {
        Some(named) if named.as_os_str() == "none" => Ok(None),
        Some(named) if named.is_file() => Ok(Some(named.to_owned())),
        Some(named) => Err(NoTranscoder(named.to_owned())),
        None => {
            let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(PROGRAM)));
            let found = beside.filter(|path| path.is_file());
            if found.is_none() {
                tracing::warn!("there is no {PROGRAM} beside this program: uploads wait for a worker from elsewhere");
            }
            Ok(found)
        }
    }
}

/// Keeps the transcoder running until the node stops.
pub fn start(app: &App, program: PathBuf) {
    let server = app.site.local_url().to_string();
    let token_file = app.config.worker_token_file.clone().unwrap_or_else(|| app.data.worker_token());
    // Sources may be larger than what /tmp holds.
    let work_dir = std::env::var_os("PINREEL_WORK_DIR").map_or_else(|| app.data.work(), PathBuf::from);
    let command = move || {
        let mut command = Command::new(&program);
        small_environment(&mut command);
        if let Some(allowed) = std::env::var_os(WEAK_SANDBOX) {
            command.env(WEAK_SANDBOX, allowed);
        }
        command.arg("--server").arg(server.trim_end_matches('/')).arg("--token-file").arg(&token_file);
        command.arg("--name").arg(LOCAL_WORKER).arg("--work-dir").arg(&work_dir);
        // The node that it works for is ending as well.
        command.arg("--drain").arg("0");
        Ok(command)
    };
    app.tasks.spawn(keep_running(Program { name: "transcoder", death: Signal::KILL }, command, app.tasks.stop.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_none_and_a_missing_one_is_said() {
        assert!(find(Some(Path::new("none"))).unwrap().is_none());
        assert!(find(Some(Path::new("/nowhere/transcoder"))).unwrap_err().to_string().contains("/nowhere/transcoder"));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(find(Some(file.path())).unwrap().unwrap(), file.path());
    }
}
