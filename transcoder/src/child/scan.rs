//! Looks through a source's packets, decoding none, to find which of its tracks can be copied as they are.

use std::fs::File;

use ffmpeg_next::Packet;

use super::formats::{ALLOWED, LIMITS, refused};
use super::plan::{PicturePlan, Plan, SoundPlan};
use crate::av::input::Source;
use crate::av::track::{Fields, Track};
use crate::av::{is_out_of_memory, packet};
use crate::failure::Failure;
use crate::rules::adts::{self, Config};
use crate::rules::clock::{Placer, rescale};
use crate::rules::fits::{self, Misfit, PictureFacts, PictureFlow, SoundFacts};
use crate::rules::h264::{Odd, Sets};
use crate::rules::ladder::Size;
use crate::rules::marks::{Marks, choose};
use crate::rules::turn::Turn;

/// Samples in an AAC packet.
pub const AAC_FRAME: i64 = 1024;
/// Pictures in a group: 4 s at the fastest rate that is kept.
const MAX_GROUP: usize = 500;
/// A segment of a copied stream may be this long.
const MAX_SEGMENT_S: f64 = 2.0 * fits::MAX_GROUP_S;
/// Playing may lag so far behind decoding: ffmpeg's reader takes much more for a jump in time.
const MAX_LEAD_S: f64 = 0.25;
/// A picture may seem to last so much longer or shorter than it does: a frame or two that a camera lost.
const MAX_UNEVEN_S: f64 = 0.1;
/// One frame's grace, so that 120 frames at 29.97 a second count as four seconds.
const GRACE_S: f64 = 0.05;
/// Sound that is this much off its place has a gap, or runs at another speed than it says.
const SOUND_GRACE_MS: i64 = 20;
/// Sound that begins this late is as good as punctual.
const LATE_MS: i64 = 5;

/// Which tracks are copied; for the others, why not.
pub struct Fits {
    pub picture: Result<PictureCopy, Misfit>,
    /// In the plan's order.
    pub sounds: Vec<Result<SoundCopy, Misfit>>,
    /// Where the picture ends, in its clock's ticks, if it was looked through.
    pub picture_end: Option<i64>,
}

/// How the picture is copied.
#[derive(Clone)]
pub struct PictureCopy {
    pub sets: Sets,
    pub marks: Marks,
    /// How far playing lags behind decoding, in ticks.
    pub lead: i64,
    /// Where the last picture ends, in ticks.
    pub end: i64,
}

/// How a sound is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundCopy {
    /// Packets left out at the beginning.
    pub skipped: u64,
    /// Where the first kept packet lies, in samples; before 0 if not all of it is heard.
    pub first: i64,
    /// For its header, where each packet has one of its own.
    pub config: Option<Config>,
}

impl Fits {
    /// No track is copied, because of what the picture did when that was tried.
    pub fn none(plan: &Plan) -> Self {
        let sounds = plan.sounds.iter().map(|_| Err(Misfit::Damaged)).collect();
        Self { picture: Err(Misfit::Damaged), sounds, picture_end: None }
    }
}

/// Reads through `file`, unless its header says already that nothing can be copied.
pub fn scan(file: File, plan: &Plan, mut told: impl FnMut(f64)) -> Result<Fits, Failure> {
    let mut picture = plan.picture.as_ref().map(PictureScan::new);
    let mut sounds: Vec<_> = plan.sounds.iter().map(SoundScan::new).collect();
    let hopeful = |picture: &Option<Result<_, _>>, sounds: &[Result<_, _>]| {
        picture.iter().any(Result::is_ok) || sounds.iter().any(Result::is_ok)
    };
    let mut picture_end = None;
    let mut sound_ends = vec![0.0_f64; sounds.len()];
    if hopeful(&picture, &sounds) {
        let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
        let mut source = Source::open(file, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
        plan.skip_unused(&mut source);
        while hopeful(&picture, &sounds) {
            let packet = match source.read() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
                Err(_) => {
                    picture = picture.map(|_| Err(Misfit::Damaged));
                    sounds.iter_mut().for_each(|sound| *sound = Err(Misfit::Damaged));
                    break;
                }
            };
            step(&mut picture, &packet, plan.origin_us);
            picture_end = picture_end.max(plan.picture.as_ref().and_then(|p| p.end_of(&packet, plan.origin_us)));
            for (end, sound) in sound_ends.iter_mut().zip(&plan.sounds) {
                *end = end.max(sound.end_of(&packet, plan.origin_us).unwrap_or(0.0));
            }
            for sound in &mut sounds {
                let scan = sound.as_mut().ok().filter(|sound| sound.track.index == packet.stream());
                if let Some(Err(misfit)) = scan.map(|scan| scan.packet(&packet, plan.origin_us)) {
                    *sound = Err(misfit);
                }
            }
            told(source.fraction_read());
        }
    }
    let shown_s = plan.picture.as_ref().zip(picture_end).map(|(picture, end)| picture.seconds(end));
    let end_s = sound_ends.iter().copied().chain(shown_s).fold(0.0, f64::max);
    let lasts = |seconds: f64| if end_s - seconds > fits::MAX_EARLY_S { Err(Misfit::Short) } else { Ok(()) };
    let picture = picture.unwrap_or(Err(Misfit::Empty)).and_then(PictureScan::finish);
    let sounds = sounds.into_iter().map(|sound| sound.and_then(SoundScan::finish));
    Ok(Fits {
        picture: picture.and_then(|fit| lasts(shown_s.unwrap_or(0.0)).map(|()| fit)),
        sounds: sounds.zip(&sound_ends).map(|(fit, end)| fit.and_then(|fit| lasts(*end).map(|()| fit))).collect(),
        picture_end,
    })
}

fn step(picture: &mut Option<Result<PictureScan<'_>, Misfit>>, packet: &Packet, origin_us: i64) {
    let Some(Ok(scan)) = picture else { return };
    if scan.plan.track.index != packet.stream() {
        return;
    }
    if let Err(misfit) = scan.packet(packet, origin_us) {
        *picture = Some(Err(misfit));
    }
}

struct PictureScan<'p> {
    plan: &'p PicturePlan,
    sets: Sets,
    placer: Placer,
    /// The current group's times, in decoding order.
    group: Vec<i64>,
    /// Where the stream can be entered, and how many bytes come before.
    entries: Vec<(i64, u64)>,
    /// Whether some of what its container calls an entry point isn't one for everything behind it.
    has_open_entries: bool,
    lead: i64,
    bytes: u64,
    last: i64,
    last_length: i64,
}

impl<'p> PictureScan<'p> {
    fn new(plan: &'p PicturePlan) -> Result<Self, Misfit> {
        let sets = Sets::parse(&plan.track.coding.header);
        fits::picture(&facts(plan, sets.as_ref()), &plan.preset)?;
        Ok(Self {
            plan,
            sets: sets.ok_or(Misfit::Header)?,
            placer: Placer::new(plan.clock),
            group: Vec::new(),
            entries: Vec::new(),
            has_open_entries: false,
            lead: 0,
            bytes: 0,
            last: 0,
            last_length: 0,
        })
    }

    fn packet(&mut self, packet: &Packet, origin_us: i64) -> Result<(), Misfit> {
        check(packet)?;
        if packet::is_hidden(packet) {
            return Err(Misfit::Edited);
        }
        let kept = self.sets.keep(packet.data().unwrap_or_default()).map_err(|odd| match odd {
            Odd::Broken => Misfit::Damaged,
            Odd::NewSets => Misfit::ParametersChange,
            Odd::Unit(_) => Misfit::Units,
        })?;
        let at = self.plan.place(&mut self.placer, packet, origin_us).ok_or(Misfit::Times)?;
        if kept.is_start {
            self.close(Some(at))?;
            self.entries.push((at, self.bytes));
        }
        let first = *self.group.first().unwrap_or(&at);
        let group_s = (at - first) as f64 / f64::from(self.plan.clock.timescale);
        if !kept.is_start && self.group.is_empty() || at < first {
            return Err(Misfit::OpenGroups);
        }
        if group_s > fits::MAX_GROUP_S + GRACE_S || self.group.len() >= MAX_GROUP {
            return Err(self.too_long(group_s));
        }
        self.has_open_entries |= packet.is_key() && !kept.is_start;
        self.group.push(at);
        self.bytes += kept.len() as u64;
        if at >= self.last {
            self.last = at;
            self.last_length = self.plan.ticks(packet.duration());
        }
        Ok(())
    }

    /// Ends the current group; the next one begins at `next`.
    fn close(&mut self, next: Option<i64>) -> Result<(), Misfit> {
        let mut sorted = self.group.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Misfit::Times);
        }
        if next.zip(sorted.last()).is_some_and(|(next, last)| next <= *last) {
            return Err(Misfit::OpenGroups);
        }
        if self.is_uneven(&sorted, next) {
            return Err(Misfit::Uneven);
        }
        let lags = sorted.iter().zip(&self.group).map(|(decoded, played)| decoded - played);
        self.lead = lags.fold(self.lead, i64::max);
        if let (Some(next), Some(first)) = (next, sorted.first()) {
            let group_s = (next - first) as f64 / f64::from(self.plan.clock.timescale);
            if group_s > fits::MAX_GROUP_S + GRACE_S {
                return Err(self.too_long(group_s));
            }
        }
        self.group.clear();
        Ok(())
    }

    /// Whether a picture of the group would seem to be shown for much longer or shorter than it is: a file tells how long it
    /// is until the next one is decoded.
    fn is_uneven(&self, sorted: &[i64], next: Option<i64>) -> bool {
        let after = |place: usize| sorted.get(place + 1).copied().or(next);
        let seems = |place: usize| Some(after(place)? - sorted[place]);
        let is = |time: &i64| Some(after(sorted.binary_search(time).ok()?)? - time);
        let off = |(place, time): (usize, &i64)| seems(place).zip(is(time)).map_or(0, |(seems, is)| (seems - is).abs());
        let most = self.group.iter().enumerate().map(off).max().unwrap_or(0);
        most as f64 > MAX_UNEVEN_S * f64::from(self.plan.clock.timescale)
    }

    fn too_long(&self, seconds: f64) -> Misfit {
        if self.has_open_entries { Misfit::OpenGroups } else { Misfit::LongGroups(seconds) }
    }

    fn finish(mut self) -> Result<PictureCopy, Misfit> {
        self.close(None)?;
        if self.entries.is_empty() {
            return Err(Misfit::Empty);
        }
        let clock = self.plan.clock;
        let end = self.last + self.plan.last_length(self.last_length);
        let seconds = |ticks: i64| ticks as f64 / f64::from(clock.timescale);
        let shared: Vec<(i64, u64)> = self.entries.iter().copied().filter(|entry| clock.is_shared(entry.0)).collect();
        let cuts = choose(&shared.iter().map(|entry| entry.0).collect::<Vec<_>>(), end, clock.timescale);
        let before = |cut: &i64| shared.iter().find(|entry| entry.0 == *cut).map_or(0, |entry| entry.1);
        let begins = cuts.iter().map(|cut| (*cut, before(cut)));
        let ends = begins.clone().skip(1).chain([(end, self.bytes)]);
        let segments: Vec<_> = begins.zip(ends).map(|(from, to)| (to.1 - from.1, seconds(to.0 - from.0))).collect();
        if seconds(self.lead) > MAX_LEAD_S {
            return Err(Misfit::FarReordered);
        }
        let longest = segments.iter().map(|segment| segment.1).fold(0.0, f64::max);
        if longest > MAX_SEGMENT_S + GRACE_S {
            return Err(Misfit::LongGroups(longest));
        }
        let flow = PictureFlow { bytes: self.bytes, seconds: seconds(end), segments };
        let most = fits::most(self.plan.size, self.plan.pace.rate(), &self.plan.preset);
        fits::flow(&flow, most)?;
        Ok(PictureCopy { sets: self.sets, marks: Marks::at(clock, cuts, end), lead: self.lead, end })
    }
}

fn facts(plan: &PicturePlan, sets: Option<&Sets>) -> PictureFacts {
    let track = &plan.track;
    let sets = sets.and_then(|sets| Some((sets.sequence()?, sets.has_plain_slices())));
    PictureFacts {
        codec: track.codec.clone(),
        pixels: track.coding.pixels.clone(),
        colour: track.coding.colour,
        full_range: track.coding.full_range,
        interlaced: matches!(track.fields, Fields::TopFirst | Fields::BottomFirst),
        turned: plan.turn != Turn::NONE,
        aspect: track.aspect,
        size: Size { width: track.width, height: track.height },
        pace: plan.pace,
        encrypted: track.coding.encrypted,
        sets,
    }
}

struct SoundScan<'p> {
    track: &'p Track,
    first: Option<i64>,
    packets: i64,
    bytes: u64,
    config: Option<Config>,
}

impl<'p> SoundScan<'p> {
    fn new(plan: &'p SoundPlan) -> Result<Self, Misfit> {
        let track = &plan.track;
        fits::sound(&SoundFacts {
            codec: track.codec.clone(),
            profile: track.coding.profile,
            channels: track.channels,
            sample_rate: track.sample_rate,
            // Without any, each packet may have its own.
            has_config: matches!(track.coding.header.len(), 0 | 2..=64),
            encrypted: track.coding.encrypted,
        })?;
        Ok(Self { track, first: None, packets: 0, bytes: 0, config: None })
    }

    fn packet(&mut self, packet: &Packet, origin_us: i64) -> Result<(), Misfit> {
        check(packet)?;
        let rate = self.track.sample_rate;
        let tick = (self.track.tick.numerator(), self.track.tick.denominator());
        let time = packet.pts().ok_or(Misfit::Times)?;
        let at = Plan::since_origin(origin_us, time, tick, rate);
        let first = *self.first.get_or_insert(at);
        if (at - (first + self.packets * AAC_FRAME)).abs() > i64::from(rate) * SOUND_GRACE_MS / 1000 {
            return Err(Misfit::Gaps);
        }
        if packet::is_hidden(packet) && at >= 0 {
            return Err(Misfit::Edited);
        }
        if self.track.coding.header.is_empty() {
            let (config, _) = adts::frame(packet.data().unwrap_or_default()).ok_or(Misfit::Header)?;
            if *self.config.get_or_insert(config) != config {
                return Err(Misfit::ParametersChange);
            }
        }
        self.packets += 1;
        self.bytes += packet.size() as u64;
        Ok(())
    }

    fn finish(self) -> Result<SoundCopy, Misfit> {
        let rate = i64::from(self.track.sample_rate);
        let first = self.first.ok_or(Misfit::Empty)?;
        if first > rate * LATE_MS / 1000 {
            return Err(Misfit::Late);
        }
        // What ends before anything is heard would only warm the decoder up. Without it the first frame fades in, as
        // with our own encoder; with it, players that know no edit lists would be late by it.
        let skipped = (-first).max(0) / AAC_FRAME;
        if skipped + 1 > self.packets {
            return Err(Misfit::Empty);
        }
        fits::sound_flow(self.bytes, (self.packets * AAC_FRAME) as f64 / rate as f64)?;
        let first = (first + skipped * AAC_FRAME).min(0);
        Ok(SoundCopy { skipped: skipped as u64, first, config: self.config })
    }
}

fn check(packet: &Packet) -> Result<(), Misfit> {
    let refusals = [
        (packet.is_corrupt(), Misfit::Damaged),
        (packet::has_new_header(packet), Misfit::ParametersChange),
        (packet::is_encrypted(packet), Misfit::Encrypted),
        (packet.size() == 0, Misfit::Damaged),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, misfit)| Err(misfit))
}

impl SoundPlan {
    /// Where a packet's sound ends, in seconds, if it is this track's.
    fn end_of(&self, packet: &Packet, origin_us: i64) -> Option<f64> {
        let time = packet.pts().filter(|_| packet.stream() == self.track.index)?;
        let tick = (self.track.tick.numerator(), self.track.tick.denominator());
        let end = Plan::since_origin(origin_us, time.saturating_add(packet.duration()), tick, self.sample_rate);
        Some(end as f64 / f64::from(self.sample_rate))
    }
}

impl PicturePlan {
    /// Seconds in so many ticks of the job's clock.
    fn seconds(&self, ticks: i64) -> f64 {
        ticks as f64 / f64::from(self.clock.timescale)
    }

    /// Ticks of the job's clock.
    pub fn ticks(&self, duration: i64) -> i64 {
        let tick = (self.track.tick.numerator(), self.track.tick.denominator());
        rescale(duration, tick, self.clock.timescale)
    }

    /// Where a packet's picture ends, if it is this track's.
    fn end_of(&self, packet: &Packet, origin_us: i64) -> Option<i64> {
        let time = packet.pts().filter(|_| packet.stream() == self.track.index)?;
        let tick = (self.track.tick.numerator(), self.track.tick.denominator());
        let at = Plan::since_origin(origin_us, time, tick, self.clock.timescale);
        Some(at + self.last_length(self.ticks(packet.duration())))
    }

    /// Where a packet's picture lies on the clock's grid.
    pub fn place(&self, placer: &mut Placer, packet: &Packet, origin_us: i64) -> Option<i64> {
        let tick = (self.track.tick.numerator(), self.track.tick.denominator());
        Some(placer.place(Plan::since_origin(origin_us, packet.pts()?, tick, self.clock.timescale)))
    }
}
