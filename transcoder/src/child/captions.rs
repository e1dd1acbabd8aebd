//! One subtitle track inside the source, as WebVTT.

use ffmpeg_next::Packet;
use pinreel_runner::Captions;

use super::plan::{CaptionPlan, Plan};
use super::segments::Folder;
use crate::av::subtitle::Subtitles;
use crate::failure::Failure;
use crate::rules::beside::unescaped;
use crate::rules::vtt::{self, Cue};

/// A long film has a few thousand.
const MAX_CUES: usize = 20_000;
const MAX_TEXT_BYTES: usize = 4 << 20;
/// A text whose end nobody tells is shown this long, or until the next.
const USUAL_MS: u64 = 5_000;
/// What is said to be shown longer ends before it begins: the difference wrapped around.
const LONGEST_MS: i64 = 24 * 3_600_000;

/// Gathers a track's texts.
pub struct Captioner {
    plan: CaptionPlan,
    origin_us: i64,
    decoder: Subtitles,
    cues: Vec<Open>,
    bytes: usize,
    /// Where its last packet ends.
    end_ms: i64,
}

/// A text whose end may be open.
struct Open {
    from_ms: u64,
    to_ms: Option<u64>,
    text: String,
}

impl Captioner {
    /// `None` when this build can't decode the track.
    pub fn new(plan: CaptionPlan, origin_us: i64) -> Option<Self> {
        let decoder = Subtitles::open(&plan.track).ok()?;
        Some(Self { plan, origin_us, decoder, cues: Vec::new(), bytes: 0, end_ms: 0 })
    }

    pub fn takes(&self, packet: &Packet) -> bool {
        packet.stream() == self.plan.track.index
    }

    /// Broken texts are left out: captions are worth no job.
    pub fn packet(&mut self, packet: &Packet) {
        let tick = (self.plan.track.tick.numerator(), self.plan.track.tick.denominator());
        let Some(time) = packet.pts().map(|time| Plan::since_origin(self.origin_us, time, tick, 1000)) else { return };
        let length =
            Some(Plan::since_origin(0, packet.duration(), tick, 1000)).filter(|ms| (1..LONGEST_MS).contains(ms));
        self.end_ms = self.end_ms.max(time.saturating_add(length.unwrap_or(0)));
        for shown in self.decoder.decode(packet).unwrap_or_default() {
            // ffmpeg's decoders of the others have done that.
            let is_html = self.plan.track.codec == "subrip";
            let text = vtt::plain(&shown.event);
            let text = if is_html { unescaped(&text) } else { text };
            let begin = time + i64::from(shown.delay_ms);
            let length = shown.length_ms.map(i64::from).filter(|ms| *ms < LONGEST_MS).or(length);
            self.bytes += text.len();
            if text.is_empty() || self.cues.len() >= MAX_CUES || self.bytes > MAX_TEXT_BYTES {
                continue;
            }
            let ms = |time: i64| u64::try_from(time).unwrap_or(0);
            let to_ms = length.map(|length| ms(begin.saturating_add(length)));
            self.cues.push(Open { from_ms: ms(begin), to_ms, text });
        }
    }

    /// Where the last text ends, as far as its container says.
    pub fn end_ms(&self) -> u64 {
        u64::try_from(self.end_ms).unwrap_or(0)
    }

    /// The file, unless nothing is ever shown before the film's end.
    pub fn finish(mut self, folder: &Folder, end_ms: u64) -> Result<Option<Captions>, Failure> {
        self.cues.retain(|cue| cue.from_ms < end_ms);
        self.cues.sort_by_key(|cue| cue.from_ms);
        let next: Vec<u64> = self.cues.iter().skip(1).map(|cue| cue.from_ms).collect();
        let cues = self.cues.into_iter().enumerate().map(|(number, cue)| {
            let usual = cue.from_ms + USUAL_MS;
            let open = next.get(number).map_or(usual, |next| usual.min(*next));
            Cue { from_ms: cue.from_ms, to_ms: cue.to_ms.unwrap_or(open).min(end_ms), text: cue.text }
        });
        let cues: Vec<Cue> = cues.collect();
        if cues.is_empty() {
            return Ok(None);
        }
        folder.make(&self.plan.name)?;
        let file = folder.put(format!("{}/captions.vtt", self.plan.name), vtt::write(cues).as_bytes())?;
        let CaptionPlan { name, language, label, forced, .. } = self.plan;
        Ok(Some(Captions { name, language, label, forced, file }))
    }
}
