//! The fence around a job's child, looked at from outside while it works.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{BINARY, clip, skipped};

/// Polls for something that another process is about to do.
fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} didn't happen");
        std::thread::yield_now();
    }
}

/// A direct run on a clip that takes a while, and its child's folder in /proc, its fence being up.
fn working(clip: &Path, out: &Path) -> (Child, PathBuf) {
    let parent = Command::new(BINARY).arg("transcode").arg(clip).arg(out).stderr(Stdio::null()).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let child = wait_for("a child", || {
        let first: u32 = fs::read_to_string(&children).ok()?.split_whitespace().next()?.parse().ok()?;
        Some(PathBuf::from(format!("/proc/{first}")))
    });
    // The first file is written long after the fence is up.
    wait_for("the first file", || out.join("v720/init.mp4").is_file().then_some(()));
    (parent, child)
}

#[test]
fn the_child_is_fenced_in_and_dies_with_its_parent() {
    let (_folder, clip) = clip("long.mp4", "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=60 -preset ultrafast");
    let out = tempfile::tempdir().unwrap();
    let (mut parent, child) = working(&clip, out.path());

    let limits = fs::read_to_string(child.join("limits")).unwrap();
    let limit = |name: &str| -> String {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max address space"), (4_u64 << 30).to_string());
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max open files"), "64");
    assert_eq!(limit("Max file size"), (256_u64 << 20).to_string());
    assert_ne!(limit("Max cpu time"), "unlimited");
    let status = fs::read_to_string(child.join("status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(status.contains("Seccomp:\t2") && status.contains("Seccomp_filters:\t2"), "{status}");
    assert_eq!(fs::read(child.join("environ")).unwrap(), b"MALLOC_ARENA_MAX=2\0");
    assert_eq!(fs::canonicalize(child.join("cwd")).unwrap(), fs::canonicalize(out.path()).unwrap());
    if may_leave_the_network() {
        let interfaces = fs::read_to_string(child.join("net/dev")).unwrap();
        let names: Vec<_> = interfaces.lines().skip(2).map(|line| line.trim().split(':').next().unwrap()).collect();
        assert_eq!(names, ["lo"], "only a loopback that is down");
        assert_ne!(fs::read_link(child.join("ns/net")).unwrap(), fs::read_link("/proc/self/ns/net").unwrap());
    } else {
        skipped("this machine grants no network namespace");
    }

    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_for("the child's end", || (!child.exists() || is_zombie(&child)).then_some(()));
}

fn may_leave_the_network() -> bool {
    let tried = Command::new("unshare").args(["--user", "--net", "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

fn is_zombie(process: &Path) -> bool {
    fs::read_to_string(process.join("status")).is_ok_and(|status| status.contains("State:\tZ"))
}

#[test]
fn a_child_without_its_parent_refuses_to_work() {
    let output = Command::new(BINARY).args(["child", "--parent", "1"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("its parent is gone"));
}
