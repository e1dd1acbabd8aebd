//! The job's clock: where frames, keyframes and segments lie in time.
//!
//! All renditions share one picture clock. Frames of a steady source lie exactly on its grid; frames of a varying one
//! keep their own time in a fine scale. Segments begin at 0, 1, 2, 4, 8, 12 … s, moved up to the next frame that all
//! rungs keep; keyframes at 0, 1, 2, 4, 6, 8 … s in the same way. So instants are known before anything is decoded.

use super::rate::Pace;

/// Ticks a second of a varying source.
const FINE: u32 = 90_000;
/// Frames this near to the grid count as on it: containers that round to milliseconds are off by half of one.
const SNAP_PER_SECOND: u32 = 900;

/// A varying source's frames are repeated this often at least.
const FILLS_PER_SECOND: u32 = 2;

/// The picture clock of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Ticks a second; also the renditions' timescale.
    pub timescale: u32,
    /// Ticks between a steady source's frames.
    frame: Option<u32>,
    /// Every how manieth frame all rungs have.
    common: u32,
}

/// An instant at which a keyframe is forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub ticks: i64,
    /// Whether a segment begins here.
    pub cut: bool,
}

impl Clock {
    /// `common` is [`Pace::every`] of the lowest rung.
    pub fn new(pace: Pace, common: u32) -> Self {
        match pace {
            Pace::Varying(_) => Self { timescale: FINE, frame: None, common: 1 },
            Pace::Steady(rate) => {
                let mut finer = 1;
                while rate.num * finer < 10_000 {
                    finer *= 2;
                }
                Self { timescale: rate.num * finer, frame: Some(rate.den * finer), common }
            }
        }
    }

    /// For sound without a picture.
    pub fn of_samples(sample_rate: u32) -> Self {
        Self { timescale: sample_rate, frame: None, common: 1 }
    }

    /// The keyframe number `index`, counted from 0.
    pub fn mark(self, index: u64) -> Mark {
        let seconds = if index < 2 { index } else { 2 * (index - 1) };
        Mark { ticks: self.instant(seconds), cut: seconds <= 2 || seconds % 4 == 0 }
    }

    /// The beginning of segment number `index`.
    pub fn cut(self, index: u64) -> i64 {
        self.instant(if index < 3 { index } else { 4 * (index - 2) })
    }

    fn instant(self, seconds: u64) -> i64 {
        let ticks = seconds * u64::from(self.timescale);
        let Some(frame) = self.frame else { return ticks as i64 };
        let step = u64::from(frame) * u64::from(self.common);
        (ticks.div_ceil(step) * step) as i64
    }

    /// The longest time between two frames: a frame is shown again where the source has none for longer.
    pub fn longest_gap(self) -> i64 {
        self.frame.map_or(i64::from(self.timescale / FILLS_PER_SECOND), |frame| i64::from(frame) * 3 / 2)
    }

    /// Where a frame is repeated after the one at `ticks` when the next comes too late.
    pub fn next_fill(self, ticks: i64) -> i64 {
        let Some(frame) = self.frame.map(i64::from) else { return ticks + self.longest_gap() };
        (ticks.div_euclid(frame) + 1) * frame
    }

    /// How far playing lags behind decoding in a rung that keeps one frame in `every`: two frames and as much again.
    pub fn lead(self, every: u32) -> i64 {
        let gap = self.frame.map_or(self.longest_gap() + i64::from(self.timescale / 20), |frame| {
            2 * i64::from(frame) * i64::from(every)
        });
        2 * gap
    }

    /// Whether a rung that keeps one frame in `every` keeps the one at `ticks`, its last kept one being at `last`.
    pub fn keeps(self, ticks: i64, last: Option<i64>, every: u32) -> bool {
        let Some(frame) = self.frame else {
            // A varying source: at most so many a second, with a tenth of grace.
            let gap = i64::from(self.timescale) * 9 / 10 / i64::from(if every > 1 { 30 } else { 60 });
            return last.is_none_or(|last| ticks - last >= gap);
        };
        let step = i64::from(frame) * i64::from(every);
        ticks % step == 0 || (ticks % i64::from(frame) != 0 && last.is_none_or(|last| ticks - last >= step))
    }
}

/// Puts the frames of one source on the clock, each later than the one before it.
#[derive(Clone, Debug)]
pub struct Placer {
    clock: Clock,
    shift: i64,
    tolerance: i64,
    last: Option<i64>,
}

impl Placer {
    /// `source_tick` is the source's time base as (num, den) of a second.
    pub fn new(clock: Clock, source_tick: (i32, i32)) -> Self {
        let half_tick = rescale(6, (source_tick.0, source_tick.1.saturating_mul(10).max(1)), clock.timescale);
        let grid = i64::from(clock.frame.unwrap_or(0)) * 3 / 10;
        let tolerance = half_tick.max(i64::from(clock.timescale / SNAP_PER_SECOND)).min(grid);
        Self { clock, shift: 0, tolerance, last: None }
    }

    /// Where a frame goes whose time is `ticks` after the job's origin; `None` when it comes too late to be shown.
    /// The first frame goes to 0, so that a picture is there from the beginning.
    pub fn place(&mut self, ticks: i64) -> Option<i64> {
        let Some(last) = self.last else {
            if let Some(frame) = self.clock.frame {
                self.shift = ticks - round_to(ticks.max(0), i64::from(frame));
            }
            self.last = Some(0);
            return Some(0);
        };
        let ticks = self.snap(ticks - self.shift);
        if ticks <= last {
            return None;
        }
        self.last = Some(ticks);
        Some(ticks)
    }

    fn snap(&self, ticks: i64) -> i64 {
        let Some(frame) = self.clock.frame else { return ticks };
        let near = round_to(ticks, i64::from(frame));
        if (near - ticks).abs() <= self.tolerance { near } else { ticks }
    }
}

/// `value` ticks of `tick` seconds each, in ticks of `1 / timescale`, to the nearest.
pub fn rescale(value: i64, tick: (i32, i32), timescale: u32) -> i64 {
    let num = i128::from(value) * i128::from(tick.0) * i128::from(timescale);
    let den = i128::from(tick.1.max(1));
    let rounded = (2 * num + den).div_euclid(2 * den);
    rounded.clamp(i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)) as i64
}

fn round_to(value: i64, step: i64) -> i64 {
    (2 * value + step).div_euclid(2 * step) * step
}

#[cfg(test)]
mod tests {
    use pinreel_runner::FrameRate;

    use super::{Clock, Pace, Placer, rescale};

    fn steady(num: u32, den: u32, common: u32) -> Clock {
        Clock::new(Pace::Steady(FrameRate { num, den }), common)
    }

    #[test]
    fn segments_begin_at_whole_seconds_or_the_next_common_frame() {
        let clock = steady(25, 1, 1);
        let seconds: Vec<_> = (0..6).map(|k| clock.cut(k) / i64::from(clock.timescale)).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 12]);
        let ntsc = steady(30000, 1001, 1);
        assert_eq!((0..4).map(|k| ntsc.cut(k)).collect::<Vec<_>>(), [0, 30 * 1001, 60 * 1001, 120 * 1001]);
        let halved = steady(60000, 1001, 2);
        assert_eq!(halved.timescale, 60000);
        assert!((0..1000).all(|k| halved.cut(k) % 2002 == 0));
        let varying = Clock::new(Pace::Varying(FrameRate { num: 10, den: 1 }), 1);
        assert_eq!(varying.cut(3), 4 * 90_000);
    }

    #[test]
    fn every_cut_is_a_mark_and_marks_are_at_most_two_seconds_apart() {
        let clock = steady(24000, 1001, 1);
        let marks: Vec<_> = (0..60).map(|k| clock.mark(k)).collect();
        let cuts: Vec<_> = marks.iter().filter(|m| m.cut).map(|m| m.ticks).collect();
        assert_eq!(cuts, (0..cuts.len() as u64).map(|k| clock.cut(k)).collect::<Vec<_>>());
        assert!(marks.windows(2).all(|w| w[1].ticks - w[0].ticks <= 2 * 24000 + 1001));
    }

    #[test]
    fn millisecond_times_fall_on_the_grid() {
        let clock = steady(30000, 1001, 1);
        let mut placer = Placer::new(clock, (1, 1000));
        for frame in 0..3000_i64 {
            let ms = (frame * 1001 + 15) / 30 + 3;
            assert_eq!(placer.place(rescale(ms, (1, 1000), clock.timescale)), Some(frame * 1001), "{frame}");
        }
    }

    #[test]
    fn frames_off_the_grid_keep_their_time_and_late_ones_are_dropped() {
        let clock = steady(25, 1, 1);
        let mut placer = Placer::new(clock, (1, 90_000));
        let frame = i64::from(clock.timescale) / 25;
        assert_eq!(placer.place(0), Some(0));
        assert_eq!(placer.place(frame + frame / 3), Some(frame + frame / 3));
        assert_eq!(placer.place(frame), None);
        assert_eq!(placer.place(3 * frame + 1), Some(3 * frame));
        assert_eq!(placer.place(3 * frame), None);
    }

    #[test]
    fn slow_rungs_keep_every_common_frame() {
        let clock = steady(50, 1, 2);
        let frame = i64::from(clock.timescale) / 50;
        let kept: Vec<_> = (0..8).filter(|n| clock.keeps(n * frame, None, 2)).collect();
        assert_eq!(kept, [0, 2, 4, 6]);
        assert!((0..2000).all(|k| clock.keeps(clock.mark(k).ticks, Some(0), 2)));
    }
}
