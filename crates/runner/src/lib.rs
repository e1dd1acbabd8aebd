//! The runner protocol: what a server and a transcoding worker say to each other. Types only: no I/O, no clock.
//!
//! All calls are HTTP under the server's own address. A registration token, which the operator made, buys a key of the
//! worker's own, once; the key (`Authorization: Bearer`) buys leases until the operator revokes it; each lease brings a
//! token of its own that opens that one job and nothing else. The worker that a node runs itself leases with the node's
//! worker token in place of a key.
//!
//! | call | token | body → answer |
//! |---|---|---|
//! | `POST /runner/v1/register` | registration | [`Register`] → 201 [`Registered`] |
//! | `POST /runner/v1/lease` | key | [`LeaseRequest`] → 200 [`Lease`], or 204 when nothing came within `wait_ms` |
//! | `GET /runner/v1/jobs/<job>/source` | lease | → the source's bytes; `Range` is honoured |
//! | `PUT /runner/v1/jobs/<job>/files/<name>?cid=<cid>` | lease | the file's bytes → 204, or 422 `cid_mismatch`; repeatable |
//! | `POST /runner/v1/jobs/<job>/progress` | lease | [`Progress`] → [`ProgressAnswer`]; renews the lease |
//! | `POST /runner/v1/jobs/<job>/grow` | lease | [`Growth`] → 204; what can be watched already, repeatable |
//! | `POST /runner/v1/jobs/<job>/complete` | lease | [`Complete`] → 204; every file named in it was delivered before |
//! | `POST /runner/v1/jobs/<job>/fail` | lease | [`Fail`] → 204 |
//! | `POST /runner/v1/jobs/<job>/release` | lease | [`Release`] → 204; the job goes back, and it counts as no try |
//!
//! `<name>` is a [`FileRef::name`], its one `/` unescaped. Whenever a job's lease is gone (given to another, job
//! cancelled, deleted or finished) the answer is 409 with code `lease_lost` (or 401, 404, 410): the worker stops at
//! once and says nothing more about that job. 5xx and a server that is away are retried. `complete`, `fail` and `release`
//! twice with the same epoch are answered 204 twice, also at the same time, and a line of the log is kept once however often
//! it is sent. Only `register` can't be repeated: a registration token that was for one worker is used up.

pub mod language;
pub mod names;
pub mod text;

mod growth;
mod lease;
mod preset;
mod register;
mod report;
mod task;
mod transcoded;

pub use growth::{Early, Growth};
pub use lease::{Capabilities, Kind, Lease, LeaseRequest, Source};
pub use names::{FileKind, MAX_FILES, MAX_NAME_BYTES};
pub use preset::{MAX_RUNGS, Preset, PresetError};
pub use register::{Register, Registered};
pub use report::{Complete, Fail, LogLine, Progress, ProgressAnswer, Release, Rung, is_of_worker};
pub use task::{Document, Task};
pub use transcoded::{
    Audio, Captions, Chapters, FileRef, FrameRate, Loudness, Made, Preview, PreviewSize, Segment, Storyboard,
    Transcoded, Video,
};

/// The version of these messages. A server refuses a worker of another one, and says which of the two is the older.
pub const PROTOCOL: u32 = 5;

/// The recipe of the default preset: an H.264 ladder with AAC beside it, in CMAF segments of 1, 1, 2, then 4 s; what
/// fits of the source is copied, and then its entry points are the segments' beginnings.
pub const RECIPE: &str = "h264-aac-5";
