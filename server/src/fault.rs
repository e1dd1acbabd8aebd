//! Named points at which a test can have the process die as if its power were cut.
//!
//! `PINREEL_FAULT=<name>` makes the process send itself SIGKILL when it passes the point of that name. Only builds with
//! debug assertions or the feature `faults` look; in all others a point is nothing. The six points, in the order in
//! which a video passes them:
//!
//! | point | what has just happened |
//! |---|---|
//! | `upload.after-append` | bytes of an upload are on disk; the uploader hasn't been told |
//! | `upload.after-blob` | the whole source is in the content store; the row still says `receiving` |
//! | `upload.after-row` | the row says `stored` and the job is queued; the uploader hasn't been told |
//! | `transcode.after-file` | a worker's file is in the content store; the job's list doesn't name it |
//! | `transcode.after-root` | the playback root is in the content store; the job isn't complete |
//! | `publish.after-commit` | the record is in the log; the publisher hasn't been told |

/// The points above, for tests that go through all of them.
pub const POINTS: [&str; 6] = [
    "upload.after-append",
    "upload.after-blob",
    "upload.after-row",
    "transcode.after-file",
    "transcode.after-root",
    "publish.after-commit",
];

/// Ends the process here when a test asked for it.
#[inline]
pub fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "{name} isn't a known fault point");
    #[cfg(any(debug_assertions, feature = "faults"))]
    armed::die_if_asked(name);
    #[cfg(not(any(debug_assertions, feature = "faults")))]
    let _ = name;
}

#[cfg(any(debug_assertions, feature = "faults"))]
mod armed {
    use std::sync::LazyLock;

    static ASKED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("PINREEL_FAULT").ok());

    pub fn die_if_asked(name: &str) {
        if ASKED.as_deref() == Some(name) {
            tracing::warn!(point = name, "PINREEL_FAULT: the process kills itself here");
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
