//! What a child can do that was taken over: the real parent starts this program as its child, which puts up the real
//! fence and then tries what an attacker would, as the "source" tells it.
//!
//! No test harness: the child must have one thread, as the real one has when its fence goes up.
#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

mod child;

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pinreel_runner::{MAX_FILES, Preset, Task};
use pinreel_transcoder::child::events::Event;
use pinreel_transcoder::failure::Failure;
use pinreel_transcoder::parent::{self, Options, Patience};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "child") {
        return child::taken_over(arguments[3].parse().unwrap());
    }
    let only = arguments.iter().skip(1).find(|argument| !argument.starts_with("--"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, test) in TESTS {
        if only.is_none_or(|only| name.contains(only.as_str())) {
            test(&runtime);
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

type Test = fn(&tokio::runtime::Runtime);
const TESTS: [(&str, Test); 14] = [
    ("the_fence_is_whole_here", the_fence_is_whole_here),
    ("its_own_folder_is_its_own", its_own_folder_is_its_own),
    ("other_files_are_out_of_reach", other_files_are_out_of_reach),
    ("the_parent_is_out_of_reach", the_parent_is_out_of_reach),
    ("nothing_open_is_inherited", nothing_open_is_inherited),
    ("there_is_no_network", there_is_no_network),
    ("nothing_can_be_started", nothing_can_be_started),
    ("memory_is_bounded_and_never_run", memory_is_bounded_and_never_run),
    ("silence_and_noise_end", silence_and_noise_end),
    ("what_no_honest_child_says_ends_it", what_no_honest_child_says_ends_it),
    ("what_a_child_says_of_the_machine_is_looked_into", what_a_child_says_of_the_machine_is_looked_into),
    ("a_child_waits_while_its_parent_is_behind", a_child_waits_while_its_parent_is_behind),
    ("nobody_stays_after_their_last_word", nobody_stays_after_their_last_word),
    ("a_crash_is_told_as_one", a_crash_is_told_as_one),
];

/// Runs a child that does `what`, and what it says; patience is short.
fn run(runtime: &tokio::runtime::Runtime, what: &str, folder: &Path) -> Failure {
    run_heard(runtime, what, folder, async |_| {})
}

fn run_heard(runtime: &tokio::runtime::Runtime, what: &str, folder: &Path, heard: impl AsyncFnMut(Event)) -> Failure {
    let mut order = tempfile::tempfile().unwrap();
    order.write_all(what.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut order).unwrap();
    // What is sent without end takes a while to be too much.
    let wall_clock = Duration::from_secs(if what.starts_with("flood") { 120 } else { 6 });
    let patience = Patience { no_progress: Duration::from_secs(3), wall_clock };
    let options = Options { patience, copying: true, weak: true, preset: Preset::default(), task: Task::Renditions };
    runtime.block_on(parent::run(order, folder, options, heard)).unwrap_err()
}

/// The errors that each try ended in, as the child tells them.
fn tries(runtime: &tokio::runtime::Runtime, what: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let failure = run(runtime, what, folder.path());
    assert_eq!(failure.code, "tried", "{what}: {failure}");
    failure.reason.split(';').map(str::to_owned).collect()
}

fn all_refused(runtime: &tokio::runtime::Runtime, what: &str) {
    for one in tries(runtime, what) {
        let (name, outcome) = one.split_once('=').unwrap();
        let refused = ["EPERM", "EACCES", "ENOSYS", "ESRCH"].contains(&outcome);
        assert!(refused, "{name} ended with {outcome}");
    }
}

fn the_fence_is_whole_here(runtime: &tokio::runtime::Runtime) {
    let layers = runtime.block_on(parent::probe()).unwrap();
    if layers.are_whole() {
        return;
    }
    println!("this machine lacks {layers}: what it would refuse isn't tested here");
    std::process::exit(0);
}

fn its_own_folder_is_its_own(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let failure = run(runtime, "own", folder.path());
    assert_eq!(failure.reason, "write=OK;read=OK;folder=OK");
    assert_eq!(std::fs::read(folder.path().join("sub/mine")).unwrap(), b"hello");
}

fn other_files_are_out_of_reach(runtime: &tokio::runtime::Runtime) {
    let other = tempfile::tempdir().unwrap();
    let secret = other.path().join("token");
    std::fs::write(&secret, "secret").unwrap();
    all_refused(runtime, &format!("files {}", secret.display()));
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert!(std::fs::read_dir(other.path()).unwrap().count() == 1, "nothing was made beside it");
}

fn the_parent_is_out_of_reach(runtime: &tokio::runtime::Runtime) {
    all_refused(runtime, &format!("parent {}", std::process::id()));
}

/// As when a shell starts the worker with files and connections open.
fn nothing_open_is_inherited(runtime: &tokio::runtime::Runtime) {
    let secret = tempfile::tempfile().unwrap();
    // SAFETY: numbers; the copy survives the start of another program, as those of the standard library don't.
    let copies: Vec<i32> = (0..3).map(|_| unsafe { libc::dup(secret.as_raw_fd()) }).collect();
    assert!(copies.iter().all(|copy| *copy > 2), "{copies:?}");
    let order = format!("open {}", copies.iter().map(i32::to_string).collect::<Vec<_>>().join(","));
    for outcome in tries(runtime, &order) {
        assert!(outcome.ends_with("EBADF"), "{outcome}");
    }
    // SAFETY: as above.
    copies.iter().for_each(|copy| assert_eq!(unsafe { libc::close(*copy) }, 0));
}

fn there_is_no_network(runtime: &tokio::runtime::Runtime) {
    all_refused(runtime, "network");
}

fn nothing_can_be_started(runtime: &tokio::runtime::Runtime) {
    all_refused(runtime, "start");
}

fn memory_is_bounded_and_never_run(runtime: &tokio::runtime::Runtime) {
    assert_eq!(tries(runtime, "memory"), ["huge=ENOMEM", "run=EPERM", "protect=EPERM"]);
}

fn silence_and_noise_end(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for (what, code) in
        [("sleep", "no_progress"), ("spin", "no_progress"), ("chatter", "too_slow"), ("nonsense", "transcoder_crashed")]
    {
        let failure = run(runtime, what, folder.path());
        assert_eq!(failure.code, code, "{what}");
    }
}

/// Each sends well-formed lines without end, or one that is too long; of files, each arrives once.
fn what_no_honest_child_says_ends_it(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for (what, files) in
        [("file", 1), ("segment", 1), ("early", 0), ("report", 0), ("said", 0), ("name", 0), ("names", MAX_FILES)]
    {
        let mut heard = 0;
        let failure = run_heard(runtime, &format!("flood {what}"), folder.path(), async |event| {
            heard += usize::from(matches!(event, Event::File(_) | Event::Segment { .. }));
        });
        is_told_as_a_crash(&failure, what);
        assert_eq!(heard, files, "{what}");
    }
}

/// And the log says what it was.
fn is_told_as_a_crash(failure: &Failure, what: &str) {
    assert_eq!((failure.code.as_str(), failure.retryable), ("transcoder_crashed", true), "{what}: {failure}");
    assert!(failure.detail.is_some() && !failure.is_of_machine(), "{what}: {failure:?}");
}

fn what_a_child_says_of_the_machine_is_looked_into(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for what in ["blame worker_disk", "blame sandbox_failed", "blame delivery_stalled", "blame source_mismatch"] {
        is_told_as_a_crash(&run(runtime, what, folder.path()), what);
    }
    let failure = run_heard(runtime, "blame worker_disk", folder.path(), async |_| {
        std::fs::remove_dir(folder.path()).unwrap();
    });
    assert_eq!((failure.code.as_str(), failure.is_of_machine()), ("worker_disk", true), "nothing can be written");
}

fn a_child_waits_while_its_parent_is_behind(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let mut heard = 0;
    let failure = run_heard(runtime, "ahead 20000", folder.path(), async |_| {
        if heard == 0 {
            // Longer than it may go without progress, and than all of it may take.
            tokio::time::sleep(Duration::from_secs(7)).await;
            assert!(!folder.path().join("told").exists(), "its lines were taken in though nobody heard them");
        }
        heard += 1;
    });
    assert_eq!((failure.code.as_str(), heard), ("tried", 20_000));
}

fn nobody_stays_after_their_last_word(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let failure = run(runtime, "stay", folder.path());
    is_told_as_a_crash(&failure, "stay");
}

fn a_crash_is_told_as_one(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for what in ["abort", "fault", "leave"] {
        let failure = run(runtime, what, folder.path());
        assert_eq!((failure.code.as_str(), failure.retryable), ("transcoder_crashed", true), "{what}");
    }
}
