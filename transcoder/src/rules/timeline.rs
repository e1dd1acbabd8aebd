//! One timeline for a source whose clock jumps: recordings that were joined, a broadcast that restarted.
//!
//! Containers made for broadcasting promise no clock that goes on. Where one jumps, what follows is moved so that it
//! goes on where the track ended, and all tracks are moved alike, so that picture and sound stay together.

/// Times may fall back so far: what is worse was cut there.
const BACK_US: i64 = 500_000;
/// Nothing may come from any track for so long: what is longer is a jump too.
const AHEAD_US: i64 = 10_000_000;

/// Moves packets, in the order in which they are read.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    tracks: Vec<Track>,
    /// What is added since the last jump.
    shift_us: i64,
    /// Where the furthest track ends.
    furthest_us: Option<i64>,
    jumped: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Track {
    shift_us: i64,
    /// Where the last packet ends, once moved.
    end_us: Option<i64>,
}

impl Timeline {
    pub fn new(tracks: usize) -> Self {
        Self { tracks: vec![Track::default(); tracks], ..Self::default() }
    }

    /// What must be added to the times of a packet that is decoded at `at_us` and lasts for `length_us`. Tracks that
    /// are `sparse` (subtitles) follow the others.
    pub fn shift(&mut self, track: usize, (at_us, length_us): (i64, i64), sparse: bool) -> i64 {
        let (shared, furthest) = (self.shift_us, self.furthest_us);
        let Some(track) = self.tracks.get_mut(track) else { return shared };
        if sparse {
            return shared;
        }
        let (ends, begins) = (track.end_us, furthest.map(|furthest| furthest.saturating_sub(AHEAD_US)));
        let earliest = ends.map(|ends| ends.saturating_sub(BACK_US)).or(begins);
        let latest = furthest.map(|furthest| furthest.saturating_add(AHEAD_US));
        let goes_on = |shift: i64| {
            let at = at_us.saturating_add(shift);
            earliest.is_none_or(|earliest| earliest <= at) && latest.is_none_or(|latest| at <= latest)
        };
        // After a jump, packets from before it may still come from another track.
        let shift = if goes_on(track.shift_us) {
            track.shift_us
        } else if goes_on(shared) {
            shared
        } else {
            let shift = ends.or(furthest).unwrap_or(at_us).saturating_sub(at_us);
            (self.shift_us, self.jumped) = (shift, true);
            shift
        };
        let end = at_us.saturating_add(shift).saturating_add(length_us.max(0));
        *track = Track { shift_us: shift, end_us: Some(end) };
        self.furthest_us = furthest.max(Some(end));
        shift
    }

    /// Whether anything had to be moved: then the source's own idea of its length means little.
    pub fn has_jumped(&self) -> bool {
        self.jumped
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;

    const S: i64 = 1_000_000;

    /// Two tracks in turns: where packets of a second each come to lie.
    fn moved(packets: &[(usize, i64)]) -> Vec<i64> {
        let mut timeline = Timeline::new(2);
        packets.iter().map(|&(track, at)| at + timeline.shift(track, (at * S, S), false) / S).collect()
    }

    #[test]
    fn a_clock_that_goes_on_is_left_alone() {
        let packets = [(0, 5), (1, 5), (0, 6), (1, 6), (0, 14), (1, 7), (1, 15), (0, 15)];
        assert_eq!(moved(&packets), packets.map(|(_, at)| at));
        assert_eq!(moved(&[(0, -3), (1, 90), (0, -2)]), [-3, -2, -2]);
    }

    #[test]
    fn what_restarts_goes_on_where_it_ended() {
        assert_eq!(moved(&[(0, 1), (1, 1), (0, 2), (1, 2), (0, 1), (1, 1), (0, 2)]), [1, 1, 2, 2, 3, 3, 4]);
        // A third time, and one track alone.
        assert_eq!(moved(&[(0, 1), (0, 2), (0, 1), (0, 2), (0, 1)]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_jumps_far_ahead_goes_on_too() {
        let mut timeline = Timeline::new(1);
        let at = [0, 1, 95_443, 95_444].map(|at| at + timeline.shift(0, (at * S, S), false) / S);
        assert_eq!((at, timeline.has_jumped()), ([0, 1, 2, 3], true));
    }

    #[test]
    fn stragglers_stay_where_they_belong() {
        assert_eq!(moved(&[(0, 50), (1, 48), (0, 51), (0, 1), (1, 49), (1, 50), (1, 1)]), [50, 48, 51, 52, 49, 50, 52]);
    }

    #[test]
    fn subtitles_follow() {
        let mut timeline = Timeline::new(2);
        let shifts = [(0, 0, false), (0, 1, false), (0, 0, false), (1, 0, true)]
            .map(|(track, at, sparse)| timeline.shift(track, (at * S, S), sparse) / S);
        assert_eq!(shifts, [0, 0, 2, 2]);
    }

    #[test]
    fn absurd_times_do_no_harm() {
        let mut timeline = Timeline::new(1);
        for at in [i64::MAX / 4, i64::MIN / 4, i64::MAX / 4, 0] {
            timeline.shift(0, (at, i64::MAX / 4), false);
        }
    }
}
