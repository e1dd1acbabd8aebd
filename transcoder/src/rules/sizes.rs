//! In which sizes a still picture is shown.

/// Widths of previews: a card on a phone, a card on a fine screen, a page, a large page.
const WIDTHS: [u32; 4] = [320, 640, 1280, 1920];
/// No preview is higher: twice what the largest screens show, and well within what WebP can hold.
const MAX_HEIGHT: u32 = 8192;

/// Width and height of each preview of a picture, the smallest first; at least one, and none larger than the picture.
pub fn previews(width: u32, height: u32) -> Vec<(u32, u32)> {
    let (width, height) = (width.max(1), height.max(1));
    // As wide as the picture may be shown without being too high.
    let tallest = u64::from(width) * u64::from(MAX_HEIGHT) / u64::from(height);
    let widest = width.min(WIDTHS[WIDTHS.len() - 1]).min(u32::try_from(tallest).unwrap_or(u32::MAX)).max(1);
    let smaller = WIDTHS.into_iter().filter(|one| *one < widest);
    smaller.chain([widest]).map(|one| (one, scaled(height, one, width))).collect()
}

/// `height` in the proportion of `to` to `from`, rounded.
fn scaled(height: u32, to: u32, from: u32) -> u32 {
    let (height, to, from) = (u64::from(height), u64::from(to), u64::from(from));
    u32::try_from((height * to + from / 2) / from).unwrap_or(MAX_HEIGHT).clamp(1, MAX_HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::previews;

    #[test]
    fn none_is_larger_than_the_picture() {
        type Size = (u32, u32);
        let cases: [(Size, &[Size]); 9] = [
            ((4000, 3000), &[(320, 240), (640, 480), (1280, 960), (1920, 1440)]),
            ((1920, 1080), &[(320, 180), (640, 360), (1280, 720), (1920, 1080)]),
            ((1000, 500), &[(320, 160), (640, 320), (1000, 500)]),
            ((320, 240), &[(320, 240)]),
            ((321, 240), &[(320, 239), (321, 240)]),
            ((1, 1), &[(1, 1)]),
            ((0, 0), &[(1, 1)]),
            // A comic strip, and one that is a line.
            ((800, 20_000), &[(320, 8000), (327, 8175)]),
            ((60_000, 1), &[(320, 1), (640, 1), (1280, 1), (1920, 1)]),
        ];
        for ((width, height), expected) in cases {
            assert_eq!(previews(width, height), expected, "{width} × {height}");
        }
        assert_eq!(previews(1, 100_000), [(1, 8192)]);
    }
}
