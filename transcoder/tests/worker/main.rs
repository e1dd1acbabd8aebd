//! The worker against a server that breaks off, is away, cancels and takes leases back.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod server;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::http::StatusCode;
use common::{BINARY, clip};
use pinreel_runner::Release;
use server::{App, Server};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A worker, its folder, and the server it talks to.
struct Bench {
    app: App,
    worker: Child,
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
}

impl Bench {
    async fn start(server: Server, once: bool) -> Self {
        let app = App::new(server);
        let routes = app.clone().routes();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "worker-secret\n").unwrap();
        let mut command = Command::new(BINARY);
        command.args(["--server", &format!("http://{address}"), "--token-file"]).arg(token);
        command.arg("--work-dir").arg(folder.path().join("work")).stderr(Stdio::piped()).kill_on_drop(true);
        if once {
            command.arg("--once");
        }
        let worker = command.spawn().unwrap();
        Self { app, worker, folder, address }
    }

    async fn signal(&self, signal: &str) {
        let id = self.worker.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().await.unwrap().success());
    }

    /// Waits until it has begun to transcode.
    async fn transcoding(&self) {
        while !self.app.with(|server| server.stages.iter().any(|stage| stage == "transcoding")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the worker to end by itself; nothing may be left in its folder.
    async fn end(mut self) -> App {
        let ended = tokio::time::timeout(Duration::from_secs(120), self.worker.wait()).await;
        assert!(ended.expect("it ends").unwrap().success());
        assert_eq!(left_behind(&self.folder), Vec::<PathBuf>::new());
        self.app
    }
}

fn left_behind(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    std::fs::read_dir(folder.path().join("work")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn small_clip() -> Vec<u8> {
    let (_folder, path) = clip(
        "a.mp4",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=3 -f lavfi -i sine=duration=3 -preset ultrafast -c:a aac",
    );
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn a_job_survives_a_server_that_is_away_now_and_then() {
    let away = HashMap::from([("lease", 1), ("file", 2), ("grow", 1), ("complete", 2)]);
    let source = small_clip();
    let break_at = Some(source.len() / 3);
    let server = Server { source, jobs: 1, away, break_at, ..Server::default() };
    let app = Bench::start(server, true).await.end().await;
    app.with(|server| {
        let complete = server.completed.take().expect("completed");
        assert!(server.failed.is_none());
        assert_eq!(complete.epoch, 3);
        assert_eq!((complete.result.video.len(), complete.result.audio.len()), (1, 1));
        let noted: Vec<_> = server.log.iter().chain(&complete.log).map(|line| line.text.as_str()).collect();
        assert!(noted.iter().any(|line| line.starts_with("fetching ")), "{noted:?}");
        assert!(noted.contains(&"transcoded; delivering the last files"), "{noted:?}");
        assert_eq!(server.ranges.len(), 2);
        let resumed = server.ranges[1].as_deref().expect("it resumes");
        assert!(resumed.starts_with("bytes=") && resumed != "bytes=0-", "{resumed}");
        let named: Vec<_> = complete.result.files().collect();
        assert_eq!(named.len(), server.files.len());
        for file in named {
            let (cid, bytes) = &server.files[&file.name];
            assert_eq!((cid, bytes.len() as u64), (&file.cid, file.bytes));
            assert_eq!(*cid, pinreel_content::hash_bytes(bytes).cid.to_string());
        }
    });
}

#[tokio::test]
async fn what_can_be_watched_is_told_step_by_step_and_is_in_the_result() {
    // Two rungs, of which the lower comes first; nothing fits to be copied.
    let (_folder, path) = clip(
        "a.mov",
        "-f lavfi -i testsrc2=size=960x720:rate=25:duration=9 -f lavfi -i sine=duration=9 -c:v mpeg4 -c:a pcm_s16le",
    );
    let server = Server { source: std::fs::read(path).unwrap(), jobs: 1, ..Server::default() };
    let app = Bench::start(server, true).await.end().await;
    app.with(|server| {
        let result = server.completed.take().expect("completed").result;
        let first = &server.grown[0];
        assert!(first.steps.len() < result.video[0].segments.len(), "the first steps are told before the last is made");
        assert_eq!(first.early.folders().collect::<Vec<_>>(), ["v480", "a0"]);
        let mut told = Vec::new();
        for growth in &server.grown {
            assert_eq!((growth.epoch, growth.first, growth.ended), (3, told.len() as u64, false));
            assert_eq!(growth.early, first.early);
            told.extend(growth.steps.clone());
        }
        let quick = result.video.iter().find(|video| video.name == "v480").unwrap();
        let made = quick.segments.iter().zip(&result.audio[0].segments);
        assert_eq!(told, made.map(|(video, audio)| vec![video.clone(), audio.clone()]).collect::<Vec<_>>());
        assert_eq!(first.early.video.as_ref().unwrap().init, quick.init);
    });
}

#[tokio::test]
async fn a_file_that_is_no_video_fails_for_good() {
    let server = Server { source: b"Dear diary,\nnothing today.\n".to_vec(), jobs: 1, ..Server::default() };
    let app = Bench::start(server, true).await.end().await;
    app.with(|server| {
        let fail = server.failed.take().expect("failed");
        assert_eq!((fail.epoch, fail.code.as_str(), fail.retryable), (3, "not_media", false));
        assert!(server.completed.is_none());
    });
}

#[tokio::test]
async fn a_refused_file_is_told_as_a_crash_and_the_log_says_why() {
    for status in [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::BAD_REQUEST] {
        // The last one that is made: a child that is killed while it writes may leave something behind.
        let refused_file = Some(("video.mp4", status));
        let server = Server { source: small_clip(), refused_file, jobs: 1, ..Server::default() };
        let app = Bench::start(server, true).await.end().await;
        app.with(|server| {
            let fail = server.failed.take().expect("failed");
            assert_eq!((fail.code.as_str(), fail.retryable, fail.is_of_worker()), ("transcoder_crashed", true, false));
            assert!(!fail.reason.contains(status.as_str()), "{}", fail.reason);
            let mut noted = server.log.iter().chain(&fail.log);
            assert!(noted.any(|line| line.text.contains(status.as_str())), "nobody learns why: {:?}", fail.log);
        });
    }
}

#[tokio::test]
async fn other_bytes_than_the_cid_says_are_not_transcoded() {
    let cid = Some(pinreel_content::hash_bytes(b"something else").cid.to_string());
    let server = Server { source: small_clip(), cid, jobs: 1, ..Server::default() };
    let app = Bench::start(server, true).await.end().await;
    app.with(|server| {
        let fail = server.failed.take().expect("failed");
        assert_eq!((fail.code.as_str(), fail.retryable), ("source_mismatch", true));
        assert!(server.files.is_empty());
    });
}

#[tokio::test]
async fn a_worker_whose_machine_is_at_fault_says_so_and_rests_before_it_asks_again() {
    let cid = Some(pinreel_content::hash_bytes(b"something else").cid.to_string());
    let server = Server { source: small_clip(), cid, jobs: 9, ..Server::default() };
    let mut bench = Bench::start(server, false).await;
    let mut said = BufReader::new(bench.worker.stderr.take().unwrap()).lines();
    let heard =
        async { while !said.next_line().await.unwrap().expect("a line").contains("this machine is at fault") {} };
    tokio::time::timeout(Duration::from_secs(60), heard).await.expect("it says so");
    bench.signal("TERM").await;
    let app = bench.end().await;
    app.with(|server| {
        assert_eq!(server.failed.take().expect("failed").code, "source_mismatch");
        assert_eq!(server.jobs, 8, "it asked for another");
    });
}

#[tokio::test]
async fn a_cancelled_or_lost_job_is_dropped_without_a_word() {
    let (_folder, long) = clip("long.mp4", "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=60 -preset ultrafast");
    let source = std::fs::read(long).unwrap();
    for (cancel, lose_after) in [(true, None), (false, Some(2))] {
        let server = Server { source: source.clone(), jobs: 1, cancel, lose_after, ..Server::default() };
        let app = Bench::start(server, true).await.end().await;
        app.with(|server| assert!(server.completed.is_none() && server.failed.is_none(), "{cancel}"));
    }
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_leaves_nothing() {
    let mut bench = Bench::start(Server::default(), false).await;
    let asked = bench.app.clone();
    tokio::time::timeout(Duration::from_secs(60), asked.is_out_of_jobs()).await.expect("it asks for work");
    let id = bench.worker.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(20), bench.worker.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
    assert_eq!(left_behind(&bench.folder), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_finishes_its_job_first() {
    let (_folder, clip) = clip("a.mp4", "-f lavfi -i testsrc2=size=640x360:rate=30:duration=20 -preset ultrafast");
    let server = Server { source: std::fs::read(clip).unwrap(), jobs: 9, ..Server::default() };
    let bench = Bench::start(server, false).await;
    bench.transcoding().await;
    bench.signal("TERM").await;
    let app = bench.end().await;
    app.with(|server| {
        assert!(server.completed.is_some() && server.released.is_none());
        assert_eq!(server.jobs, 8, "it asked for another");
    });
}

#[tokio::test]
async fn told_twice_it_gives_its_job_back() {
    let (_folder, long) = clip("long.mp4", "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=60 -preset ultrafast");
    let server = Server { source: std::fs::read(long).unwrap(), jobs: 1, ..Server::default() };
    let bench = Bench::start(server, false).await;
    bench.transcoding().await;
    bench.signal("TERM").await;
    bench.signal("INT").await;
    let app = bench.end().await;
    app.with(|server| {
        assert_eq!(server.released, Some(Release { epoch: 3 }));
        assert!(server.completed.is_none() && server.failed.is_none());
    });
}

#[tokio::test]
async fn a_worker_that_is_refused_for_good_ends_with_the_servers_sentence() {
    for code in ["worker_revoked", "protocol_unknown", "recipe_unknown", "worker_name_taken"] {
        let server = Server { refusal: Some((StatusCode::FORBIDDEN, code)), ..Server::default() };
        let bench = Bench::start(server, false).await;
        let said = tokio::time::timeout(Duration::from_secs(60), bench.worker.wait_with_output()).await;
        let said = said.expect("it ends").unwrap();
        assert_eq!(said.status.code(), Some(78));
        let text = String::from_utf8(said.stderr).unwrap();
        assert!(text.ends_with(&format!("pinreel-transcoder: In a sentence: {code}.\n")), "{text}");
    }
}

#[tokio::test]
async fn registering_writes_a_private_key_and_never_over_another() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::start(Server::default(), false).await;
    let key = bench.folder.path().join("key");
    let register = async |token: &str| {
        let mut command = Command::new(BINARY);
        command.args([
            "register",
            "--server",
            &format!("http://{}", bench.address),
            "--token",
            token,
            "--name",
            "gpu-1",
        ]);
        let said = command.arg("--key").arg(&key).output().await.unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
    };
    let (code, _, said) = register("wrong").await;
    assert_eq!((code, said.as_str()), (Some(1), "pinreel-transcoder: This registration token was used.\n"));
    assert!(!key.exists());
    let (code, said, _) = register("invitation").await;
    assert!(code == Some(0) && said.starts_with("Registered as gpu-1."), "{said}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "key-of-its-own\n");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, _, said) = register("invitation").await;
    assert!(code == Some(1) && said.contains("exists already"), "{said}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "key-of-its-own\n");
}
