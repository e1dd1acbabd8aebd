//! Cuts one encoded track into files: an initialisation segment, then a file for each segment.
//!
//! A packet is held back until the next one comes, so that its length is exact. Decoding times are made here: the
//! nth packet gets the nth time in playing order, less a constant that the header's edit list takes back. So a
//! segment's first decoding time, its first playing time and its place in the playlist are the same number.
//!
//! What would be a segment of almost nothing at the end belongs to the one before it. The picture decides that by its
//! own length, and sound does as the picture did; so packets behind a cut wait until it is sure.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use ffmpeg_next::Packet;
use pinreel_runner::{FileRef, Segment};

use super::events::{Event, Reporter};
use crate::av::Error;
use crate::av::muxer::Muxer;
use crate::failure::Failure;
use crate::rules::edits::with_delay;
use crate::rules::fragments::first_sample_end;
use crate::rules::marks::is_segment;
use crate::rules::rate::Density;

/// How many packets x264 sends between one and its predecessor in playing order, at most.
const REORDER: usize = 2;

/// Smaller segments are written sooner than a thread begins.
const LARGE_BYTES: usize = 128 << 10;
/// Of a thread that only writes.
const STACK_BYTES: usize = 128 << 10;

/// The longest that packets behind a cut may wait, so that sound hears what the picture did.
const PATIENCE_MS: i64 = 1000;

/// How a track's decoding times come from its playing times. All in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Packets play as they are decoded.
    Same,
    /// As an encoder of ours reorders, playing so far behind decoding: see [`crate::rules::clock::Clock::lead`].
    Encoded { lead: i64 },
    /// As a copied stream has it, playing so far behind decoding.
    Copied { lead: i64 },
    /// Packets play as they are decoded, but so much of the first isn't heard.
    Trimmed { lead: i64 },
}

impl Order {
    /// What the header's edit list leaves out.
    fn edit(self) -> i64 {
        match self {
            Self::Same => 0,
            Self::Encoded { lead } | Self::Copied { lead } | Self::Trimmed { lead } => lead,
        }
    }

    /// How far decoding is before playing.
    fn lead(self) -> i64 {
        match self {
            Self::Same | Self::Trimmed { .. } => 0,
            Self::Encoded { lead } | Self::Copied { lead } => lead,
        }
    }
}

/// Where a job's files go, and who is told of them.
#[derive(Clone)]
pub struct Folder {
    pub path: PathBuf,
    pub report: Reporter,
}

impl Folder {
    /// Writes a file and says that it is whole.
    pub fn put(&self, name: String, bytes: &[u8]) -> Result<FileRef, Failure> {
        let file = self.write(name, bytes)?;
        self.report.send(&Event::File(file.name.clone()));
        Ok(file)
    }

    /// As [`Folder::put`], for a segment of so many ticks.
    fn put_segment(&self, name: String, ticks: u64, bytes: &[u8]) -> Result<Segment, Failure> {
        let file = self.write(name, bytes)?;
        self.report.send(&Event::Segment { name: file.name.clone(), ticks });
        Ok(Segment { file, ticks })
    }

    fn write(&self, name: String, bytes: &[u8]) -> Result<FileRef, Failure> {
        fs::write(self.path.join(&name), bytes).map_err(|error| Failure::disk(&error))?;
        Ok(FileRef { name, cid: String::new(), bytes: bytes.len() as u64 })
    }

    /// Says that a file which was written otherwise is whole.
    pub fn made(&self, name: &str) -> Result<FileRef, Failure> {
        let bytes = fs::metadata(self.path.join(name)).map_err(|error| Failure::disk(&error))?.len();
        self.report.send(&Event::File(name.to_owned()));
        Ok(FileRef { name: name.to_owned(), cid: String::new(), bytes })
    }

    pub fn make(&self, name: &str) -> Result<(), Failure> {
        match fs::create_dir(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Failure::disk(&error)),
            _ => Ok(()),
        }
    }
}

/// The files of one rendition.
pub struct Segments {
    folder: Folder,
    name: String,
    muxer: Muxer,
    init: FileRef,
    order: Order,
    /// The times of the last packets but one and but two, in playing order.
    before: [i64; REORDER],
    held: Option<Packet>,
    /// Playing times of frames that were sent to the encoder and haven't come back, in playing order.
    times: VecDeque<i64>,
    cuts: VecDeque<i64>,
    /// A cut that isn't sure yet, and the packets behind it.
    waiting: Option<(i64, Vec<Packet>)>,
    timescale: i64,
    begin: i64,
    done: Vec<Segment>,
    /// The segment after those, on its way to the disk while the next one is made.
    writing: Option<JoinHandle<Result<Segment, Failure>>>,
    /// For each of them where its first packet ends.
    firsts: Vec<Option<u32>>,
    /// Packets of the open segment.
    inside: u64,
    densest: Density,
}

/// A finished rendition's files.
pub struct Written {
    pub init: FileRef,
    pub segments: Vec<Segment>,
    /// For each segment how many bytes hold its first packet; empty if a fragment isn't read that way.
    pub keyframe_bytes: Vec<u32>,
    /// Of the segment with the most packets for its length.
    pub densest: Density,
}

impl Segments {
    /// Of a track with so many ticks a second.
    pub fn new(
        folder: Folder,
        (name, timescale): (&str, u32),
        muxer: (Muxer, Vec<u8>),
        order: Order,
    ) -> Result<Self, Failure> {
        let (muxer, mut header) = muxer;
        if order.edit() > 0 {
            header = with_delay(&header, order.edit()).ok_or_else(|| Failure::internal("an unusual header"))?;
        }
        let lead = order.lead();
        folder.make(name)?;
        let init = folder.put(format!("{name}/init.mp4"), &header)?;
        Ok(Self {
            folder,
            name: name.to_owned(),
            muxer,
            init,
            order,
            before: [-lead / 2, -lead],
            held: None,
            times: VecDeque::new(),
            cuts: VecDeque::new(),
            waiting: None,
            timescale: i64::from(timescale),
            begin: 0,
            done: Vec::new(),
            writing: None,
            firsts: Vec::new(),
            inside: 0,
            densest: Density::default(),
        })
    }

    pub fn init(&self) -> &FileRef {
        &self.init
    }

    /// A frame with this time goes to the encoder next; a segment begins with it if `cut`.
    pub fn expect(&mut self, ticks: i64, cut: bool) {
        self.times.push_back(ticks);
        if cut && ticks > 0 {
            self.cuts.push_back(ticks);
        }
    }

    /// The next packet, in decoding order.
    pub fn push(&mut self, mut packet: Packet) -> Result<(), Failure> {
        let (Some(time), Some(plays)) = (self.times.pop_front(), packet.pts()) else {
            return Err(Failure::internal("a packet without a time"));
        };
        let decode = self.decode_time(time);
        if let Some(held) = self.held.take() {
            self.write(held, decode)?;
        }
        let is_sure = |(cut, _): &(i64, Vec<Packet>)| decode - cut >= self.timescale * PATIENCE_MS / 1000;
        if self.cuts.front() == Some(&plays) {
            self.cuts.pop_front();
            self.settle(true)?;
            self.waiting = Some((plays, Vec::new()));
        } else if self.waiting.as_ref().is_some_and(is_sure) {
            self.settle(true)?;
        }
        packet.set_dts(Some(decode - self.order.lead()));
        self.held = Some(packet);
        Ok(())
    }

    /// The track ends at `end`, beside a picture of so many segments, if it is sound and there is one.
    pub fn finish(mut self, end: i64, shown: Option<usize>) -> Result<Written, Failure> {
        if let Some(held) = self.held.take() {
            self.write(held, end)?;
        }
        let (made, timescale) = (self.made() + 1, self.timescale);
        let is_long_enough = |cut| shown.map_or(is_segment(end - cut, timescale), |shown| made < shown);
        let keep = self.waiting.as_ref().is_some_and(|(cut, _)| is_long_enough(*cut));
        self.settle(keep)?;
        self.cut(end)?;
        self.wait_for_disk()?;
        let keyframe_bytes = self.firsts.into_iter().collect::<Option<_>>().unwrap_or_default();
        Ok(Written { init: self.init, segments: self.done, keyframe_bytes, densest: self.densest })
    }

    /// Our encoder delays a packet by at most [`REORDER`] others. Where those last longer than the lead, decoding times
    /// fall back, so that none is later than playing.
    fn decode_time(&mut self, time: i64) -> i64 {
        let Order::Encoded { lead } = self.order else { return time };
        let latest = self.before[REORDER - 1] + lead;
        self.before.rotate_right(1);
        self.before[0] = time;
        time.min(latest)
    }

    fn write(&mut self, mut packet: Packet, until: i64) -> Result<(), Failure> {
        let from = packet.dts().unwrap_or(0) + self.order.lead();
        packet.set_duration((until - from).max(1));
        match &mut self.waiting {
            Some((_, waiting)) => waiting.push(packet),
            None => self.mux(packet)?,
        }
        Ok(())
    }

    /// Makes the cut that waits, or doesn't, and writes what is behind it.
    fn settle(&mut self, keep: bool) -> Result<(), Failure> {
        let Some((at, packets)) = self.waiting.take() else { return Ok(()) };
        if keep {
            self.cut(at)?;
        }
        packets.into_iter().try_for_each(|packet| self.mux(packet))
    }

    fn mux(&mut self, mut packet: Packet) -> Result<(), Failure> {
        self.inside += 1;
        self.muxer.write(&mut packet).map_err(muxing)
    }

    fn cut(&mut self, at: i64) -> Result<(), Failure> {
        let media = self.muxer.cut().map_err(muxing)?;
        let name = format!("{}/seg-{:05}.m4s", self.name, self.made());
        let ticks = u64::try_from(at - self.begin).unwrap_or(0);
        self.firsts.push(first_sample_end(&media));
        let density = Density { frames: std::mem::take(&mut self.inside), ticks: at - self.begin };
        self.densest = self.densest.or_denser(density);
        self.begin = at;
        self.wait_for_disk()?;
        if media.len() < LARGE_BYTES {
            self.done.push(self.folder.put_segment(name, ticks, &media)?);
            return Ok(());
        }
        let folder = self.folder.clone();
        let writing = thread::Builder::new().stack_size(STACK_BYTES);
        let writing = writing.spawn(move || folder.put_segment(name, ticks, &media));
        self.writing = Some(writing.map_err(|_| Failure::out_of_memory())?);
        Ok(())
    }

    /// How many segments were cut.
    fn made(&self) -> usize {
        self.done.len() + usize::from(self.writing.is_some())
    }

    fn wait_for_disk(&mut self) -> Result<(), Failure> {
        let written = self.writing.take().map(JoinHandle::join).transpose();
        let written = written.map_err(|_| Failure::internal("writing a segment"))?;
        self.done.extend(written.transpose()?);
        Ok(())
    }
}

fn muxing(error: Error) -> Failure {
    if crate::av::is_out_of_memory(error) {
        Failure::out_of_memory()
    } else {
        Failure::internal(&format!("muxing: {error}"))
    }
}
