//! The job's clock: where frames, keyframes and segments lie in time.
//!
//! All renditions share one picture clock, and every frame lies on its grid. A steady source's grid is its own rate,
//! and has a frame at each point: where the source lacks one, the last is repeated. A varying source's grid is a fine
//! one, of which only the points are used at which something changes, and those of keyframes. Segments begin at
//! 0, 1, 2, 4, 8, 12 … s, moved up to the next point that all rungs have; keyframes lie at 0, 1, 2, 4, 6, 8 … s in the
//! same way. So these instants are known before anything is decoded.

use super::rate::Pace;

/// The picture clock of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Ticks a second; also the renditions' timescale.
    pub timescale: u32,
    /// Ticks between two points of the grid.
    frame: i64,
    /// Every how manieth point all rungs have.
    common: i64,
    /// Whether points may lack a frame.
    sparse: bool,
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
        let grid = pace.grid();
        let mut finer = 1;
        while grid.num * finer < 10_000 {
            finer *= 2;
        }
        let sparse = matches!(pace, Pace::Varying(_));
        Self { timescale: grid.num * finer, frame: i64::from(grid.den * finer), common: i64::from(common), sparse }
    }

    /// For sound without a picture: a grid of samples.
    pub fn of_samples(sample_rate: u32) -> Self {
        Self { timescale: sample_rate, frame: 1, common: 1, sparse: true }
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
        let step = (self.frame * self.common) as u64;
        ((seconds * u64::from(self.timescale)).div_ceil(step) * step) as i64
    }

    /// Whether all rungs have a frame at `ticks`.
    pub fn is_shared(self, ticks: i64) -> bool {
        ticks % (self.frame * self.common) == 0
    }

    /// The last point at or before `ticks` that all rungs have.
    pub fn shared_before(self, ticks: i64) -> i64 {
        let step = self.frame * self.common;
        ticks.div_euclid(step) * step
    }

    /// When the frame at `at` is shown again if the next is far and a keyframe is due at `mark`: at the grid's next
    /// point, or at a varying source's mark.
    pub fn next_repeat(self, at: i64, mark: i64) -> i64 {
        if self.sparse { mark } else { at + self.frame }
    }

    /// Whether all frames last equally long. Only then may they be decoded in another order than they are shown: a file tells
    /// how long each is until the next is decoded, which players in a page take for how long it is shown.
    pub fn is_steady(self) -> bool {
        !self.sparse
    }

    /// How far playing lags behind decoding in a rung that keeps one point in `every`: two frames, as encoders reorder
    /// by that many.
    pub fn lead(self, every: u32) -> i64 {
        if self.sparse { 0 } else { 2 * self.frame * i64::from(every) }
    }

    /// Whether a rung that keeps one point in `every` has the one at `ticks`.
    pub fn keeps(self, ticks: i64, every: u32) -> bool {
        ticks % (self.frame * i64::from(every)) == 0
    }
}

/// Puts the frames of one source on the grid.
#[derive(Clone, Debug)]
pub struct Placer {
    clock: Clock,
    /// How far the source's own grid is behind the clock's; known with the first frame.
    shift: Option<i64>,
}

impl Placer {
    pub fn new(clock: Clock) -> Self {
        Self { clock, shift: None }
    }

    /// The point for a frame that is `ticks` after the job's origin. The first frame's is 0, so that a picture is
    /// there from the beginning. Several frames may get the same point, and broken sources go back.
    pub fn place(&mut self, ticks: i64) -> i64 {
        let frame = self.clock.frame;
        let Some(shift) = self.shift else {
            self.shift = Some(if self.clock.sparse { 0 } else { ticks - round_to(ticks, frame) });
            return 0;
        };
        round_to(ticks - shift, frame)
    }

    /// The point for a frame that has no time of its own: behind one at `before` that lasts for `length`.
    pub fn after(&self, before: i64, length: i64) -> i64 {
        round_to(before + length.max(self.clock.frame), self.clock.frame)
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

    fn varying() -> Clock {
        Clock::new(Pace::Varying(FrameRate { num: 10, den: 1 }), 1)
    }

    #[test]
    fn segments_begin_at_whole_seconds_or_the_next_common_frame() {
        for clock in [steady(25, 1, 1), varying(), Clock::of_samples(48_000)] {
            let seconds: Vec<_> = (0..6).map(|k| clock.cut(k) as f64 / f64::from(clock.timescale)).collect();
            assert_eq!(seconds, [0.0, 1.0, 2.0, 4.0, 8.0, 12.0]);
        }
        let ntsc = steady(30000, 1001, 1);
        assert_eq!((0..4).map(|k| ntsc.cut(k)).collect::<Vec<_>>(), [0, 30 * 1001, 60 * 1001, 120 * 1001]);
        let halved = steady(60000, 1001, 2);
        assert_eq!(halved.timescale, 60000);
        assert!((0..1000).all(|k| halved.cut(k) % 2002 == 0));
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
        let mut placer = Placer::new(clock);
        for frame in 0..3000_i64 {
            let ms = (frame * 1001 + 15) / 30 + 3;
            assert_eq!(placer.place(rescale(ms, (1, 1000), clock.timescale)), frame * 1001, "{frame}");
        }
    }

    #[test]
    fn late_first_frames_begin_at_once_and_the_others_keep_their_time() {
        let clock = steady(25, 1, 1);
        let frame = i64::from(clock.timescale) / 25;
        let mut placer = Placer::new(clock);
        let placed: Vec<_> = [10, 11, 13].map(|n| placer.place(n * frame + 3) / frame).into();
        assert_eq!(placed, [0, 11, 13]);
        let fine = varying();
        let mut placer = Placer::new(fine);
        let at = |ms| rescale(ms, (1, 1000), fine.timescale);
        let placed: Vec<_> = [0, 7, 10, 998, 1003].map(|ms| placer.place(at(ms))).into();
        assert_eq!(placed, [0, 0, 256, 15_360, 15_360]);
    }

    #[test]
    fn frames_are_repeated_where_none_comes() {
        let steady = steady(25, 1, 1);
        assert_eq!(steady.next_repeat(0, steady.cut(1)), i64::from(steady.timescale) / 25);
        let clock = varying();
        let mut repeats = vec![0];
        while repeats[repeats.len() - 1] < clock.cut(1) {
            repeats.push(clock.next_repeat(repeats[repeats.len() - 1], clock.cut(1)));
        }
        assert_eq!(repeats, [0, 60 * 256]);
    }

    #[test]
    fn slow_rungs_keep_every_common_frame() {
        let clock = steady(50, 1, 2);
        let frame = i64::from(clock.timescale) / 50;
        let kept: Vec<_> = (0..8).filter(|n| clock.keeps(n * frame, 2)).collect();
        assert_eq!(kept, [0, 2, 4, 6]);
        assert!((0..2000).all(|k| clock.keeps(clock.mark(k).ticks, 2)));
    }
}
