//! What a child can do that was taken over: the real parent starts this program as its child, which puts up the real
//! fence and then tries what an attacker would, as the "source" tells it.
//!
//! No test harness: the child must have one thread, as the real one has when its fence goes up.
#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pinreel_runner::{MAX_FILES, Preset, Task};
use pinreel_transcoder::child::events::{Event, Progress, Reporter};
use pinreel_transcoder::failure::Failure;
use pinreel_transcoder::fence;
use pinreel_transcoder::parent::{self, Options, Patience};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "child") {
        return taken_over(arguments[3].parse().unwrap());
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
const TESTS: [(&str, Test); 13] = [
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
        [("sleep", "no_progress"), ("spin", "no_progress"), ("chatter", "too_slow"), ("nonsense", "transcoder_error")]
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
        assert_eq!((failure.code.as_str(), failure.retryable), ("transcoder_error", true), "{what}: {failure}");
        assert_eq!(heard, files, "{what}");
    }
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
    assert_eq!((failure.code.as_str(), failure.retryable), ("transcoder_error", true), "{failure}");
}

fn a_crash_is_told_as_one(runtime: &tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for what in ["abort", "fault", "leave"] {
        let failure = run(runtime, what, folder.path());
        assert_eq!((failure.code.as_str(), failure.retryable), ("transcoder_crashed", true), "{what}");
    }
}

/// The child: fenced in, then hostile.
fn taken_over(parent: i32) -> ExitCode {
    let report = Reporter::new(Box::new(std::io::stdout()));
    let probed = std::env::args().any(|argument| argument == "--probe");
    let layers = fence::enter(parent, true, fence::Limits::of(Task::Renditions)).unwrap();
    if probed {
        report.send(&Event::Fence(layers));
        return ExitCode::SUCCESS;
    }
    let mut order = String::new();
    std::io::stdin().read_to_string(&mut order).unwrap();
    let mut words = order.split(' ');
    let (what, argument) = (words.next().unwrap(), words.next().unwrap_or_default());
    let outcomes = match what {
        "own" => own(),
        "files" => files(argument),
        "parent" => parents(argument.parse().unwrap()),
        "open" => argument.split(',').map(|number| ("file", open_file(number.parse().unwrap()))).collect(),
        "network" => network(),
        "start" => start(),
        "memory" => memory(),
        "flood" => flood(argument, &report),
        "ahead" => ahead(argument.parse().unwrap(), &report),
        other => misbehave(other, &report),
    };
    let told: Vec<String> = outcomes.into_iter().map(|(name, outcome)| format!("{name}={outcome}")).collect();
    report.send(&Event::Failed(Failure::of_file("tried", told.join(";"))));
    ExitCode::FAILURE
}

type Outcomes = Vec<(&'static str, String)>;

fn name(errno: i32) -> String {
    let known = [
        (libc::EPERM, "EPERM"),
        (libc::EACCES, "EACCES"),
        (libc::ENOSYS, "ENOSYS"),
        (libc::ESRCH, "ESRCH"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::EBADF, "EBADF"),
    ];
    known.iter().find(|(number, _)| *number == errno).map_or(format!("errno {errno}"), |(_, name)| (*name).to_owned())
}

fn of<T>(result: std::io::Result<T>) -> String {
    result.map_or_else(|error| name(error.raw_os_error().unwrap_or(0)), |_| "OK".to_owned())
}

/// A raw call: below every library that might be polite.
fn call(number: i64, arguments: [u64; 6]) -> String {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: each call below is given plain numbers or pointers to statics; none of them may succeed.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => of(Err::<(), _>(std::io::Error::last_os_error())),
        _ => "OK".to_owned(),
    }
}

fn own() -> Outcomes {
    let folder = std::fs::create_dir("sub");
    let write = std::fs::write("sub/mine", "hello");
    vec![("write", of(write)), ("read", of(std::fs::read("sub/mine"))), ("folder", of(folder))]
}

fn files(secret: &str) -> Outcomes {
    let beside = Path::new(secret).with_file_name("mine");
    vec![
        ("read", of(File::open(secret))),
        ("list", of(std::fs::read_dir(Path::new(secret).parent().unwrap()))),
        ("write", of(File::options().append(true).open(secret))),
        ("make", of(File::create(&beside))),
        ("remove", of(std::fs::remove_file(secret))),
        ("link", of(std::os::unix::fs::symlink(secret, "link"))),
        ("hard link", of(std::fs::hard_link(secret, "hard"))),
        ("rename", of(std::fs::rename(secret, "moved"))),
        ("truncate", call(libc::SYS_truncate, [c"/etc/hostname".as_ptr() as u64, 0, 0, 0, 0, 0])),
        ("passwd", of(File::open("/etc/passwd"))),
        ("device", of(File::open("/dev/zero"))),
        ("root", call(libc::SYS_chroot, [c"/".as_ptr() as u64, 0, 0, 0, 0, 0])),
        (
            "mount",
            call(
                libc::SYS_mount,
                [c"none".as_ptr() as u64, c"/tmp".as_ptr() as u64, c"tmpfs".as_ptr() as u64, 0, 0, 0],
            ),
        ),
    ]
}

fn parents(parent: u64) -> Outcomes {
    let open = |what: &str| of(File::open(format!("/proc/{parent}/{what}")));
    vec![
        ("environment", open("environ")),
        ("memory", open("mem")),
        ("files", of(std::fs::read_dir(format!("/proc/{parent}/fd")))),
        ("own environment", of(File::open("/proc/self/environ"))),
        ("trace", call(libc::SYS_ptrace, [libc::PTRACE_ATTACH as u64, parent, 0, 0, 0, 0])),
        ("read memory", call(libc::SYS_process_vm_readv, [parent, 0, 0, 0, 0, 0])),
        ("take a file", call(libc::SYS_pidfd_open, [parent, 0, 0, 0, 0, 0])),
        ("kill", call(libc::SYS_kill, [parent, libc::SIGKILL as u64, 0, 0, 0, 0])),
        ("kill a thread", call(libc::SYS_tgkill, [parent, parent, libc::SIGKILL as u64, 0, 0, 0])),
        ("queue", call(libc::SYS_rt_sigqueueinfo, [parent, libc::SIGTERM as u64, 0, 0, 0, 0])),
        ("limits", call(libc::SYS_prlimit64, [parent, libc::RLIMIT_NOFILE as u64, 0, 0, 0, 0])),
        ("priority", call(libc::SYS_setpriority, [libc::PRIO_PROCESS as u64, parent, 19, 0, 0, 0])),
        ("own limits", call(libc::SYS_prlimit64, [0, libc::RLIMIT_AS as u64, 0, 0, 0, 0])),
    ]
}

fn open_file(number: u64) -> String {
    call(libc::SYS_fcntl, [number, libc::F_GETFD as u64, 0, 0, 0, 0])
}

fn network() -> Outcomes {
    let socket = |domain: i32, kind: i32| call(libc::SYS_socket, [domain as u64, kind as u64, 0, 0, 0, 0]);
    vec![
        ("tcp", socket(libc::AF_INET, libc::SOCK_STREAM)),
        ("udp", socket(libc::AF_INET6, libc::SOCK_DGRAM)),
        ("unix", socket(libc::AF_UNIX, libc::SOCK_STREAM)),
        ("netlink", socket(libc::AF_NETLINK, libc::SOCK_RAW)),
        ("vsock", socket(libc::AF_VSOCK, libc::SOCK_STREAM)),
        ("pair", call(libc::SYS_socketpair, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0])),
        ("ring", call(libc::SYS_io_uring_setup, [8, 0, 0, 0, 0, 0])),
        ("namespace", call(libc::SYS_unshare, [libc::CLONE_NEWUSER as u64, 0, 0, 0, 0, 0])),
        ("connect", of(std::net::TcpStream::connect("127.0.0.1:80"))),
    ]
}

fn start() -> Outcomes {
    vec![
        ("fork", call(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0])),
        ("clone3", call(libc::SYS_clone3, [0, 0, 0, 0, 0, 0])),
        ("exec", call(libc::SYS_execve, [c"/bin/sh".as_ptr() as u64, 0, 0, 0, 0, 0])),
        ("exec at", call(libc::SYS_execveat, [0, c"/bin/sh".as_ptr() as u64, 0, 0, 0, 0])),
        ("command", of(std::process::Command::new("/bin/true").spawn())),
        ("memory file", call(libc::SYS_memfd_create, [c"x".as_ptr() as u64, 0, 0, 0, 0, 0])),
        ("bpf", call(libc::SYS_bpf, [0, 0, 0, 0, 0, 0])),
        ("keys", call(libc::SYS_keyctl, [0, 0, 0, 0, 0, 0])),
        ("user", call(libc::SYS_setuid, [0, 0, 0, 0, 0, 0])),
        ("dumpable", call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as u64, 1, 0, 0, 0, 0])),
    ]
}

fn memory() -> Outcomes {
    let map = |bytes: u64, protection: i32| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        call(libc::SYS_mmap, [0, bytes, protection as u64, flags as u64, u64::MAX, 0])
    };
    let page = vec![0_u8; 8192];
    let start = (page.as_ptr() as u64).next_multiple_of(4096);
    let protect = call(libc::SYS_mprotect, [start, 4096, (libc::PROT_READ | libc::PROT_EXEC) as u64, 0, 0, 0]);
    vec![
        ("huge", map(5 << 30, libc::PROT_READ)),
        ("run", map(4096, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC)),
        ("protect", protect),
    ]
}

fn flood(what: &str, report: &Reporter) -> ! {
    let mut number = 0_u64;
    loop {
        number += 1;
        report.send(&match what {
            "file" => Event::File("v240/init.mp4".into()),
            "segment" => Event::Segment { name: "v240/init.mp4".into(), ticks: number },
            "early" => Event::Early(Box::default()),
            "report" => Event::Progress(Progress { played_ms: number, ..Progress::default() }),
            "said" => Event::Said("hello".into()),
            "name" => Event::File("a".repeat(1 << 20)),
            "names" => Event::File(format!("v240/{number}")),
            other => panic!("no such flood: {other}"),
        });
    }
}

fn ahead(files: u64, report: &Reporter) -> Outcomes {
    (0..files).for_each(|number| report.send(&Event::File(format!("v240/{number}"))));
    vec![("told", of(std::fs::write("told", "")))]
}

fn misbehave(how: &str, report: &Reporter) -> ! {
    match how {
        "sleep" => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        "spin" => loop {
            std::hint::spin_loop();
        },
        "chatter" => {
            let mut played_ms = 0;
            loop {
                played_ms += 1;
                report.send(&Event::Progress(Progress { played_ms, ..Progress::default() }));
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        "nonsense" => {
            let _ = std::io::stdout().write_all(b"{\"file\":\n");
            std::thread::sleep(Duration::from_secs(60));
        }
        "stay" => {
            report.send(&Event::Done(Box::default()));
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        }
        "abort" => std::process::abort(),
        // SAFETY: none: it is meant to crash.
        "fault" => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
        "leave" => std::process::exit(0),
        other => panic!("no such order: {other}"),
    }
    unreachable!("it never comes back")
}
