//! Files that are no media, or not wholly: each has a code and a sentence, and nothing crashes.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{clip, refusal, transcode};

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

/// The kernel ends a job that takes more of the processor than it may, whatever it is doing.
#[test]
fn a_job_that_takes_too_much_of_the_processor_is_ended() {
    let (_folder, heavy) = clip("heavy.mkv", "-f lavfi -i testsrc2=size=1920x1080:rate=60:duration=20 -c:v mpeg4");
    let folder = tempfile::tempdir().unwrap();
    let command = "ulimit -t 2 && exec \"$0\" transcode \"$1\" \"$2\" --json";
    let output = Command::new("bash").args(["-c", command, common::BINARY]).arg(&heavy).arg(folder.path()).output();
    let output = output.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), answer["error"]["code"].as_str()), (Some(1), Some("too_slow")), "{answer}");
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
