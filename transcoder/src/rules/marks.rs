//! Where keyframes and segments lie: by the clock's own rule, or at the entry points of a stream that is copied.

use std::sync::Arc;

use super::clock::{Clock, Mark};

/// The keyframes and cuts of a job, the same for all its renditions.
#[derive(Clone, Debug)]
pub struct Marks {
    clock: Clock,
    listed: Option<Listed>,
}

#[derive(Clone, Debug)]
struct Listed {
    marks: Arc<[Mark]>,
    cuts: Arc<[i64]>,
    /// Where the picture ends; sound may go on.
    end: i64,
}

/// An instant that no source reaches.
const NEVER: i64 = i64::MAX / 8;
/// Keyframes of encoded rungs lie at most this far apart.
const KEY_S: i64 = 2;
/// A copied stream's segments are at least about so long.
const SHORTEST_MS: i64 = 900;
/// What is left at the end is no segment of its own if it is shorter.
const LEAST_MS: i64 = 500;
/// A segment's wanted length in seconds, by number; the last for all others.
const WANTED_S: [i64; 4] = [1, 1, 2, 4];

impl Marks {
    /// 0, 1, 2, 4, 8 … s, as [`Clock`] has it.
    pub fn regular(clock: Clock) -> Self {
        Self { clock, listed: None }
    }

    /// Cuts at these instants, the first of which is 0, and keyframes between them up to `end`. For sound that goes on there
    /// are cuts from there on, too.
    pub fn at(clock: Clock, cuts: Vec<i64>, end: i64) -> Self {
        let mut marks = Vec::new();
        let ends = cuts.iter().skip(1).copied().chain([end]);
        for (from, to) in cuts.iter().copied().zip(ends) {
            marks.push(Mark { ticks: from, cut: true });
            let longest = KEY_S * i64::from(clock.timescale);
            let parts = ((to - from) + longest - 1) / longest;
            for part in 1..parts.max(1) {
                let ticks = clock.shared_before(from + (to - from) * part / parts);
                if ticks > marks.last().map_or(0, |last| last.ticks) {
                    marks.push(Mark { ticks, cut: false });
                }
            }
        }
        Self { clock, listed: Some(Listed { marks: marks.into(), cuts: cuts.into(), end }) }
    }

    /// The keyframe number `index`, counted from 0.
    pub fn mark(&self, index: u64) -> Mark {
        match &self.listed {
            None => self.clock.mark(index),
            Some(listed) => at(&listed.marks, index).unwrap_or(Mark { ticks: NEVER, cut: false }),
        }
    }

    /// The beginning of segment number `index`.
    pub fn cut(&self, index: u64) -> i64 {
        match &self.listed {
            None => self.clock.cut(index),
            Some(listed) => at(&listed.cuts, index).unwrap_or_else(|| {
                let behind = i64::try_from(index).unwrap_or(NEVER).saturating_sub(listed.cuts.len() as i64);
                let longest = WANTED_S[WANTED_S.len() - 1] * i64::from(self.clock.timescale);
                listed.end.saturating_add(behind.saturating_mul(longest)).min(NEVER)
            }),
        }
    }

    /// How many segments a picture has that ends at `end`.
    pub fn segments_until(&self, end: i64) -> usize {
        let scale = i64::from(self.clock.timescale);
        1 + (1..).map(|index| self.cut(index)).take_while(|cut| is_segment(end - cut, scale)).count()
    }
}

/// Whether so many ticks at the end of a track are a segment of their own.
pub fn is_segment(length: i64, timescale: i64) -> bool {
    length >= timescale * LEAST_MS / 1000
}

fn at<T: Copy>(list: &[T], index: u64) -> Option<T> {
    list.get(usize::try_from(index).ok()?).copied()
}

/// Which of a stream's entry points begin segments: the latest that keeps a segment within its wanted length, else the
/// next one. `entries` rise from 0; what is left before `end` stays whole if it is short enough.
pub fn choose(entries: &[i64], end: i64, timescale: u32) -> Vec<i64> {
    let second = i64::from(timescale);
    let mut cuts = vec![0];
    let mut next = 1;
    while next < entries.len() {
        let last = cuts[cuts.len() - 1];
        let wanted = last + WANTED_S[(cuts.len() - 1).min(WANTED_S.len() - 1)] * second;
        if end <= wanted {
            break;
        }
        let reach = entries[next..].iter().take_while(|entry| **entry <= wanted).count();
        let inside = reach.checked_sub(1).map(|back| next + back);
        let long_enough = inside.filter(|at| entries[*at] - last >= SHORTEST_MS * second / 1000);
        let chosen = long_enough.unwrap_or(next + reach);
        if let Some(cut) = entries.get(chosen) {
            cuts.push(*cut);
        }
        next = chosen + 1;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use pinreel_runner::FrameRate;

    use super::{Clock, Marks, NEVER, choose};
    use crate::rules::rate::Pace;

    fn every(gap: i64, until: i64) -> Vec<i64> {
        (0..).map(|n| n * gap).take_while(|at| *at < until).collect()
    }

    #[test]
    fn segments_begin_where_the_stream_can_be_entered() {
        let cases: [(Vec<i64>, i64, &[i64]); 8] = [
            (every(500, 17_000), 17_000, &[0, 1000, 2000, 4000, 8000, 12_000, 16_000]),
            (every(1000, 13_000), 13_000, &[0, 1000, 2000, 4000, 8000, 12_000]),
            (every(2000, 13_000), 13_000, &[0, 2000, 4000, 6000, 10_000]),
            (every(2500, 13_000), 13_000, &[0, 2500, 5000, 7500, 10_000]),
            (every(4000, 13_000), 13_000, &[0, 4000, 8000, 12_000]),
            (every(40, 8_000), 8_000, &[0, 1000, 2000, 4000]),
            (vec![0, 100, 3_000, 3_100, 6_900, 10_900], 11_000, &[0, 3_000, 6_900, 10_900]),
            (vec![0], 5_000, &[0]),
        ];
        for (entries, end, wanted) in cases {
            assert_eq!(choose(&entries, end, 1000), wanted, "{entries:?}");
        }
    }

    #[test]
    fn keyframes_lie_between_far_cuts_on_points_that_all_rungs_have() {
        let clock = Clock::new(Pace::Steady(FrameRate { num: 60, den: 1 }), 2);
        let second = i64::from(clock.timescale);
        let marks = Marks::at(clock, vec![0, 3 * second, 7 * second], 8 * second);
        let seconds: Vec<f64> = (0..5).map(|n| marks.mark(n).ticks as f64 / second as f64).collect();
        assert_eq!(seconds, [0.0, 1.5, 3.0, 5.0, 7.0]);
        assert_eq!((0..5).map(|n| marks.mark(n).cut).collect::<Vec<_>>(), [true, false, true, false, true]);
        assert!((0..5).all(|n| clock.is_shared(marks.mark(n).ticks)));
        assert_eq!((marks.mark(5).ticks, marks.cut(2)), (NEVER, 7 * second));
        assert_eq!([3, 4, 5].map(|n| marks.cut(n) / second), [8, 12, 16], "sound goes on");
        assert_eq!(marks.segments_until(8 * second), 3);
        assert_eq!(marks.cut(u64::MAX), NEVER);
    }
}
