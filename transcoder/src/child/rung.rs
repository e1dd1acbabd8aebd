//! One picture rendition: a scaler fed by the rung above, an encoder in a thread of its own, and its files.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use pinreel_runner::{FileRef, FrameRate, Made, Video};

use super::plan::RungPlan;
use super::priority;
use super::segments::{Folder, Order, Segments, Written};
use crate::av::encoder::{Encoder, H264};
use crate::av::filter::Filter;
use crate::av::frame::Picture;
use crate::av::muxer::Muxer;
use crate::av::{Error, is_out_of_memory};
use crate::failure::Failure;
use crate::rules::clock::{Clock, Mark};
use crate::rules::colour::Colour;
use crate::rules::ladder::Size;
use crate::rules::{codecs, rate};

/// Frames that may wait for an encoder: what bounds the memory of a fast decoder. Encoders look ahead in bursts, so the
/// more may wait, the less the rungs wait for each other.
const QUEUE: RangeInclusive<usize> = 3..=12;
/// As many as fit, within those bounds.
const QUEUE_BYTES: usize = 40 << 20;

/// A running rung.
pub struct Rung {
    pub plan: RungPlan,
    /// Makes this rung's pictures of the rung above's; none for the top.
    scaler: Option<Filter>,
    clock: Clock,
    sender: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<Result<Written, Failure>>>,
    codecs: String,
    init: FileRef,
    /// The time of the last frame that came out of the encoder.
    pub encoded: Arc<AtomicI64>,
}

enum Work {
    Frame { picture: Picture, at: Mark },
    End(i64),
}

impl Rung {
    /// `first` is the top rung, whose encoder the others let go first.
    pub fn start(
        plan: &RungPlan,
        (clock, colour): (Clock, Colour),
        first: bool,
        folder: &Folder,
    ) -> Result<Self, Failure> {
        let wanted = H264 {
            size: plan.size,
            rate: plan.rate,
            timescale: clock.timescale,
            max_bits_per_second: plan.max_bits_per_second,
            crf: plan.crf,
            steady: clock.is_steady(),
            colour,
        };
        let encoder = Encoder::h264(wanted).map_err(encoding)?;
        let codecs = codecs::avc1(&encoder.extradata()).ok_or_else(|| Failure::internal("no parameter sets"))?;
        let muxer = Muxer::new(encoder.context(), clock.timescale, None).map_err(encoding)?;
        let order = if clock.is_steady() { Order::Encoded { lead: clock.lead(plan.every) } } else { Order::Same };
        let segments = Segments::new(folder.clone(), (&plan.name, clock.timescale), muxer, order)?;
        let init = segments.init().clone();
        let (sender, receiver) = sync_channel(queue(plan.size));
        let encoded = Arc::new(AtomicI64::new(0));
        let seen = encoded.clone();
        let thread = thread::Builder::new().name(plan.name.clone());
        let work = move || {
            if !first {
                priority::step_back();
            }
            encode(receiver, encoder, segments, &seen)
        };
        let thread = thread.spawn(work).map_err(|error| Failure::disk(&error))?;
        Ok(Self {
            plan: plan.clone(),
            scaler: None,
            clock,
            sender: Some(sender),
            thread: Some(thread),
            codecs,
            init,
            encoded,
        })
    }

    /// Whether this rung shows the frame at `ticks`.
    pub fn keeps(&self, ticks: i64) -> bool {
        self.clock.keeps(ticks, self.plan.every)
    }

    /// The rung's picture of the one above it.
    pub fn scale(&mut self, above: &Picture) -> Result<Picture, Failure> {
        if self.scaler.is_none() {
            let spec = format!("scale={}:{}:flags=bicubic", self.plan.size.width, self.plan.size.height);
            let tick = (1, self.clock.timescale as i32);
            self.scaler = Some(Filter::of_pictures(above.format(), tick, &spec).map_err(encoding)?);
        }
        let Some(scaler) = &mut self.scaler else { return Err(Failure::internal("no scaler")) };
        scaler.push(&above.0).map_err(encoding)?;
        scaler.pull_picture().map_err(encoding)?.ok_or_else(|| Failure::internal("the scaler kept a picture"))
    }

    /// Hands a picture to the encoder; waits while it has enough to do.
    pub fn send(&mut self, picture: &Picture, at: Mark, key: bool) -> Result<(), Failure> {
        let mut picture = picture.share().map_err(encoding)?;
        picture.stamp(at.ticks, key);
        let sent = self.sender.as_ref().map(|sender| sender.send(Work::Frame { picture, at }));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.join().err().unwrap_or_else(|| Failure::internal("an encoder ended early"))),
        }
    }

    /// Ends the rendition at `end`. Call [`Rung::finish`] of all rungs after it.
    pub fn end(&mut self, end: i64) {
        if let Some(sender) = self.sender.take() {
            // Whether the thread still runs, `finish` tells.
            let _ = sender.send(Work::End(end));
        }
    }

    pub fn finish(mut self) -> Result<Video, Failure> {
        let written = self.join()?;
        let rate = rate::measured(self.plan.told, written.densest, self.clock.timescale);
        Ok(Video { segments: written.segments, keyframe_bytes: written.keyframe_bytes, ..self.rendition(rate) })
    }

    /// The rendition before its first segment, with the rate that is told.
    pub fn opening(&self) -> Video {
        self.rendition(self.plan.told)
    }

    /// Without segments.
    fn rendition(&self, frame_rate: FrameRate) -> Video {
        Video {
            name: self.plan.name.clone(),
            width: self.plan.size.width,
            height: self.plan.size.height,
            frame_rate,
            codecs: self.codecs.clone(),
            timescale: self.clock.timescale,
            init: self.init.clone(),
            segments: Vec::new(),
            keyframe_bytes: Vec::new(),
            made: Made::Encoded,
            why: String::new(),
        }
    }

    fn join(&mut self) -> Result<Written, Failure> {
        self.sender = None;
        let thread = self.thread.take().ok_or_else(|| Failure::internal("an encoder ended early"))?;
        thread.join().unwrap_or_else(|_| Err(Failure::internal("an encoder panicked")))
    }
}

/// How many frames of a size may wait.
fn queue(size: Size) -> usize {
    let frame_bytes = size.width as usize * size.height as usize * 3 / 2;
    (QUEUE_BYTES / frame_bytes.max(1)).clamp(*QUEUE.start(), *QUEUE.end())
}

fn encode(
    receiver: Receiver<Work>,
    mut encoder: Encoder,
    mut segments: Segments,
    encoded: &AtomicI64,
) -> Result<Written, Failure> {
    for work in receiver {
        let end = match work {
            Work::Frame { picture, at } => {
                segments.expect(at.ticks, at.cut);
                encoder.send(&picture.0).map_err(encoding)?;
                None
            }
            Work::End(end) => {
                encoder.end().map_err(encoding)?;
                Some(end)
            }
        };
        while let Some(packet) = encoder.receive().map_err(encoding)? {
            encoded.fetch_max(packet.pts().unwrap_or(0), Ordering::Relaxed);
            segments.push(packet)?;
        }
        if let Some(end) = end {
            encoded.fetch_max(end, Ordering::Relaxed);
            return segments.finish(end, None);
        }
    }
    Err(Failure::internal("the job was given up"))
}

/// The failure for an error of filters and encoders, which are ours, not the file's.
pub fn encoding(error: Error) -> Failure {
    if is_out_of_memory(error) { Failure::out_of_memory() } else { Failure::internal(&error.to_string()) }
}
