//! What lies beside a film and is made in the same fence: captions, a creator's picture, a frame of the film.
#![allow(clippy::unwrap_used)]

mod common;

use common::{clip, colour, exif, make, near, written};
use tempfile::TempDir;

#[test]
fn captions_come_out_clean_or_are_refused_with_their_line() {
    let (_folder, file) = written("a.srt", b"1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>\xdcber</i> <script>\r\n");
    let (folder, result) = make(&file, "\"captions\"").unwrap();
    let text = std::fs::read_to_string(folder.path().join("s0/captions.vtt")).unwrap();
    assert_eq!(text, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<i>Über</i>\n");
    assert_eq!(result.files().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["s0/captions.vtt"]);
    assert!(result.warnings[0].contains("Windows-1252"), "{:?}", result.warnings);

    let (_folder, broken) = written("a.srt", b"1\n00:00:01,000 --> 00:00:0x,000\nHello\n");
    let (code, reason) = make(&broken, "\"captions\"").unwrap_err();
    assert_eq!(code, "captions_unusable");
    assert!(reason.starts_with("line 2: "), "{reason}");

    let (_folder, huge) = written("a.srt", &vec![b'x'; (10 << 20) + 1]);
    assert!(make(&huge, "\"captions\"").unwrap_err().1.contains("10 MiB"));
}

/// Red above, blue below.
const PICTURE: &str = "-f lavfi -i color=red:size=320x240,drawbox=y=120:color=blue:t=fill -frames:v 1";

fn halves(folder: &TempDir) -> ([u8; 3], [u8; 3]) {
    let poster = folder.path().join("poster.jpg");
    (colour(&poster, 0.0, "crop=iw/2:ih/4:iw/4:ih/8,"), colour(&poster, 0.0, "crop=iw/2:ih/4:iw/4:ih*5/8,"))
}

#[test]
fn pictures_of_each_kind_become_a_poster_without_what_hides_in_them() {
    let kinds = [("jpg", ""), ("png", ""), ("webp", ""), ("gif", ""), ("avif", " -c:v libsvtav1 -f avif")];
    for (kind, how) in kinds {
        let (_folder, file) = clip(&format!("a.{kind}"), &format!("{PICTURE}{how}"));
        let (folder, result) = make(&file, "\"picture\"").unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(result.files().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["poster.jpg"], "{kind}");
        let (above, below) = halves(&folder);
        assert!(near(above, [254, 0, 0], 30) && near(below, [0, 0, 254], 30), "{kind}: {above:?} {below:?}");
    }
    let (_folder, large) = clip("large.png", "-f lavfi -i color=red:size=3000x1500 -frames:v 1");
    let (folder, _) = make(&large, "\"picture\"").unwrap();
    let size = common::ffprobe(&folder.path().join("poster.jpg"), &["-show_entries", "stream=width,height"]);
    assert_eq!(size.trim(), "1280,640");
    let (_folder, huge) = clip("huge.jpg", "-f lavfi -i color=red:size=9000x9000 -frames:v 1");
    let (code, reason) = make(&huge, "\"picture\"").unwrap_err();
    assert_eq!(code, "picture_too_large");
    assert!(reason.contains("9000 by 9000") && reason.contains("67 megapixels"), "{reason}");
}

#[test]
fn photographs_stand_upright_and_tell_no_secrets() {
    let (_folder, file) = clip("a.jpg", PICTURE);
    let plain = std::fs::read(&file).unwrap();
    // Where the red half lies once it is upright: above, below, left, right.
    for (orientation, place) in [(1, "top"), (3, "bottom"), (4, "bottom"), (6, "right"), (8, "left")] {
        let mut bytes = plain[..2].to_vec();
        bytes.extend(exif(orientation));
        bytes.extend(&plain[2..]);
        let (_folder, turned) = written("a.jpg", &bytes);
        let (folder, _) = make(&turned, "\"picture\"").unwrap();
        let poster = folder.path().join("poster.jpg");
        let crop = match place {
            "top" => "crop=iw/2:ih/4:iw/4:ih/8,",
            "bottom" => "crop=iw/2:ih/4:iw/4:ih*5/8,",
            "left" => "crop=iw/4:ih/2:iw/8:ih/4,",
            _ => "crop=iw/4:ih/2:iw*5/8:ih/4,",
        };
        let seen = colour(&poster, 0.0, crop);
        assert!(near(seen, [254, 0, 0], 30), "{orientation}: {seen:?}");
        let made = std::fs::read(&poster).unwrap();
        assert!(!made.windows(6).any(|window| window == b"SECRET"));
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let cases: [(&str, &[u8]); 4] = [
        ("a.jpg", b"Once upon a time"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>"),
        ("a.jpg", b""),
    ];
    for (name, bytes) in cases {
        let (_folder, file) = written(name, bytes);
        let (code, reason) = make(&file, "\"picture\"").unwrap_err();
        assert_eq!(code, "picture_unusable", "{name}: {reason}");
    }
    // A small file that says it is a huge picture.
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0".to_vec();
    bomb.extend([0; 64]);
    let (_folder, file) = written("bomb.png", &bomb);
    assert!(make(&file, "\"picture\"").is_err());
}

#[test]
fn a_frame_is_the_one_that_is_shown_at_its_time() {
    // Red, green and blue, three seconds each; an entry point every four.
    let (_folder, source) = clip(
        "colours.mp4",
        "-f lavfi -i color=red:size=640x360:rate=25:duration=9,drawbox=color=green:t=fill:enable='gte(t,3)',\
         drawbox=color=blue:t=fill:enable='gte(t,6)' -c:v libx264 -preset ultrafast -g 100 -movflags +faststart",
    );
    let cases = [
        (0, [254, 0, 0]),
        (2_999, [254, 0, 0]),
        (3_000, [0, 128, 0]),
        (5_999, [0, 128, 0]),
        (6_000, [0, 0, 254]),
        (99_000, [0, 0, 254]),
    ];
    for (at_ms, wanted) in cases {
        let (folder, result) = make(&source, &format!("{{\"frame\":{{\"at_ms\":{at_ms}}}}}")).unwrap();
        let seen = colour(&folder.path().join("poster.jpg"), 0.0, "");
        assert!(near(seen, wanted, 40), "{at_ms}: {seen:?}");
        assert_eq!(result.warnings.len(), usize::from(at_ms > 9_000), "{at_ms}: {:?}", result.warnings);
    }
    let (_folder, sound) = clip("a.flac", "-f lavfi -i sine=duration=1");
    assert_eq!(make(&sound, "{\"frame\":{\"at_ms\":0}}").unwrap_err().0, "no_picture");
}
