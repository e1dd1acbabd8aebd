//! Files that are no media, or not wholly: each has a code and a sentence, and nothing crashes.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{clip, refusal, run, transcode};

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn what_is_no_video_is_refused_by_name() {
    let garbage: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cases: [(&str, &[u8], &[&str]); 6] = [
        ("empty.mp4", b"", &["file_empty"]),
        ("text.mp4", b"Dear diary,\ntoday I filmed nothing.\n", &["not_media"]),
        ("page.mp4", b"<html><body>Hello</body></html>", &["not_media"]),
        ("garbage.mp4", &garbage, &["not_media", "nothing_decoded", "no_streams", "file_incomplete", "file_damaged"]),
        ("list.mp4", b"ffconcat version 1.0\nfile neighbour.mp4\n", &["format_not_allowed"]),
        (
            "list2.mp4",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nneighbour.ts\n#EXT-X-ENDLIST\n",
            &["format_not_allowed"],
        ),
    ];
    for (name, bytes, codes) in cases {
        let (_folder, path) = file(name, bytes);
        let (code, message) = refusal(&path);
        assert!(codes.contains(&code.as_str()), "{name}: {code} {message}");
        assert!(message.ends_with('.') && message.len() > 10, "{message}");
    }
}

#[test]
fn a_list_never_opens_its_neighbour() {
    let (folder, _clip) = clip("neighbour.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=1");
    let list = folder.path().join("list.mp4");
    std::fs::write(&list, "ffconcat version 1.0\nfile neighbour.mp4\n").unwrap();
    assert_eq!(refusal(&list).0, "format_not_allowed");
}

#[test]
fn still_pictures_are_named_as_such() {
    for name in ["still.png", "still.jpg"] {
        let (_folder, still) = clip(name, "-f lavfi -i testsrc2=size=320x240:rate=1:duration=1 -frames:v 1");
        assert_eq!(refusal(&still).0, "still_image", "{name}");
    }
}

#[test]
fn half_a_file_without_its_index_is_incomplete() {
    let (_folder, whole) = clip("whole.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=6");
    let bytes = std::fs::read(&whole).unwrap();
    let (_folder, half) = file("half.mp4", &bytes[..bytes.len() / 2]);
    let (code, message) = refusal(&half);
    assert_eq!(code, "file_incomplete", "{message}");
}

#[test]
fn half_a_file_with_its_index_is_published_with_a_warning() {
    let (_folder, whole) =
        clip("whole.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=12 -movflags +faststart");
    let bytes = std::fs::read(&whole).unwrap();
    let (_folder, half) = file("half.mp4", &bytes[..bytes.len() / 2]);
    let done = transcode(&half);
    done.check();
    assert!((3_000..9_500).contains(&done.result.duration_ms), "{}", done.result.duration_ms);
    assert!(
        done.result.warnings.iter().any(|w| w.contains("The end of the file is missing")),
        "{:?}",
        done.result.warnings
    );
    let (_folder, crumb) = file("crumb.mp4", &bytes[..6_000.min(bytes.len() / 8)]);
    let (code, message) = refusal(&crumb);
    assert!(["file_truncated", "nothing_decoded"].contains(&code.as_str()), "{code} {message}");
}

#[test]
fn mutations_end_in_an_output_or_an_error() {
    let (_folder, mp4) = clip(
        "a.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -preset ultrafast -c:a aac",
    );
    let (_folder2, webm) = clip(
        "b.mkv",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v mpeg4 -c:a libmp3lame",
    );
    for source in [mp4, webm] {
        let bytes = std::fs::read(&source).unwrap();
        for seed in 0..12_u64 {
            assert_sane(&mutated(&bytes, seed), seed);
        }
    }
}

/// Flips a few bytes, mostly near the beginning, where headers are.
fn mutated(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut bytes = bytes.to_vec();
    for flip in 0..12 {
        let range = if flip % 2 == 0 { bytes.len() } else { bytes.len().min(2048) };
        let at = random() % range;
        bytes[at] = random() as u8;
    }
    bytes
}

fn assert_sane(bytes: &[u8], seed: u64) {
    let (_folder, path) = file("mutant", bytes);
    let out = tempfile::tempdir().unwrap();
    let output = run(Path::new(&path), out.path());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    match output.status.code() {
        Some(0) => assert!(answer["duration_ms"].is_u64(), "{seed}"),
        Some(1) => {
            let code = answer["error"]["code"].as_str().unwrap();
            assert!(!["transcoder_crashed", "transcoder_killed", "no_progress"].contains(&code), "{seed}: {answer}");
        }
        other => panic!("{seed}: {other:?}"),
    }
}
