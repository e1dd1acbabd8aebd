//! One sound track: decoded, mixed to stereo, gaps filled with silence, encoded as AAC, cut where the picture is.

use ffmpeg_next::Packet;
use ffmpeg_next::frame::Audio as Frame;
use pinreel_runner::{Audio, FileRef, Made};

use super::damage::{Counts, LOST_MS};
use super::fifo::Fifo;
use super::listen::{Heard, Listener};
use super::plan::SoundPlan;
use super::rung::encoding;
use super::segments::{Folder, Order, Segments};
use crate::av::decoder::Decoder;
use crate::av::encoder::Encoder;
use crate::av::filter::{Filter, SoundFormat, usual_layout};
use crate::av::frame;
use crate::av::muxer::Muxer;
use crate::av::{Error, is_out_of_memory};
use crate::failure::Failure;
use crate::rules::clock::rescale;
use crate::rules::codecs::AAC_LC;
use crate::rules::marks::Marks;

/// Samples in an AAC frame. The encoder's first frame holds nothing but its own warming up and is left out.
const FRAME: i64 = 1024;
const BITS_PER_SECOND: usize = 128_000;
/// Coding with losses overshoots full scale by so much; the rest is cut off.
const LOUDEST: f32 = 2.0;
/// Shorter gaps and overlaps are a clock's unrest; longer ones, left alone, would be heard against the picture (EBU R 37
/// allows sound to be 40 ms early).
const LEAST_GAP_S: f64 = 0.04;
/// Longer gaps in the sound are filled second by second.
const LONG_GAP_S: i64 = 2;
/// What is louder than this was never sound.
const ABSURD: f32 = 8.0;

/// The decoder, mixer and encoder of one sound track.
pub struct Sound {
    plan: SoundPlan,
    /// Where segments begin, and in which ticks.
    marks: Marks,
    timescale: u32,
    origin_us: i64,
    decoder: Decoder,
    filter: Option<(SoundFormat, Filter)>,
    fifo: Fifo,
    /// None when the track is copied, and this only listens to it.
    output: Option<(Encoder, Segments)>,
    listener: Listener,
    next_cut: u64,
    /// Samples that were mixed.
    pub sent: i64,
    /// Samples that came out of it.
    pub encoded: i64,
    packets: u64,
    pub broken: u64,
    /// Where the last decoded sound ends, in ticks of the track.
    known_until: Option<i64>,
    lost_ms: i64,
}

/// What became of a sound track.
pub struct Done {
    /// None if it was copied, or nothing was ever heard.
    pub audio: Option<Audio>,
    pub heard: Heard,
    pub counts: Counts,
    /// Milliseconds of sound that aren't there, between its first and its last.
    pub lost_ms: i64,
}

impl Sound {
    /// Encodes into `folder`, or only listens. `None` when this build can't decode the track.
    pub fn new(
        plan: SoundPlan,
        (marks, timescale): (Marks, u32),
        origin_us: i64,
        folder: Option<&Folder>,
    ) -> Result<Option<Self>, Failure> {
        let decoder = match Decoder::open(&plan.track, super::formats::LIMITS, 1) {
            Ok(decoder) => decoder,
            Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
            Err(_) => return Ok(None),
        };
        let output = folder.map(|folder| {
            let encoder = Encoder::aac(plan.sample_rate, BITS_PER_SECOND).map_err(encoding)?;
            let language = plan.track.language.as_deref();
            let muxer = Muxer::new(encoder.context(), plan.sample_rate, language).map_err(encoding)?;
            let segments = Segments::new(folder.clone(), (&plan.name, plan.sample_rate), muxer, Order::Same)?;
            Ok((encoder, segments))
        });
        let (output, listener) = (output.transpose()?, Listener::new(plan.sample_rate));
        Ok(Some(Self {
            plan,
            marks,
            timescale,
            origin_us,
            decoder,
            filter: None,
            fifo: Fifo::default(),
            output,
            listener,
            next_cut: 1,
            sent: 0,
            encoded: 0,
            packets: 0,
            broken: 0,
            known_until: None,
            lost_ms: 0,
        }))
    }

    pub fn takes(&self, packet: &Packet) -> bool {
        packet.stream() == self.plan.track.index
    }

    pub fn name(&self) -> &str {
        &self.plan.name
    }

    pub fn seconds(&self) -> f64 {
        self.sent as f64 / f64::from(self.plan.sample_rate)
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

    /// Takes what is still on its way: no packet comes any more.
    pub fn end_input(&mut self) -> Result<(), Failure> {
        if self.decoder.end().is_ok() {
            self.drain()?;
        }
        self.end_filter()
    }

    /// Is silent until so many seconds are over, which is longer than the track lasts by itself.
    pub fn hold(&mut self, end: f64) -> Result<(), Failure> {
        let end = (end * f64::from(self.plan.sample_rate)) as i64;
        while self.sent > 0 && self.sent < end {
            let samples = (end - self.sent).min(i64::from(self.plan.sample_rate));
            self.silence(samples)?;
        }
        Ok(())
    }

    /// Ends the rendition, beside a picture of so many segments if there is one.
    pub fn finish(mut self, shown: Option<usize>) -> Result<Done, Failure> {
        if let Some(rest) = self.fifo.rest() {
            self.encode(&rest)?;
        }
        if let Some((encoder, _)) = self.output.as_mut().filter(|_| self.sent > 0) {
            encoder.end().map_err(encoding)?;
            self.packets()?;
        }
        let counts = Counts { packets: self.packets, broken: self.broken };
        let heard = self.listener.finish()?;
        let Some((_, segments)) = self.output.filter(|_| self.sent > 0) else {
            return Ok(Done { audio: None, heard, counts, lost_ms: self.lost_ms });
        };
        let written = segments.finish(self.encoded, shown)?;
        let opening = rendition(&self.plan, written.init);
        let audio = Audio { segments: written.segments, loudness: heard.loudness, ..opening };
        Ok(Done { audio: Some(audio), heard, counts, lost_ms: self.lost_ms })
    }

    /// The rendition before its first segment, if the track is encoded.
    pub fn opening(&self) -> Option<Audio> {
        let (_, segments) = self.output.as_ref()?;
        Some(rendition(&self.plan, segments.init().clone()))
    }

    fn drain(&mut self) -> Result<(), Failure> {
        loop {
            match self.decoder.receive_sound() {
                Ok(Some(sound)) => self.decoded(sound)?,
                Ok(None) => return Ok(()),
                Err(error) if is_out_of_memory(error) => return Err(Failure::out_of_memory()),
                Err(_) => {
                    self.broken += 1;
                    return Ok(());
                }
            }
        }
    }

    fn decoded(&mut self, mut sound: Frame) -> Result<(), Failure> {
        let tick = (self.plan.track.tick.numerator(), self.plan.track.tick.denominator());
        let origin = rescale(self.origin_us, (tick.1, 1_000_000), 1) / i64::from(tick.0.max(1));
        let time = sound.timestamp().or(sound.pts()).map(|time| time - origin);
        if let Some(time) = time {
            super::check_length(rescale(time, tick, 1), self.plan.max_hours)?;
        }
        sound.set_pts(time);
        if let Some(time) = time {
            self.fill(rescale(time, tick, self.plan.sample_rate))?;
        }
        let format = SoundFormat::of(&sound);
        self.note_gap(time, tick, (sound.samples(), format.rate));
        if format.rate == 0 || format.channels <= 0 {
            self.broken += 1;
            return Ok(());
        }
        if self.filter.as_ref().is_none_or(|(known, _)| *known != format) {
            self.end_filter()?;
            // Silence is put before late sound, and early sound is cut off, so that sample 0 is the job's 0.
            let rate = self.plan.sample_rate;
            // In samples of the input, as the resampler counts its first one.
            let first = rescale(self.sent, (1, i32::try_from(rate).unwrap_or(i32::MAX)), format.rate);
            // In an order that nobody knows, the first two are taken for left and right.
            let stray = format.layout == 0 && usual_layout(format.channels) == 0;
            let pan = match format.channels {
                // As loud on either side as players make it of a copied track.
                1 => "pan=stereo|c0=c0|c1=c0,",
                _ if stray => "pan=stereo|c0=c0|c1=c1,",
                _ => "",
            };
            let spec = format!(
                "{pan}aresample={rate}:async=1:min_hard_comp={LEAST_GAP_S}:first_pts={first},\
                 aformat=sample_fmts=fltp:channel_layouts=stereo"
            );
            // A damaged frame may claim a format that no sound has.
            match Filter::of_sound(&format, tick, &spec) {
                Ok(filter) => self.filter = Some((format, filter)),
                Err(error) => return self.skip(error),
            }
        }
        if let Some((_, filter)) = &mut self.filter
            && let Err(error) = filter.push(&sound)
        {
            return self.skip(error);
        }
        self.pull()
    }

    /// Counts what is missing between the last sound and the one of so many samples at `time`.
    fn note_gap(&mut self, time: Option<i64>, tick: (i32, i32), (samples, rate): (usize, u32)) {
        let Some(time) = time else { return };
        let gap = self.known_until.map_or(0, |until| rescale(time - until, tick, 1000));
        if gap >= LOST_MS {
            self.lost_ms += gap;
        }
        let ticks = samples as i64 * i64::from(tick.1) / i64::from(tick.0.max(1));
        let length = ticks / i64::from(rate.max(1));
        self.known_until = Some(time + length);
    }

    /// Puts silence into a long gap before the sample `due`. The resampler would make all of it at once, and a gap may last
    /// for hours; what is shorter is left to it.
    fn fill(&mut self, due: i64) -> Result<(), Failure> {
        let second = i64::from(self.plan.sample_rate);
        if due - self.sent <= LONG_GAP_S * second {
            return Ok(());
        }
        self.end_filter()?;
        while due - self.sent > second {
            self.silence(second)?;
        }
        Ok(())
    }

    fn silence(&mut self, samples: i64) -> Result<(), Failure> {
        let mut silence = frame::silence(samples as usize, self.plan.sample_rate);
        silence.set_pts(Some(self.sent));
        self.mixed(&silence)
    }

    /// Leaves a frame out that can't be used.
    fn skip(&mut self, error: Error) -> Result<(), Failure> {
        if is_out_of_memory(error) {
            return Err(Failure::out_of_memory());
        }
        self.broken += 1;
        Ok(())
    }

    fn end_filter(&mut self) -> Result<(), Failure> {
        let Some((_, filter)) = &mut self.filter else { return Ok(()) };
        filter.end().map_err(encoding)?;
        self.pull()?;
        self.filter = None;
        Ok(())
    }

    fn pull(&mut self) -> Result<(), Failure> {
        loop {
            let Some((_, filter)) = &mut self.filter else { return Ok(()) };
            let Some(mut sound) = filter.pull_sound().map_err(encoding)? else { return Ok(()) };
            // Numbers that were stored as they are may be on any scale.
            let greatest = frame::limit(&mut sound, LOUDEST).map_err(encoding)?;
            self.broken += u64::from(greatest > ABSURD && !self.plan.track.codec.starts_with("pcm_"));
            self.mixed(&sound)?;
        }
    }

    /// Takes the next samples as they will be heard.
    fn mixed(&mut self, sound: &Frame) -> Result<(), Failure> {
        self.sent += sound.samples() as i64;
        self.listener.hear(sound)?;
        self.fifo.push(sound);
        while let Some(whole) = self.fifo.frame(FRAME as usize) {
            self.encode(&whole)?;
        }
        Ok(())
    }

    fn encode(&mut self, sound: &Frame) -> Result<(), Failure> {
        let Some((encoder, _)) = &mut self.output else { return Ok(()) };
        encoder.send(sound).map_err(encoding)?;
        self.packets()
    }

    fn packets(&mut self) -> Result<(), Failure> {
        loop {
            let due = self.cut_at(self.next_cut) - FRAME / 2;
            let Some((encoder, segments)) = &mut self.output else { return Ok(()) };
            let Some(packet) = encoder.receive().map_err(encoding)? else { return Ok(()) };
            let Some(time) = packet.pts().filter(|time| *time >= 0) else { continue };
            let cut = due <= time;
            self.next_cut += u64::from(cut);
            segments.expect(time, cut);
            segments.push(packet)?;
            self.encoded = time + FRAME;
        }
    }

    fn cut_at(&self, index: u64) -> i64 {
        let tick = (1, i32::try_from(self.timescale).unwrap_or(i32::MAX));
        rescale(self.marks.cut(index), tick, self.plan.sample_rate)
    }
}

/// Without segments.
fn rendition(plan: &SoundPlan, init: FileRef) -> Audio {
    Audio {
        name: plan.name.clone(),
        language: plan.language.clone(),
        label: plan.label.clone(),
        default: false,
        channels: 2,
        sample_rate: plan.sample_rate,
        codecs: AAC_LC.to_owned(),
        timescale: plan.sample_rate,
        init,
        segments: Vec::new(),
        made: Made::Encoded,
        why: plan.why.clone(),
        loudness: None,
    }
}
