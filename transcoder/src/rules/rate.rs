//! A source's frame rate: steady, as an exact fraction, or varying.

use pinreel_runner::FrameRate;

/// The fastest rate that is played; faster sources lose frames evenly.
pub const MAX_RATE: u32 = 60;
/// The rate above which rungs below [`FAST_SHORT_SIDE`] lose frames.
pub const MAX_SLOW_RATE: u32 = 30;
/// What is a little faster keeps them all: half of 33 pictures a second would be too few.
const MOST_SLOW_RATE: f64 = MAX_SLOW_RATE as f64 * 1.25;
/// Rungs with at least this short side may be faster than [`MAX_SLOW_RATE`].
pub const FAST_SHORT_SIDE: u32 = 720;

/// A slower grid would be coarser than the beginnings of segments.
const SLOWEST_GRID: f64 = 5.0;

/// Rates that a measured average is taken for when it is within a thousandth.
const USUAL: [(u32, u32); 14] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (15, 1),
    (10, 1),
    (12, 1),
    (15000, 1001),
    (20, 1),
];

/// How a source's frames are spaced, as far as its header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Frames lie on a grid of this rate.
    Steady(FrameRate),
    /// Frames have times of their own; about so many a second, at most [`MAX_SLOW_RATE`].
    Varying(FrameRate),
}

/// The grid of varying sources: frames are moved by at most a 120th of a second.
const FINE_GRID: FrameRate = FrameRate { num: MAX_RATE, den: 1 };

impl Pace {
    /// From ffmpeg's two guesses: `real`, the finest grid that all times lie on, and the `average`.
    pub fn of(real: (i32, i32), average: (i32, i32)) -> Self {
        let (rate, steady) = match (sane(real), sane(average)) {
            (Some(real), Some(average)) if near(real, average, 100) => (real, true),
            (_, Some(average)) => usual(average).map_or((average, false), |usual| (usual, true)),
            (Some(real), None) => (real, true),
            (None, None) => (FrameRate { num: 25, den: 1 }, false),
        };
        match rate.as_f64() {
            SLOWEST_GRID.. if steady => Self::Steady(rate),
            // So fast that every point of the fine grid may as well have a frame.
            per_second if per_second > f64::from(MAX_SLOW_RATE) => Self::Steady(FINE_GRID),
            _ => Self::Varying(rate),
        }
    }

    /// The source's own rate, on average.
    pub fn rate(self) -> FrameRate {
        match self {
            Self::Steady(rate) | Self::Varying(rate) => rate,
        }
    }

    /// The grid that frames lie on.
    pub fn grid(self) -> FrameRate {
        match self {
            Self::Steady(rate) => rate,
            Self::Varying(_) => FINE_GRID,
        }
    }

    /// Every how manieth frame a rung with this short side keeps, where at most so many a second are wanted. Lower rungs'
    /// numbers are multiples of the top's.
    pub fn every(self, short_side: u32, max_rate: u32) -> u32 {
        let Self::Steady(rate) = self else { return 1 };
        let top = divisor(rate, 1, max_rate.min(MAX_RATE));
        let is_slow = rate.as_f64() <= MOST_SLOW_RATE * f64::from(top);
        if short_side >= FAST_SHORT_SIDE || is_slow { top } else { top * divisor(rate, top, MAX_SLOW_RATE) }
    }
}

/// Frames in so many ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Density {
    pub frames: u64,
    pub ticks: i64,
}

impl Density {
    /// The denser of the two. Both ends of a stretch may lie upon a frame, so one of its frames doesn't count: the
    /// longer of two that are alike is taken, which tells more.
    pub fn or_denser(self, other: Self) -> Self {
        let product = |frames: u64, ticks: i64| i128::from(frames.saturating_sub(1)) * i128::from(ticks);
        let is_denser = self.ticks == 0 || product(other.frames, self.ticks) > product(self.frames, other.ticks);
        if is_denser && other.ticks > 0 { other } else { self }
    }
}

/// The most frames that come in a second, from the densest segment: the rate that is `told`, or a usual one, where as many
/// fit between its ends give or take one.
pub fn measured(told: FrameRate, densest: Density, timescale: u32) -> FrameRate {
    const SLACK: f64 = 1.2;
    let seconds = densest.ticks.max(1) as f64 / f64::from(timescale.max(1));
    let off = |rate: &FrameRate| (densest.frames as f64 - rate.as_f64() * seconds).abs();
    let usual = USUAL.iter().map(|&(num, den)| FrameRate { num, den });
    let usual = usual.filter(|rate| off(rate) <= SLACK).min_by(|one, other| off(one).total_cmp(&off(other)));
    match usual {
        _ if densest.frames < 3 || off(&told) <= SLACK => told,
        Some(usual) => usual,
        None => FrameRate { num: (densest.frames as f64 / seconds * 1000.0).round().max(1.0) as u32, den: 1000 },
    }
}

fn divisor(rate: FrameRate, already: u32, most: u32) -> u32 {
    // One per mille of grace, so that 60.01 counts as 60.
    let per_mille = u64::from(rate.num) * 1000 / (u64::from(rate.den) * u64::from(already));
    (per_mille.saturating_sub(u64::from(most)).div_ceil(u64::from(most) * 1000)).max(1) as u32
}

/// A believable rate with numbers small enough for a timescale.
fn sane((num, den): (i32, i32)) -> Option<FrameRate> {
    let rate = FrameRate { num: u32::try_from(num).ok()?, den: u32::try_from(den).ok()? };
    let believable = rate.den > 0 && (0.1..=480.0).contains(&rate.as_f64());
    let small = rate.num <= 1_000_000;
    let rounded = || FrameRate { num: (rate.as_f64() * 1000.0).round() as u32, den: 1000 };
    believable.then(|| if small { rate } else { rounded() })
}

fn usual(rate: FrameRate) -> Option<FrameRate> {
    // The closest one, for 29.97 and 30 are a thousandth apart.
    let all = USUAL.iter().map(|&(num, den)| FrameRate { num, den }).filter(|u| near(rate, *u, 1000));
    let distance = |u: &FrameRate| ((u.as_f64() - rate.as_f64()).abs() * 1e9) as u64;
    all.min_by_key(distance)
}

fn near(one: FrameRate, other: FrameRate, parts: u32) -> bool {
    (one.as_f64() - other.as_f64()).abs() * f64::from(parts) <= other.as_f64()
}

#[cfg(test)]
mod tests {
    use super::{Density, FrameRate, Pace, measured};

    #[test]
    fn the_rate_is_that_of_the_densest_segment() {
        let rate = |num, den| FrameRate { num, den };
        let cases = [
            // A picture that begins late, then whole segments.
            (rate(25, 1), &[(12, 1000), (25, 1000), (50, 2000), (100, 4000), (30, 1180)][..], rate(25, 1)),
            // A fast beginning and a slow end.
            (rate(18226, 1000), &[(30, 1000), (30, 1000), (60, 2000), (40, 4000)], rate(30, 1)),
            (rate(24000, 1001), &[(24, 1000), (24, 1000), (48, 2000), (96, 4000), (95, 4000)], rate(24000, 1001)),
            (rate(50, 1), &[(24, 1000), (24, 1000), (48, 2000), (96, 4000)], rate(24, 1)),
            (rate(30, 1), &[(34, 1000), (35, 1000), (70, 2000), (140, 4000)], rate(35_000, 1000)),
            (rate(10, 1), &[(2, 300)], rate(10, 1)),
        ];
        for (told, segments, wanted) in cases {
            let segments = segments.iter().map(|&(frames, ticks)| Density { frames, ticks });
            let densest = segments.fold(Density::default(), Density::or_denser);
            assert_eq!(measured(told, densest, 1000), wanted, "{densest:?}");
        }
    }

    #[test]
    fn guesses_become_exact_rates() {
        let steady = |num, den| Pace::Steady(FrameRate { num, den });
        let cases = [
            ((25, 1), (25, 1), steady(25, 1)),
            ((30000, 1001), (30000, 1001), steady(30000, 1001)),
            ((15000, 1001), (15000, 1001), steady(15000, 1001)),
            ((90000, 1), (29_970_001, 1_000_000), steady(30000, 1001)),
            ((1000, 1), (2997, 100), steady(30000, 1001)),
            ((90000, 1), (750_000, 71_393), Pace::Varying(FrameRate { num: 750_000, den: 71_393 })),
            ((120, 1), (37, 1), steady(60, 1)),
            ((50, 1), (0, 0), steady(50, 1)),
            ((1, 9), (1, 9), Pace::Varying(FrameRate { num: 1, den: 9 })),
            ((0, 0), (0, 0), Pace::Varying(FrameRate { num: 25, den: 1 })),
        ];
        for (real, average, wanted) in cases {
            assert_eq!(Pace::of(real, average), wanted, "{real:?} {average:?}");
        }
    }

    #[test]
    fn fast_sources_lose_frames_evenly() {
        let cases = [
            ((24, 1), 1, 1),
            ((30000, 1001), 1, 1),
            ((30, 1), 1, 1),
            ((48, 1), 1, 2),
            ((50, 1), 1, 2),
            ((60000, 1001), 1, 2),
            ((60, 1), 1, 2),
            ((120, 1), 2, 4),
            ((90, 1), 2, 4),
            ((100, 3), 1, 1),
            ((36, 1), 1, 1),
            ((61, 1), 2, 2),
            ((75, 1), 2, 2),
            ((240, 1), 4, 8),
        ];
        for ((num, den), fast, slow) in cases {
            let pace = Pace::Steady(FrameRate { num, den });
            assert_eq!((pace.every(1080, 60), pace.every(480, 60)), (fast, slow), "{num}/{den}");
        }
    }
}
