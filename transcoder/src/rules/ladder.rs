//! Which renditions a picture gets, and how many bits each may take.
//!
//! The top rung is the source's own size (capped), the others are the steps of the preset's ladder below it; nothing is upscaled
//! beyond the smallest size that encoders and players take.

use pinreel_runner::FrameRate;

/// The largest rung that is watched first.
const QUICK_SIDE: u32 = 480;
/// Panoramas are scaled down to this long side, the largest that H.264 level 5.1 decoders commonly take.
pub const MAX_LONG_SIDE: u32 = 4096;
/// Smaller pictures are scaled up to it.
pub const MIN_SIDE: u32 = 16;

/// A picture's size in square pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub fn short_side(self) -> u32 {
        self.width.min(self.height)
    }

    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The size as shown: turned by a quarter when `quarter_turn`, and widened or narrowed to square pixels.
    pub fn displayed(self, aspect: (u32, u32), quarter_turn: bool) -> Self {
        let (num, den) = if aspect.0 == 0 || aspect.1 == 0 { (1, 1) } else { aspect };
        let wide = div_round(u64::from(self.width) * u64::from(num), u64::from(den)).clamp(1, 1 << 20) as u32;
        if quarter_turn { Self { width: self.height, height: wide } } else { Self { width: wide, height: self.height } }
    }

    /// The largest even size of this shape that fits into `frame`; the frame's own if only a few pixels would be left.
    pub fn within(self, frame: Self) -> Self {
        const SLACK: u32 = 8;
        let scaled = |side: u32, by: u32, to: u32| (u64::from(side) * u64::from(to) / u64::from(by.max(1))) as u32;
        let is_wider =
            u64::from(self.width) * u64::from(frame.height) > u64::from(frame.width) * u64::from(self.height);
        let near = |side: u32, whole: u32| if side + SLACK >= whole { whole } else { (side & !1).max(2) };
        if is_wider {
            Self { height: near(scaled(self.height, self.width, frame.width), frame.height), ..frame }
        } else {
            Self { width: near(scaled(self.width, self.height, frame.height), frame.width), ..frame }
        }
    }
}

/// The renditions' sizes for a picture shown at `shown`, best first; never empty. `steps` are short sides, largest first:
/// no rung is above the first.
pub fn ladder(shown: Size, steps: &[u32]) -> Vec<Size> {
    let mut sizes = vec![top(shown, steps.first().copied().unwrap_or(MIN_SIDE))];
    for &step in steps {
        let above = sizes[sizes.len() - 1].short_side();
        if step * 10 <= above * 9 {
            sizes.push(at_short_side(shown, step));
        }
    }
    sizes
}

/// Which of the short sides, best first, is watched while the others are made. All rungs come out of one decode at one
/// pace, so what makes a rung quick is how few bytes it is to deliver and to fetch; below this size it isn't worth seeing.
pub fn quick(sides: &[u32]) -> usize {
    sides.iter().position(|side| *side <= QUICK_SIDE).unwrap_or(sides.len().saturating_sub(1))
}

fn top(shown: Size, most: u32) -> Size {
    let short = shown.short_side().max(1);
    let long = shown.width.max(shown.height);
    let mut wanted = short.min(most);
    if u64::from(long) * u64::from(wanted) > u64::from(MAX_LONG_SIDE) * u64::from(short) {
        wanted = (u64::from(short) * u64::from(MAX_LONG_SIDE) / u64::from(long)) as u32;
    }
    if wanted == short && short >= MIN_SIDE {
        return Size { width: shown.width & !1, height: shown.height & !1 };
    }
    at_short_side(shown, wanted)
}

fn at_short_side(shown: Size, short: u32) -> Size {
    let short = short.max(MIN_SIDE) & !1;
    let scale = |side: u32| {
        let scaled = u64::from(side) * u64::from(short);
        let even = 2 * div_round(scaled, 2 * u64::from(shown.short_side().max(1)));
        even.clamp(u64::from(MIN_SIDE), u64::from(MAX_LONG_SIDE)) as u32
    };
    Size { width: scale(shown.width), height: scale(shown.height) }
}

/// The most bits a second that a rendition may take: 0.10 a pixel from 1080 up, 0.11 from 720, 0.12 below; and never more
/// than the preset's cap.
pub fn max_bits_per_second(size: Size, rate: FrameRate, cap_kbits: Option<u64>) -> u64 {
    let per_hundred_pixels = match size.short_side() {
        1080.. => 10,
        720.. => 11,
        _ => 12,
    };
    let pixels = size.pixels() * u64::from(rate.num) / u64::from(rate.den.max(1));
    let most = (pixels * per_hundred_pixels / 100).max(96_000);
    cap_kbits.map_or(most, |kbits| most.min(kbits * 1000))
}

fn div_round(value: u64, by: u64) -> u64 {
    (value + by / 2) / by
}

#[cfg(test)]
mod tests {
    use super::{FrameRate, Size, ladder, max_bits_per_second};

    const STEPS: [u32; 5] = [1080, 720, 480, 360, 240];

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn ladders_start_at_the_source_and_never_rise_above_it() {
        let cases = [
            (size(1920, 1080), vec![(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240)]),
            (size(3840, 2160), vec![(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240)]),
            (size(1080, 1920), vec![(1080, 1920), (720, 1280), (480, 854), (360, 640), (240, 426)]),
            (size(640, 272), vec![(640, 272), (564, 240)]),
            (size(480, 270), vec![(480, 270), (426, 240)]),
            (size(640, 360), vec![(640, 360), (426, 240)]),
            // 480 is within a tenth of 500, so it is left out.
            (size(889, 500), vec![(888, 500), (640, 360), (426, 240)]),
            (size(321, 241), vec![(320, 240)]),
            (size(10, 8), vec![(20, 16)]),
            (size(1, 1), vec![(16, 16)]),
            (size(8192, 1024), vec![(4096, 512), (2880, 360), (1920, 240)]),
            (size(1, 9000), vec![(16, 4096)]),
        ];
        for (shown, wanted) in cases {
            let got: Vec<_> = ladder(shown, &STEPS).iter().map(|s| (s.width, s.height)).collect();
            assert_eq!(got, wanted, "{shown:?}");
        }
    }

    #[test]
    fn a_presets_ladder_caps_the_top_and_sets_the_steps() {
        let heights = |shown, steps: &[u32]| ladder(shown, steps).iter().map(|s| s.short_side()).collect::<Vec<_>>();
        assert_eq!(heights(size(1920, 1080), &[720, 480]), [720, 480]);
        assert_eq!(heights(size(3840, 2160), &[2160, 1440, 720]), [2160, 1440, 720]);
        assert_eq!(heights(size(854, 480), &[720, 360]), [480, 360]);
        assert_eq!(heights(size(640, 360), &[1080]), [360]);
    }

    #[test]
    fn every_ladder_is_even_and_falls_by_more_than_a_tenth() {
        for width in (1..5000).step_by(37) {
            for height in (1..3000).step_by(53) {
                let sizes = ladder(size(width, height), &STEPS);
                assert!(sizes.iter().all(|s| s.width % 2 == 0 && s.height % 2 == 0), "{width}x{height}");
                assert!(sizes.iter().all(|s| s.width >= 16 && s.height >= 16), "{width}x{height}");
                assert!(sizes.windows(2).all(|w| w[1].short_side() * 10 <= w[0].short_side() * 9), "{width}x{height}");
            }
        }
    }

    #[test]
    fn pixels_become_square_and_quarter_turns_swap_the_sides() {
        assert_eq!(size(720, 576).displayed((16, 11), false), size(1047, 576));
        assert_eq!(size(720, 576).displayed((0, 1), false), size(720, 576));
        assert_eq!(size(1920, 1080).displayed((1, 1), true), size(1080, 1920));
    }

    #[test]
    fn what_changes_its_shape_fits_into_the_first() {
        let frame = size(640, 360);
        assert_eq!(size(1280, 720).within(frame), frame);
        assert_eq!(size(360, 640).within(frame), size(202, 360));
        assert_eq!(size(320, 240).within(frame), size(480, 360));
        assert_eq!(size(640, 352).within(frame), frame);
        assert_eq!(size(4000, 10).within(frame), size(640, 2));
        assert_eq!(size(854, 480).within(size(480, 854)), size(480, 268));
    }

    #[test]
    fn caps_follow_the_size() {
        let rate = FrameRate { num: 25, den: 1 };
        assert_eq!(max_bits_per_second(size(1920, 1080), rate, None), 5_184_000);
        assert_eq!(max_bits_per_second(size(1280, 720), rate, None), 2_534_400);
        assert_eq!(max_bits_per_second(size(854, 480), rate, None), 1_229_760);
        assert_eq!(max_bits_per_second(size(16, 16), rate, None), 96_000);
        assert_eq!(max_bits_per_second(size(1920, 1080), rate, Some(3000)), 3_000_000);
        assert_eq!(max_bits_per_second(size(854, 480), rate, Some(3000)), 1_229_760);
    }
}
