//! Seccomp: of all system calls, those remain that reading, computing in threads and writing need. There is no socket,
//! no new process, no program, no signal to others, no tracing, no memory that can be both written and run.

use std::collections::BTreeMap;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

/// Allowed whatever their arguments.
const PLAIN: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_ftruncate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_ppoll,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_restart_syscall,
    libc::SYS_membarrier,
    // Answered by a filter of its own.
    libc::SYS_clone3,
];

/// The older forms of some of these, which some machines' C libraries still use.
#[cfg(target_arch = "x86_64")]
const OLDER: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_unlink,
    libc::SYS_poll,
    libc::SYS_gettimeofday,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[i64] = &[];

/// What may be done to an open file's number: copy it, and ask or change its plainest flags.
const FILE_COMMANDS: [i32; 5] = [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];

/// Whether the kernel enforces it.
pub fn keep_only_needed() -> bool {
    let filters = programs();
    filters.is_ok_and(|filters| filters.iter().all(|filter| apply_filter(filter).is_ok()))
}

fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let refuse = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    let allowed = SeccompFilter::new(allowed()?, refuse(libc::EPERM), SeccompAction::Allow, architecture)?;
    // Threads are asked for by this call, whose arguments can't be seen; libraries then fall back to `clone`.
    let hidden = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let hidden = SeccompFilter::new(hidden, SeccompAction::Allow, refuse(libc::ENOSYS), architecture)?;
    // In this order: the other one takes the call away that puts filters up.
    Ok([hidden.try_into()?, allowed.try_into()?])
}

fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.iter().chain(OLDER).map(|call| (*call, vec![])).collect();
    let thread = libc::CLONE_THREAD as u64;
    let run = libc::PROT_EXEC as u64;
    let own = u64::from(std::process::id());
    let only = |condition: SeccompCondition| SeccompRule::new(vec![condition]).map(|rule| vec![rule]);
    rules.insert(libc::SYS_clone, only(SeccompCondition::new(0, Qword, MaskedEq(thread), thread)?)?);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, only(SeccompCondition::new(2, Qword, MaskedEq(run), 0)?)?);
    }
    // A thread's name, and a signal to itself, as when it aborts.
    rules.insert(libc::SYS_prctl, only(SeccompCondition::new(0, Dword, Eq, libc::PR_SET_NAME as u64)?)?);
    rules.insert(libc::SYS_tgkill, only(SeccompCondition::new(0, Dword, Eq, own)?)?);
    // A thread's own priority, which it can only lower.
    let itself = || {
        let of_thread = SeccompCondition::new(0, Dword, Eq, libc::PRIO_PROCESS.into())?;
        Ok::<_, BackendError>(vec![SeccompRule::new(vec![of_thread, SeccompCondition::new(1, Dword, Eq, 0)?])?])
    };
    rules.insert(libc::SYS_getpriority, itself()?);
    rules.insert(libc::SYS_setpriority, itself()?);
    let commands = FILE_COMMANDS
        .iter()
        .map(|command| SeccompRule::new(vec![SeccompCondition::new(1, Dword, Eq, command.unsigned_abs().into())?]));
    rules.insert(libc::SYS_fcntl, commands.collect::<Result<_, _>>()?);
    Ok(rules)
}
