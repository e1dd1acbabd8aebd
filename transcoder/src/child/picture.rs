//! The moving picture: one decode, upright and square pixels, placed on the clock, then down the ladder.

use std::sync::atomic::Ordering;
use std::thread;

use ffmpeg_next::Packet;
use pinreel_runner::{FileRef, Storyboard, Video};

use super::damage::{Counts, LOST_MS};
use super::plan::{PicturePlan, Plan};
use super::poster::Poster;
use super::priority;
use super::rung::{Rung, encoding};
use super::segments::Folder;
use super::storyboard::Storyboards;
use super::upright::upright;
use crate::av::decoder::Decoder;
use crate::av::filter::Filter;
use crate::av::frame::{Picture, PictureFormat};
use crate::av::track::Track;
use crate::av::{Error, is_out_of_memory};
use crate::failure::Failure;
use crate::rules::clock::{Mark, Placer};
use crate::rules::colour::{BT709, Colour};
use crate::rules::ladder::{Size, quick};
use crate::rules::marks::Marks;
use crate::rules::rate::Pace;

const SMALLER: &str = "A smaller size than the source's.";

/// What pictures need the same filters.
type Kind = (PictureFormat, Colour);

/// The decoder, the filters and the rungs of a job's picture.
pub struct Pictures {
    plan: PicturePlan,
    marks: Marks,
    folder: Folder,
    origin_us: i64,
    decoder: Decoder,
    filter: Option<(Kind, Filter)>,
    /// How the first picture was.
    first: Option<PictureFormat>,
    /// The filters' ticks.
    tick: (i32, i32),
    /// What comes out of them is called this, from the first picture on.
    colour: Option<Colour>,
    /// Whether a picture of two fields was seen.
    interlaced: bool,
    placer: Placer,
    next_mark: u64,
    /// What was shown last, and when.
    last: Option<(Picture, i64)>,
    /// What will be shown next, unless a newer picture comes for the same instant.
    pending: Option<Pending>,
    /// Where the last one ends, once all are known.
    end: Option<i64>,
    rungs: Vec<Rung>,
    poster: Poster,
    storyboard: Storyboards,
    packets: u64,
    pub broken: u64,
    captioned: bool,
    lost_ms: i64,
}

/// What became of the picture.
#[derive(Default)]
pub struct Shown {
    pub video: Vec<Video>,
    pub poster: Option<FileRef>,
    pub storyboard: Option<Storyboard>,
    pub counts: Counts,
    /// Whether there are captions inside the pictures.
    pub captioned: bool,
    /// Milliseconds of pictures that aren't there, where they come steadily.
    pub lost_ms: i64,
}

struct Pending {
    picture: Picture,
    at: i64,
    /// How long it is shown, by its container's word.
    length: i64,
}

impl Pictures {
    pub fn new(
        (plan, marks): (PicturePlan, Marks),
        origin_us: i64,
        folder: Folder,
        threads: usize,
    ) -> Result<Self, Failure> {
        let track = &plan.track;
        let decoder = open_behind(track, threads);
        let decoder = decoder.map_err(|error| unreadable(error, &track.codec))?;
        let tick = (track.tick.numerator(), track.tick.denominator());
        Ok(Self {
            placer: Placer::new(plan.clock),
            poster: Poster::new(plan.clock.timescale),
            storyboard: Storyboards::new(plan.clock.timescale),
            plan,
            marks,
            folder,
            origin_us,
            decoder,
            filter: None,
            first: None,
            tick,
            colour: None,
            interlaced: false,
            next_mark: 0,
            last: None,
            pending: None,
            end: None,
            rungs: Vec::new(),
            packets: 0,
            broken: 0,
            captioned: false,
            lost_ms: 0,
        })
    }

    /// Whether a packet belongs to this track.
    pub fn takes(&self, packet: &Packet) -> bool {
        packet.stream() == self.plan.track.index
    }

    pub fn packet(&mut self, packet: &Packet) -> Result<(), Failure> {
        self.packets += 1;
        match self.decoder.send(packet) {
            Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
            Err(_) => self.broken += 1,
            Ok(()) => {}
        }
        self.drain()
    }

    /// How far the picture is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.last.as_ref().map_or(0.0, |(_, at)| *at as f64) / f64::from(self.plan.clock.timescale)
    }

    /// Each rung's name, short side and seconds encoded.
    pub fn rungs(&self) -> impl Iterator<Item = (&str, u32, f64)> {
        let scale = f64::from(self.plan.clock.timescale);
        self.rungs.iter().map(move |rung| {
            let encoded = rung.encoded.load(Ordering::Relaxed) as f64 / scale;
            (rung.plan.name.as_str(), rung.plan.size.height, encoded)
        })
    }

    /// The rung to be watched while the others are made, once its encoder runs: see [`quick`].
    pub fn opening(&self) -> Option<Video> {
        let sides: Vec<u32> = self.rungs.iter().map(|rung| rung.plan.size.short_side()).collect();
        self.rungs.get(quick(&sides)).map(Rung::opening)
    }

    /// Takes what is still on its way: no packet comes any more. Where the last picture ends, in ticks, if there ever was
    /// one.
    pub fn end_input(&mut self) -> Result<Option<i64>, Failure> {
        if self.decoder.end().is_ok() {
            self.drain()?;
        }
        if let Some((_, filter)) = &mut self.filter {
            filter.end().map_err(encoding)?;
            self.pull()?;
        }
        self.end = self.pending.as_ref().map(|last| last.at + self.plan.last_length(last.length));
        self.show_pending()?;
        Ok(self.end)
    }

    /// Shows the last picture until `end`, which is later than it lasts by itself.
    pub fn hold(&mut self, end: i64) -> Result<(), Failure> {
        self.end = Some(end);
        self.fill(end)
    }

    /// Ends the renditions. Empty when no picture was ever decoded.
    pub fn finish(mut self) -> Result<Shown, Failure> {
        let Some(end) = self.end else {
            return Ok(Shown { counts: self.counts(), ..Shown::default() });
        };
        self.fill(end)?;
        for rung in &mut self.rungs {
            rung.end(end);
        }
        let poster = self.poster.take().map(|jpeg| self.folder.put("poster.jpg".to_owned(), &jpeg)).transpose()?;
        let (counts, captioned, lost_ms) = (self.counts(), self.captioned, self.lost_ms);
        let why = |size: Size| if size == self.plan.size { &self.plan.why } else { SMALLER };
        let videos = self.rungs.into_iter().map(|rung| {
            let why = why(rung.plan.size).to_owned();
            Ok(Video { why, ..rung.finish()? })
        });
        let video = videos.collect::<Result<_, Failure>>()?;
        Ok(Shown { video, poster, storyboard: self.storyboard.finish(&self.folder, end)?, counts, captioned, lost_ms })
    }

    fn counts(&self) -> Counts {
        Counts { packets: self.packets, broken: self.broken }
    }

    fn drain(&mut self) -> Result<(), Failure> {
        loop {
            match self.decoder.receive_picture() {
                Ok(Some(picture)) => {
                    self.captioned |= picture.is_captioned();
                    self.decoded_picture(picture)?;
                }
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
                Err(_) => {
                    self.broken += 1;
                    return Ok(());
                }
            }
        }
    }

    fn decoded_picture(&mut self, mut picture: Picture) -> Result<(), Failure> {
        self.broken += u64::from(picture.is_damaged());
        let time = picture.time();
        picture.0.set_pts(time);
        let kind = (picture.format(), picture.colour());
        let is_new = self.filter.as_ref().is_none_or(|(known, _)| *known != kind);
        // Once interlaced, always looked at: the filter leaves progressive pictures alone.
        if is_new || picture.is_interlaced() && !self.interlaced {
            self.interlaced |= picture.is_interlaced();
            self.change_filter(kind, &picture)?;
        }
        if let Some((_, filter)) = &mut self.filter {
            filter.push(&picture.0).map_err(encoding)?;
        }
        self.pull()
    }

    /// A source may change its size, format or colours midway; the renditions keep theirs.
    fn change_filter(&mut self, kind: Kind, picture: &Picture) -> Result<(), Failure> {
        if let Some((_, filter)) = &mut self.filter {
            filter.end().map_err(encoding)?;
            self.pull()?;
        }
        let tick = (self.plan.track.tick.numerator(), self.plan.track.tick.denominator());
        let first = *self.first.get_or_insert(kind.0);
        let (mut spec, colour) = upright(&self.plan, first, (picture, self.interlaced));
        spec += &colour.conversion(*self.colour.get_or_insert(colour));
        let mut filter = Filter::of_pictures(kind.0, tick, &spec).map_err(encoding)?;
        self.tick = filter.tick();
        self.filter = Some((kind, filter));
        Ok(())
    }

    fn pull(&mut self) -> Result<(), Failure> {
        loop {
            let Some((_, filter)) = &mut self.filter else { return Ok(()) };
            let Some(picture) = filter.pull_picture().map_err(encoding)? else { return Ok(()) };
            let scale = self.plan.clock.timescale;
            let length = Plan::since_origin(0, picture.duration(), self.tick, scale);
            let at = match picture.0.pts() {
                Some(time) => self.placer.place(Plan::since_origin(self.origin_us, time, self.tick, scale)),
                None => self.pending.as_ref().map_or(0, |before| self.placer.after(before.at, before.length)),
            };
            super::check_length(at / i64::from(scale), self.plan.preset.max_hours)?;
            match self.pending.as_ref().map(|pending| pending.at) {
                Some(before) if at < before => continue,
                Some(before) if at > before => {
                    self.note_gap(at - before);
                    self.show_pending()?;
                }
                _ => {}
            }
            self.pending = Some(Pending { picture, at, length });
        }
    }

    /// Counts what is missing between two pictures so many ticks apart.
    fn note_gap(&mut self, apart: i64) {
        let gap_ms = apart * 1000 / i64::from(self.plan.clock.timescale);
        if gap_ms >= LOST_MS && matches!(self.plan.pace, Pace::Steady(_)) {
            self.lost_ms += gap_ms;
        }
    }

    fn show_pending(&mut self) -> Result<(), Failure> {
        let Some(Pending { picture, at, .. }) = self.pending.take() else { return Ok(()) };
        self.fill(at)?;
        self.show_at(picture, at)
    }

    fn show_at(&mut self, picture: Picture, at: i64) -> Result<(), Failure> {
        let mark = self.mark(at);
        self.show(&picture, mark.unwrap_or(Mark { ticks: at, cut: false }), mark.is_some())?;
        self.last = Some((picture, at));
        Ok(())
    }

    /// Whether a keyframe is due at `at`; it counts as made then.
    fn mark(&mut self, at: i64) -> Option<Mark> {
        let mark = self.marks.mark(self.next_mark);
        (mark.ticks == at).then(|| self.next_mark += 1).map(|()| mark)
    }

    /// Shows the last picture again wherever the clock wants a frame before `until`: so that each segment begins where
    /// it must.
    fn fill(&mut self, until: i64) -> Result<(), Failure> {
        loop {
            let Some((last, at)) = &self.last else { return Ok(()) };
            let due = self.marks.mark(self.next_mark).ticks;
            let at = self.plan.clock.next_repeat(*at, due);
            if at >= until {
                return Ok(());
            }
            let again = last.share().map_err(encoding)?;
            self.show_at(again, at)?;
        }
    }

    /// Sends a picture down the ladder.
    fn show(&mut self, picture: &Picture, at: Mark, key: bool) -> Result<(), Failure> {
        if self.rungs.is_empty() {
            let (plan, folder) = (&self.plan, &self.folder);
            let rungs = plan.rungs.iter().enumerate();
            let colour = self.colour.unwrap_or(BT709);
            let rungs = rungs.map(|(n, rung)| Rung::start(rung, (plan.clock, colour), n == 0, folder));
            self.rungs = rungs.collect::<Result<_, _>>()?;
            priority::step_back();
        }
        self.poster.offer(picture, at.ticks)?;
        self.storyboard.offer(picture, at.ticks)?;
        let mut above: Option<Picture> = None;
        for rung in &mut self.rungs {
            if !rung.keeps(at.ticks) {
                break;
            }
            let scaled = above.as_ref().map(|above| rung.scale(above)).transpose()?;
            rung.send(scaled.as_ref().unwrap_or(picture), at, key)?;
            above = Some(match scaled {
                Some(scaled) => scaled,
                None => picture.share().map_err(encoding)?,
            });
        }
        Ok(())
    }
}

/// Opens a decoder whose threads have stepped back: they take that from the thread which starts them.
fn open_behind(track: &Track, threads: usize) -> Result<Decoder, Error> {
    let track = track.clone();
    let opening = thread::Builder::new().spawn(move || {
        priority::step_back();
        Decoder::open(&track, super::formats::LIMITS, threads)
    });
    let opening = opening.map_err(|_| Error::Other { errno: libc::ENOMEM })?;
    opening.join().unwrap_or(Err(Error::Bug))
}

fn unreadable(error: Error, codec: &str) -> Failure {
    if is_out_of_memory(error) { Failure::out_of_memory() } else { Failure::codec("picture", codec) }
}
