//! A storyboard's layout: thumbnails by time, in sheets, told to players by WebVTT.

use super::ladder::Size;
use super::vtt;

/// Thumbnails of the longest work; when there are more, every second is dropped.
pub const MOST: usize = 200;
/// The first thumbnails lie this far apart.
pub const FINEST_MS: u64 = 1000;
/// Thumbnails fit into this square.
const SIDE: u32 = 160;
pub const COLUMNS: usize = 10;
/// Thumbnails of a sheet.
pub const ON_SHEET: usize = 100;

/// A thumbnail's size for a picture of this size.
pub fn thumbnail(picture: Size) -> Size {
    let longest = picture.width.max(picture.height).max(1);
    let fit = |side: u32| ((side * SIDE / longest) & !1).max(2);
    Size { width: fit(picture.width), height: fit(picture.height) }
}

/// A sheet's file name.
pub fn sheet_name(number: usize) -> String {
    format!("sheet-{number:03}.jpg")
}

/// A sheet's size for so many thumbnails.
pub fn sheet_size(count: usize, thumbnail: Size) -> Size {
    let columns = count.min(COLUMNS) as u32;
    let rows = count.div_ceil(COLUMNS) as u32;
    Size { width: columns * thumbnail.width, height: rows * thumbnail.height }
}

/// The file that says which part of which sheet shows which stretch of time.
pub fn index(times_ms: &[u64], end_ms: u64, thumbnail: Size) -> String {
    let mut out = "WEBVTT\n".to_owned();
    let ends = times_ms.iter().skip(1).copied().chain([end_ms]);
    for (number, (from, to)) in times_ms.iter().zip(ends).enumerate() {
        let place = number % ON_SHEET;
        let (x, y) = (place % COLUMNS, place / COLUMNS);
        let Size { width, height } = thumbnail;
        out += &format!(
            "\n{} --> {}\n{}#xywh={},{},{width},{height}\n",
            vtt::time(*from),
            vtt::time(to.max(from + 1)),
            sheet_name(number / ON_SHEET),
            x as u32 * width,
            y as u32 * height,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Size, index, sheet_size, thumbnail};

    #[test]
    fn thumbnails_keep_the_shape() {
        for (picture, wanted) in
            [((426, 240), (160, 90)), ((1080, 1920), (90, 160)), ((16, 16), (160, 160)), ((4096, 16), (160, 2))]
        {
            let got = thumbnail(Size { width: picture.0, height: picture.1 });
            assert_eq!((got.width, got.height), wanted);
        }
    }

    #[test]
    fn sheets_are_full_rows_and_the_index_counts_them() {
        let small = Size { width: 160, height: 90 };
        let size = |count| (sheet_size(count, small).width, sheet_size(count, small).height);
        assert_eq!((size(1), size(10), size(11), size(100)), ((160, 90), (1600, 90), (1600, 180), (1600, 900)));
        let times: Vec<u64> = (0..102).map(|n| n * 2000).collect();
        let text = index(&times, 203_500, small);
        assert!(text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nsheet-000.jpg#xywh=0,0,160,90\n"));
        assert!(text.contains("\n00:00:22.000 --> 00:00:24.000\nsheet-000.jpg#xywh=160,90,160,90\n"));
        assert!(text.ends_with("\n00:03:22.000 --> 00:03:23.500\nsheet-001.jpg#xywh=160,0,160,90\n"));
    }
}
