//! The child: puts up the real fence, and then does what its "source" tells it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pinreel_runner::Task;
use pinreel_transcoder::child::events::{Event, Progress, Reporter};
use pinreel_transcoder::failure::Failure;
use pinreel_transcoder::fence;

/// The child: fenced in, then hostile.
pub fn taken_over(parent: i32) -> ExitCode {
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
        "blame" => blame(argument, &report),
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

fn segment(number: u64) -> String {
    format!("v{}/seg-{:05}.m4s", 240 + number / 100_000, number % 100_000)
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
            "names" => Event::File(segment(number)),
            other => panic!("no such flood: {other}"),
        });
    }
}

fn ahead(files: u64, report: &Reporter) -> Outcomes {
    (0..files).for_each(|number| report.send(&Event::File(segment(number))));
    vec![("told", of(std::fs::write("told", "")))]
}

fn blame(code: &str, report: &Reporter) -> ! {
    report.send(&Event::Progress(Progress::default()));
    report.send(&Event::Failed(Failure::of_machine(code, "It was the machine.")));
    std::process::exit(1)
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
