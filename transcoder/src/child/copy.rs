//! Copies the tracks that fit, packet by packet, into renditions of their own: nothing is decoded.

use std::fs::File;
use std::mem;

use ffmpeg_next::Packet;
use pinreel_runner::{Audio, Made, Video};

use super::formats::{ALLOWED, LIMITS, refused};
use super::plan::{PicturePlan, Plan, SoundPlan};
use super::rung::encoding;
use super::scan::{AAC_FRAME, Fits, PictureCopy, SoundCopy};
use super::segments::{Folder, Order, Segments};
use crate::av::input::Source;
use crate::av::muxer::Muxer;
use crate::av::{is_out_of_memory, packet};
use crate::failure::Failure;
use crate::rules::adts;
use crate::rules::clock::{Placer, rescale};
use crate::rules::codecs::{self, AAC_LC};
use crate::rules::marks::Marks;
use crate::rules::rate;

const FITS: &str = "The source fits as it is.";

/// The finished copies.
#[derive(Default)]
pub struct Copied {
    pub picture: Option<Video>,
    /// By the plan's numbers.
    pub sounds: Vec<(usize, Audio)>,
}

/// Copies what fits; `told` hears how much of the file was read.
pub fn copy(
    file: File,
    plan: &Plan,
    (fits, marks): (&Fits, &Marks),
    folder: &Folder,
    mut told: impl FnMut(f64),
) -> Result<Copied, Failure> {
    let picture = plan.picture.as_ref().zip(fits.picture.as_ref().ok());
    let mut picture = picture.map(|(plan, fit)| PictureCopier::new(plan, fit, folder)).transpose()?;
    let mut sounds = Vec::new();
    for (number, (sound, fit)) in plan.sounds.iter().zip(&fits.sounds).enumerate() {
        if let Ok(fit) = fit {
            sounds.push((number, SoundCopier::new(sound, *fit, marks, plan, folder)?));
        }
    }
    if picture.is_none() && sounds.is_empty() {
        return Ok(Copied::default());
    }
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let mut source = Source::open(file, &ALLOWED, LIMITS).map_err(|refusal| refused(refusal, bytes))?;
    plan.skip_unused(&mut source);
    loop {
        let packet = match source.read() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
            Err(error) => return Err(Failure::internal(&format!("the file changed under it: {error}"))),
        };
        if let Some(picture) = picture.as_mut().filter(|picture| picture.plan.track.index == packet.stream()) {
            picture.packet(&packet, plan.origin_us)?;
        }
        if let Some((_, sound)) = sounds.iter_mut().find(|(_, sound)| sound.plan.track.index == packet.stream()) {
            sound.packet(&packet)?;
        }
        told(source.fraction_read());
    }
    let picture = picture.map(PictureCopier::finish).transpose()?;
    let copied = picture.as_ref().map(|picture| picture.segments.len());
    let shown = copied.or_else(|| Some(marks.segments_until(fits.picture_end?)));
    let sounds = sounds.into_iter().map(|(number, sound)| Ok((number, sound.finish(shown)?)));
    Ok(Copied { picture, sounds: sounds.collect::<Result<_, Failure>>()? })
}

struct PictureCopier<'p> {
    plan: &'p PicturePlan,
    fit: &'p PictureCopy,
    placer: Placer,
    /// The current group, in decoding order, each with its place.
    group: Vec<(i64, Packet)>,
    segments: Segments,
    next_cut: u64,
}

impl<'p> PictureCopier<'p> {
    fn new(plan: &'p PicturePlan, fit: &'p PictureCopy, folder: &Folder) -> Result<Self, Failure> {
        let header = fit.sets.avcc().ok_or_else(odd)?;
        let muxer = Muxer::of_copy(&plan.track.parameters, &header, plan.clock.timescale, None).map_err(encoding)?;
        let order = Order::Copied { lead: fit.lead };
        let segments = Segments::new(folder.clone(), (&plan.top_name(), plan.clock.timescale), muxer, order)?;
        Ok(Self { plan, fit, placer: Placer::new(plan.clock), group: Vec::new(), segments, next_cut: 0 })
    }

    fn packet(&mut self, packet: &Packet, origin_us: i64) -> Result<(), Failure> {
        let kept = self.fit.sets.keep(packet.data().unwrap_or_default()).map_err(|_| odd())?;
        let at = self.plan.place(&mut self.placer, packet, origin_us).ok_or_else(odd)?;
        if kept.is_start {
            self.flush()?;
        }
        let bare = packet::made(kept.len(), kept.is_start, |bytes| kept.write(bytes)).map_err(encoding)?;
        self.group.push((at, bare));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let group = mem::take(&mut self.group);
        let mut times: Vec<i64> = group.iter().map(|(at, _)| *at).collect();
        times.sort_unstable();
        for (time, (plays, mut packet)) in times.into_iter().zip(group) {
            let cut = time == self.fit.marks.cut(self.next_cut);
            self.next_cut += u64::from(cut);
            packet.set_pts(Some(plays));
            self.segments.expect(time, cut);
            self.segments.push(packet)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Video, Failure> {
        self.flush()?;
        let written = self.segments.finish(self.fit.end, None)?;
        let sets = self.fit.sets.avcc().ok_or_else(odd)?;
        let timescale = self.plan.clock.timescale;
        Ok(Video {
            name: self.plan.top_name(),
            width: self.plan.size.width,
            height: self.plan.size.height,
            frame_rate: rate::measured(self.plan.pace.rate(), written.densest, timescale),
            codecs: codecs::avc1(&sets).ok_or_else(odd)?,
            timescale,
            init: written.init,
            segments: written.segments,
            keyframe_bytes: written.keyframe_bytes,
            made: Made::Remuxed,
            why: FITS.to_owned(),
        })
    }
}

struct SoundCopier<'p> {
    plan: &'p SoundPlan,
    fit: SoundCopy,
    marks: Marks,
    /// The marks' ticks a second.
    timescale: u32,
    segments: Segments,
    seen: u64,
    next_cut: u64,
    end: i64,
}

impl<'p> SoundCopier<'p> {
    fn new(plan: &'p SoundPlan, fit: SoundCopy, marks: &Marks, job: &Plan, folder: &Folder) -> Result<Self, Failure> {
        let track = &plan.track;
        let header = fit.config.as_ref().map_or(&track.coding.header[..], |config| config);
        let muxer = Muxer::of_copy(&track.parameters, header, track.sample_rate, track.language.as_deref());
        let order = if fit.first < 0 { Order::Trimmed { lead: -fit.first } } else { Order::Same };
        let segments = Segments::new(folder.clone(), (&plan.name, track.sample_rate), muxer.map_err(encoding)?, order)?;
        let timescale = job.clock().timescale;
        Ok(Self { plan, fit, marks: marks.clone(), timescale, segments, seen: 0, next_cut: 1, end: fit.first })
    }

    fn packet(&mut self, packet: &Packet) -> Result<(), Failure> {
        self.seen += 1;
        if self.seen <= self.fit.skipped {
            return Ok(());
        }
        let time = self.end;
        let tick = (1, i32::try_from(self.timescale).unwrap_or(i32::MAX));
        let due = rescale(self.marks.cut(self.next_cut), tick, self.plan.track.sample_rate);
        let cut = due - AAC_FRAME / 2 <= time;
        self.next_cut += u64::from(cut);
        let bytes = packet.data().unwrap_or_default();
        let bytes = match self.fit.config {
            Some(_) => adts::frame(bytes).ok_or_else(odd)?.1,
            None => bytes,
        };
        let mut bare = packet::of(bytes, true).map_err(encoding)?;
        bare.set_pts(Some(time));
        self.segments.expect(time, cut);
        self.segments.push(bare)?;
        self.end = time + AAC_FRAME;
        Ok(())
    }

    /// Beside a picture of so many segments, if there is one.
    fn finish(self, shown: Option<usize>) -> Result<Audio, Failure> {
        let written = self.segments.finish(self.end, shown)?;
        let track = &self.plan.track;
        Ok(Audio {
            name: self.plan.name.clone(),
            language: self.plan.language.clone(),
            label: self.plan.label.clone(),
            default: false,
            channels: track.channels,
            sample_rate: track.sample_rate,
            codecs: AAC_LC.to_owned(),
            timescale: track.sample_rate,
            init: written.init,
            segments: written.segments,
            made: Made::Remuxed,
            why: FITS.to_owned(),
            loudness: None,
        })
    }
}

/// What was looked through a moment ago reads otherwise now.
fn odd() -> Failure {
    Failure::internal("the file changed under it")
}
