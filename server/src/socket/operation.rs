//! What the operator asks of a store, and how it is done: the same through the socket of a running node and, when none
//! runs, in the command's own process.

use std::time::{Duration, Instant};

use pinreel_content::car::CarError;
use pinreel_content::{Cid, Error, Pin, Store, parse_cid};
use serde::{Deserialize, Serialize};

/// How long unwanted content stays when nobody says otherwise, in milliseconds.
pub const DEFAULT_GRACE_MS: u64 = 24 * 3600 * 1000;
/// The multihash of CIDs that hold their content themselves.
const IDENTITY: u64 = 0;
const FILES_AT_ONCE: usize = 256;
/// Progress is told so many bytes apart.
const TOLD_EVERY: u64 = 4 << 20;

/// A wish of the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Stat,
    /// Reads everything again; at most so many MiB a second.
    Verify {
        mib_per_second: Option<u64>,
    },
    /// Names what pins and published roots lead to and isn't here.
    Missing,
    /// Publishes again what is published, so that blocks which came since are public, too.
    Republish,
    /// Removes what nothing has led to for so long; without a time, for as long as the node waits by itself.
    Collect {
        grace_ms: Option<u64>,
    },
    Pins,
    Pin {
        cid: String,
        reason: String,
        /// From now; for good without it.
        for_ms: Option<u64>,
    },
    Unpin {
        cid: String,
        owner: String,
    },
    Erase {
        cid: String,
    },
}

/// What is told of an operation, in order; the last is an answer or a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Progress { what: Doing, done_bytes: u64, total_bytes: Option<u64> },
    Item(Item),
    Answer(Answer),
    Failed(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    Blocks,
    Files,
    Collecting,
}

/// One of many things found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    Pin(PinRow),
    /// A leaf of a file whose bytes are wrong; they aren't given out.
    Damaged(DamagedLeaf),
    /// A block outside of files that was wrong, and is gone.
    Dropped(String),
    /// A block that something leads to and that isn't here.
    Missing(String),
    /// Why the node's own pins may not be as its tables have them.
    Stale(String),
    /// A root that was made of what was erased, and that is still here.
    Made(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRow {
    pub cid: String,
    pub owner: String,
    pub reason: String,
    pub since_ms: u64,
    pub until_ms: Option<u64>,
    /// Whether it has ended, so that it keeps nothing; the next collection takes it away.
    #[serde(default)]
    pub expired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedLeaf {
    pub file: String,
    pub leaf: String,
    pub offset: u64,
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Stat {
        files: u64,
        file_bytes: u64,
        blocks: u64,
        leaves: u64,
        pins: u64,
        unreached: u64,
        erased: u64,
        damaged: u64,
        free_bytes: u64,
    },
    Verified {
        files: u64,
        bytes: u64,
    },
    Collected {
        reached: u64,
        waiting: u64,
        removed_files: u64,
        removed_bytes: u64,
        removed_blocks: u64,
        /// What stays though it is due, since a part of it is wanted, and damaged.
        #[serde(default)]
        damaged_files: u64,
        /// What stays only because it was written within the last hour.
        #[serde(default)]
        fresh_files: u64,
        #[serde(default)]
        fresh_blocks: u64,
        #[serde(default)]
        fresh_bytes: u64,
        unfinished: bool,
    },
    /// Whether anything changed.
    Done {
        changed: bool,
    },
}

/// Why an operation ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl Fault {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Car(CarError::Erased { .. }) => "erased",
            Error::Car(_) => "car_refused",
            Error::DiskFull(_) | Error::NoRoom { .. } => "disk_full",
            Error::Damaged(_) => "damaged",
            Error::IndexDamaged(_) => "index_damaged",
            Error::BlockMissing(_) => "not_held",
            Error::Erased(_) => "erased",
            Error::Inline(_) => "cid_is_content",
            Error::HashMismatch(_) | Error::HashUnsupported(_) | Error::BlockTooLarge { .. } => "block_refused",
            Error::Malformed { .. } => "content_malformed",
            Error::PinOwner(_) => "owner_malformed",
            Error::FolderInUse(_) => "folder_in_use",
            _ => "store",
        };
        Self::new(code, sentence(&error.to_string()))
    }
}

/// With a capital and a full stop; a CID at the beginning keeps its letters.
fn sentence(text: &str) -> String {
    let word = text.split([' ', ':']).next().unwrap_or_default();
    match text.chars().next().filter(|_| parse_cid(word).is_none()) {
        Some(first) => format!("{}{}.", first.to_uppercase(), &text[first.len_utf8()..]),
        None => format!("{text}."),
    }
}

/// A CID that the operator gave.
pub fn cid_of(text: &str) -> Result<Cid, Fault> {
    parse_cid(text).ok_or_else(|| Fault::new("cid_malformed", format!("{text} is no CID.")))
}

/// Does what is wished, and blocks. `tell` hears of what happens on the way; with `false` it ends an operation that
/// only looks.
pub fn run(
    store: &Store,
    now_ms: u64,
    operation: &Operation,
    tell: &mut dyn FnMut(Event) -> bool,
) -> Result<Answer, Fault> {
    match operation {
        Operation::Stat => stat(store),
        Operation::Verify { mib_per_second } => verify(store, *mib_per_second, tell),
        Operation::Missing => missing(store, tell),
        Operation::Republish => republish(store),
        Operation::Collect { grace_ms } => collect(store, now_ms, grace_ms.unwrap_or(DEFAULT_GRACE_MS), tell),
        Operation::Pins => {
            for Pin { cid, owner, reason, since_ms, until_ms } in store.pins()? {
                let expired = until_ms.is_some_and(|until| until <= now_ms);
                let row = PinRow { cid: cid.to_string(), owner, reason, since_ms, until_ms, expired };
                if !tell(Event::Item(Item::Pin(row))) {
                    break;
                }
            }
            Ok(Answer::Done { changed: false })
        }
        Operation::Pin { cid, reason, for_ms } => {
            let until_ms = for_ms.map(|time| now_ms.saturating_add(time));
            let (cid, owner) = (cid_of(cid)?, "operator".to_owned());
            if cid.hash().code() == IDENTITY {
                return Err(Fault::new("cid_is_content", format!("{cid} holds its content itself: it needs no pin.")));
            }
            let changed = store.pin(&Pin { cid, owner, reason: reason.clone(), since_ms: now_ms, until_ms })?;
            Ok(Answer::Done { changed })
        }
        Operation::Unpin { cid, owner } => {
            let cid = cid_of(cid)?;
            let changed = store.unpin(&cid, owner)?;
            // Nobody keeps it, so nobody shows it: an import made it public. What a claim shows has that claim's pin.
            if changed && store.pins()?.iter().all(|pin| pin.cid != cid) {
                store.withdraw(&cid)?;
            }
            Ok(Answer::Done { changed })
        }
        Operation::Erase { cid } => Ok(collected(store.erase(&cid_of(cid)?, now_ms)?)),
    }
}

/// Puts the right bytes of a block in the place of damaged or missing ones. Says whether that was of use.
pub fn restore(store: &Store, cid: &str, bytes: &[u8]) -> Result<bool, Fault> {
    let cid = cid_of(cid)?;
    Ok(store.mend(&cid, bytes)? || (!store.holds(&cid)? && store.put_block(&cid, bytes)?))
}

fn stat(store: &Store) -> Result<Answer, Fault> {
    let stats = store.stats()?;
    Ok(Answer::Stat {
        files: stats.blobs,
        file_bytes: stats.blob_bytes,
        blocks: stats.nodes,
        leaves: stats.leaves,
        pins: stats.pins,
        unreached: stats.unreached,
        erased: stats.erased,
        damaged: stats.damaged,
        free_bytes: stats.free_bytes,
    })
}

fn missing(store: &Store, tell: &mut dyn FnMut(Event) -> bool) -> Result<Answer, Fault> {
    for cid in store.missing()? {
        tell(Event::Item(Item::Missing(cid.to_string())));
    }
    Ok(Answer::Done { changed: false })
}

fn republish(store: &Store) -> Result<Answer, Fault> {
    let mut newly_public = 0;
    for root in store.public_roots()? {
        match store.publish(&root) {
            Ok(published) => newly_public += published.newly_public,
            // It stays as it is until its root is here again; what can't be decoded leads nowhere.
            Err(Error::BlockMissing(_) | Error::Malformed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer::Done { changed: newly_public > 0 })
}

fn collect(store: &Store, now_ms: u64, grace_ms: u64, tell: &mut dyn FnMut(Event) -> bool) -> Result<Answer, Fault> {
    tell(Event::Progress { what: Doing::Collecting, done_bytes: 0, total_bytes: None });
    Ok(collected(store.collect(now_ms, grace_ms)?))
}

fn collected(collected: pinreel_content::Collected) -> Answer {
    Answer::Collected {
        reached: collected.reached,
        waiting: collected.waiting,
        removed_files: collected.removed_blobs,
        removed_bytes: collected.removed_bytes,
        removed_blocks: collected.removed_nodes,
        damaged_files: collected.damaged_blobs,
        fresh_files: collected.fresh_blobs,
        fresh_blocks: collected.fresh_nodes,
        fresh_bytes: collected.fresh_bytes,
        unfinished: collected.unfinished,
    }
}

/// Reads all blocks, then all files, then asks what is missing.
fn verify(store: &Store, mib_per_second: Option<u64>, tell: &mut dyn FnMut(Event) -> bool) -> Result<Answer, Fault> {
    let mut pace = Pace::new(mib_per_second);
    let mut reading = Reading { what: Doing::Blocks, done_bytes: 0, total_bytes: None, told_bytes: 0, goes_on: true };
    let (scrubbed, dropped) = store.scrub_blocks(|bytes| reading.read(bytes, &mut pace, tell))?;
    let mut bytes = scrubbed.bytes;
    for cid in dropped {
        tell(Event::Item(Item::Dropped(cid.to_string())));
    }

    let total_bytes = Some(store.stats()?.blob_bytes);
    let mut reading = Reading { what: Doing::Files, done_bytes: 0, total_bytes, told_bytes: 0, ..reading };
    let (mut files, mut after) = (0, None);
    loop {
        let page = store.files_after(after.as_ref(), FILES_AT_ONCE)?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for file in &page {
            bytes += store.scrub_while(file, |bytes| reading.read(bytes, &mut pace, tell))?.bytes;
            files += 1;
            if !reading.goes_on {
                return Err(Fault::new("broken_off", "Looking for damage was broken off."));
            }
        }
    }
    for damage in store.damage()? {
        tell(Event::Item(Item::Damaged(DamagedLeaf {
            file: damage.file.to_string(),
            leaf: damage.leaf.to_string(),
            offset: damage.offset,
            size_bytes: damage.size_bytes,
        })));
    }
    missing(store, tell)?;
    Ok(Answer::Verified { files, bytes })
}

struct Reading {
    what: Doing,
    done_bytes: u64,
    total_bytes: Option<u64>,
    told_bytes: u64,
    goes_on: bool,
}

impl Reading {
    fn read(&mut self, bytes: u64, pace: &mut Pace, tell: &mut dyn FnMut(Event) -> bool) -> bool {
        self.done_bytes += bytes;
        let Self { what, done_bytes, total_bytes, .. } = *self;
        let waits = pace.wait_for(bytes);
        if waits > Duration::ZERO || done_bytes - self.told_bytes >= TOLD_EVERY || total_bytes == Some(done_bytes) {
            self.told_bytes = done_bytes;
            self.goes_on &= tell(Event::Progress { what, done_bytes, total_bytes });
        }
        if self.goes_on {
            std::thread::sleep(waits);
        }
        self.goes_on
    }
}

/// Keeps reading within a rate.
struct Pace {
    bytes_per_second: Option<f64>,
    /// When the bytes that were read so far may have been read.
    due: Instant,
}

impl Pace {
    fn new(mib_per_second: Option<u64>) -> Self {
        let bytes_per_second = mib_per_second.map(|rate| (rate.max(1) << 20) as f64);
        Self { bytes_per_second, due: Instant::now() }
    }

    fn wait_for(&mut self, bytes: u64) -> Duration {
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let now = Instant::now();
        self.due = self.due.max(now) + Duration::from_secs_f64(bytes as f64 / rate);
        self.due - now
    }
}
