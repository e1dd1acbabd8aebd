//! Sources whose clock, ends or sound aren't as they should be: what can be mended is, and what can't is told.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{clip, colour, ffmpeg, instants, near, refusal, transcode};

const SILENT: &str = "-f lavfi -i color=black:size=320x240:rate=25:duration=3 -f lavfi -i anullsrc=d=3";
const LOUD: &str = "-f lavfi -i color=white:size=320x240:rate=25:duration=3 -f lavfi -i sine=duration=3";
const CODED: &str = "-t 3 -c:v libx264 -preset ultrafast -g 50 -c:a aac -ac 2 -ar 48000";

#[test]
fn joined_transport_streams_play_one_after_the_other() {
    for codecs in [CODED, "-t 3 -c:v mpeg2video -b:v 2M -c:a mp2 -ar 48000"] {
        let (folder, first) = clip("first.ts", &format!("{SILENT} {codecs}"));
        let (_other, second) = clip("second.ts", &format!("{LOUD} {codecs}"));
        let joined = folder.path().join("joined.ts");
        std::fs::write(&joined, [std::fs::read(first).unwrap(), std::fs::read(second).unwrap()].concat()).unwrap();
        let done = transcode(&joined);
        done.check();
        assert!((5_900..6_200).contains(&done.result.duration_ms), "{codecs}: {}", done.result.duration_ms);
        assert_eq!(done.result.warnings, Vec::<String>::new());
        let white = done.frames("v240", "").iter().find(|(_, mean)| *mean > 128.0).expect("it turns white").0;
        let sound = done.first_sound("a0");
        assert!((white - 3.0).abs() < 0.1 && (sound - white).abs() < 0.1, "{codecs}: white {white}, sound {sound}");
    }
}

#[test]
fn every_rendition_has_the_same_segments() {
    const COPIED: &str = "-c:v libx264 -g 25 -c:a aac";
    const SOUND_COPIED: &str = "-c:v mpeg4 -c:a aac";
    const PICTURE_COPIED: &str = "-c:v libx264 -g 25 -c:a libmp3lame";
    const ENCODED: &str = "-c:v mpeg4 -c:a libmp3lame";
    // The picture's length and the sound's: what is left over behind a cut at 4 s belongs to the segment before it.
    let cases = [
        ("4", "4.023", COPIED),
        ("4", "4.023", SOUND_COPIED),
        ("4", "4.023", PICTURE_COPIED),
        ("4", "4.023", ENCODED),
        ("4.08", "3.95", SOUND_COPIED),
        ("4.04", "4.4", ENCODED),
        ("4.6", "4.6", SOUND_COPIED),
    ];
    for (shown, heard, codecs) in cases {
        let (_folder, clip) = clip(
            "ends.mkv",
            &format!(
                "-f lavfi -i testsrc2=size=640x360:rate=25:duration={shown} -f lavfi -i sine=duration={heard} \
                     {codecs} -pix_fmt yuv420p -preset ultrafast -ac 2 -ar 48000"
            ),
        );
        let done = transcode(&clip);
        done.check();
        let starts = |timescale, segments: &[_]| {
            let mut starts: Vec<_> =
                instants(timescale, segments).iter().map(|at| (at * 20.0).round() / 20.0).collect();
            starts.pop();
            starts
        };
        let picture = starts(done.result.video[0].timescale, &done.result.video[0].segments);
        let sound = starts(done.result.audio[0].timescale, &done.result.audio[0].segments);
        assert_eq!(picture, sound, "{shown} {heard} {codecs}");
    }
}

fn with_noise(whole: &Path, amount: &str) -> std::path::PathBuf {
    let damaged = whole.with_file_name("damaged.mp4");
    let output = ffmpeg("error", whole, &format!("-c copy -bsf:a noise=amount={amount} {}", damaged.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    damaged
}

#[test]
fn damaged_sound_is_told_or_refused() {
    let (_folder, whole) = clip(
        "whole.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=10 -f lavfi -i sine=duration=10 -c:v libx264 -c:a aac",
    );
    let (code, message) = refusal(&with_noise(&whole, "20"));
    assert_eq!(code, "file_damaged", "{message}");
    assert!(message.contains("packets of sound in this file are broken"), "{message}");
    // Two of 430 packets.
    let done = transcode(&with_noise(&whole, "'if(between(n,200,201),3,0)'"));
    done.check();
    assert!(done.result.warnings.iter().any(|warning| warning.contains("of sound")), "{:?}", done.result.warnings);
    assert!(transcode(&whole).result.warnings.is_empty());
}

#[test]
fn what_begins_late_misses_no_end() {
    let late = "-itsoffset 5 -f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -c:v libx264 -preset ultrafast";
    for name in ["late.mkv", "late.mp4", "late.ts"] {
        let (_folder, source) = clip(name, late);
        let done = transcode(&source);
        done.check();
        assert!(done.result.warnings.is_empty(), "{name}: {:?}", done.result.warnings);
    }
}

#[test]
fn a_picture_beyond_the_limit_is_told_with_its_size() {
    for codec in ["mjpeg", "png"] {
        let (_folder, huge) =
            clip("huge.mkv", &format!("-f lavfi -i color=size=9000x9000:rate=1:duration=1 -c:v {codec}"));
        let (code, reason) = refusal(&huge);
        assert_eq!(code, "picture_too_large", "{codec}: {reason}");
        assert!(reason.contains("9000 by 9000"), "{reason}");
    }
}

#[test]
fn tracks_last_as_long_as_the_longest() {
    let cases = [
        ("song.mp4", "-f lavfi -i color=blue:size=640x360:rate=25:duration=0.04 -f lavfi -i sine=duration=13", 13.0),
        ("still.mkv", "-f lavfi -i testsrc2=size=640x360:rate=25:duration=5 -f lavfi -i sine=duration=13", 13.0),
        ("mute.mp4", "-f lavfi -i testsrc2=size=640x360:rate=25:duration=13 -f lavfi -i sine=duration=5", 13.0),
    ];
    for (name, sources, seconds) in cases {
        for codecs in ["-c:v libx264 -g 50 -preset ultrafast -pix_fmt yuv420p -c:a aac", "-c:v mpeg4 -c:a libmp3lame"] {
            let (_folder, source) = clip(name, &format!("{sources} {codecs} -ac 2 -ar 48000"));
            let done = transcode(&source);
            done.check();
            assert_eq!(done.result.warnings, Vec::<String>::new(), "{name}");
            let length = |timescale: u32, segments: &[pinreel_runner::Segment]| {
                segments.iter().map(|segment| segment.ticks).sum::<u64>() as f64 / f64::from(timescale)
            };
            for video in &done.result.video {
                let lasts = length(video.timescale, &video.segments);
                assert!((lasts - seconds).abs() < 0.2, "{name} {codecs}: {} lasts {lasts}", video.name);
            }
            let audio = &done.result.audio[0];
            let lasts = length(audio.timescale, &audio.segments);
            assert!((lasts - seconds).abs() < 0.2, "{name} {codecs}: the sound lasts {lasts}");
            assert_eq!(audio.segments.len(), done.result.video[0].segments.len(), "{name} {codecs}");
        }
    }
}

#[test]
fn a_subtitle_behind_the_end_is_no_missing_end() {
    let (folder, film) = clip("film.mp4", &format!("{LOUD} {CODED}"));
    let (text, joined) = (folder.path().join("late.srt"), folder.path().join("late.mkv"));
    std::fs::write(
        &text,
        "1\n00:00:01,000 --> 00:00:02,000\nSalt &amp; pepper\n\n2\n00:00:10,000 --> 00:00:14,000\nby me\n",
    )
    .unwrap();
    let mut command = std::process::Command::new("ffmpeg");
    command
        .args(["-v", "error", "-i"])
        .arg(&film)
        .arg("-i")
        .arg(&text)
        .args("-map 0 -map 1 -c copy -c:s srt".split(' '));
    assert!(command.arg(&joined).status().unwrap().success());
    let done = transcode(&joined);
    assert_eq!(done.result.warnings, Vec::<String>::new());
    let captions = std::fs::read_to_string(done.path("s0/captions.vtt")).unwrap();
    assert!(captions.contains("Salt &amp; pepper"), "{captions}");
}

#[test]
fn a_picture_that_changes_its_shape_gets_bars() {
    let coded = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";
    let (folder, wide) = clip("wide.ts", &format!("-f lavfi -i color=white:size=640x360:rate=25:duration=3 {coded}"));
    let (_other, tall) = clip("tall.ts", &format!("-f lavfi -i color=white:size=360x640:rate=25:duration=3 {coded}"));
    let joined = folder.path().join("joined.ts");
    std::fs::write(&joined, [std::fs::read(wide).unwrap(), std::fs::read(tall).unwrap()].concat()).unwrap();
    let done = transcode(&joined);
    done.check();
    let top = &done.result.video[0];
    assert_eq!((top.width, top.height), (640, 360));
    let left = done.frames("v360", "crop=200:ih:0:0,");
    let middle = done.frames("v360", "crop=180:ih:230:0,");
    let bright =
        |frames: &[(f64, f64)], at: f64| frames.iter().find(|(time, _)| *time >= at).expect("a frame").1 > 200.0;
    assert!(bright(&left, 1.0) && bright(&middle, 1.0) && bright(&middle, 5.0));
    assert!(!bright(&left, 5.0), "there are bars");
}

#[test]
fn chained_streams_of_opus_play_one_after_the_other() {
    let part = |name: &str, sound: &str| clip(name, &format!("-f lavfi -i {sound} -t 3 -c:a libopus"));
    let (folder, silent) = part("silent.opus", "anullsrc=sample_rate=48000");
    let (_other, loud) = part("loud.opus", "sine=sample_rate=48000");
    let chained = folder.path().join("chained.opus");
    let [silent, loud] = [silent, loud].map(|path| std::fs::read(path).unwrap());
    std::fs::write(&chained, [&silent[..], &silent, &loud].concat()).unwrap();
    let done = transcode(&chained);
    done.check();
    assert_eq!(done.result.warnings, Vec::<String>::new());
    assert!((8_950..9_100).contains(&done.result.duration_ms), "{}", done.result.duration_ms);
    let sound = done.first_sound("a0");
    assert!((sound - 6.0).abs() < 0.05, "{sound}");
}

#[test]
fn streams_of_opus_with_other_channels_are_refused() {
    let part = |name: &str, channels: &str| {
        clip(name, &format!("-f lavfi -i anullsrc=sample_rate=48000:channel_layout={channels} -t 9 -c:a libopus"))
    };
    let ((folder, stereo), (_other, surround)) = (part("stereo.opus", "stereo"), part("surround.opus", "5.1"));
    let chained = folder.path().join("chained.opus");
    let [stereo, surround] = [stereo, surround].map(|path| std::fs::read(path).unwrap());
    std::fs::write(&chained, [stereo, surround].concat()).unwrap();
    assert_eq!(refusal(&chained).0, "channels_change");
}

#[test]
fn holes_are_told_of() {
    let film = "-f lavfi -i testsrc2=size=320x240:rate=25:duration=16 -f lavfi -i sine=duration=16 -g 25 -b:v 300k";
    for (name, codecs) in [("a.webm", "-c:v libvpx -deadline realtime -c:a libopus"), ("a.mkv", "-c:v mpeg4 -c:a mp2")]
    {
        let (_folder, whole) = clip(name, &format!("{film} {codecs}"));
        let done = transcode(&whole);
        assert_eq!(done.result.warnings, Vec::<String>::new(), "{name}");
        let mut bytes = std::fs::read(&whole).unwrap();
        let at = bytes.len() * 6 / 10;
        let length = bytes.len() / 12;
        bytes[at..at + length].fill(0);
        std::fs::write(&whole, bytes).unwrap();
        let warnings = transcode(&whole).result.warnings.join(" ");
        for lost in ["seconds of pictures are missing", "seconds of sound are missing"] {
            assert!(warnings.contains(lost), "{name}: {warnings}");
        }
    }
}

#[test]
fn short_gaps_and_overlaps_move_no_sound() {
    // A beep at 2 s, in a track that says that it comes later or earlier than what was before it ends.
    for (by_ms, name) in [(90, "gap.mkv"), (45, "gap.mkv"), (-90, "overlap.mkv")] {
        let silent = "sine=sample_rate=48000:duration=4,volume=0:enable='lt(t,2)'";
        let moved = format!("-bsf:a setts=ts=if(gte(PTS\\,1000)\\,PTS+{by_ms}\\,PTS)");
        let picture = "-f lavfi -i color=black:size=320x240:rate=25:duration=4";
        let (_folder, first) = clip("plain.mkv", &format!("{picture} -f lavfi -i {silent} -c:a mp2"));
        let source = first.with_file_name(name);
        let mut command = std::process::Command::new("ffmpeg");
        command
            .args(["-v", "error", "-i"])
            .arg(&first)
            .args(["-c", "copy"])
            .args(moved.replace("\\\\", "\\").split(' '));
        assert!(command.arg(&source).status().unwrap().success());
        let sound = transcode(&source).first_sound("a0");
        let due = 2.0 + f64::from(by_ms) / 1e3;
        assert!((sound - due).abs() < 0.04, "{name} by {by_ms} ms: {sound} instead of {due}");
    }
}

#[test]
fn sound_of_one_channel_stays_as_loud() {
    let (_folder, source) = clip("mono.wav", "-f lavfi -i sine=sample_rate=48000:duration=3,volume=10dB -ac 1");
    let done = transcode(&source);
    let peak = |text: &str| -> f64 {
        let rest = text.split("max_volume: ").nth(1).and_then(|rest| rest.split(' ').next());
        rest.unwrap().parse().unwrap()
    };
    let (theirs, ours) =
        (peak(&common::filtered(&source, "-af volumedetect")), peak(&done.filtered("a0", "-af volumedetect")));
    assert!((theirs - ours).abs() < 0.5, "{theirs} dB became {ours}");
}

#[test]
fn captions_end_with_the_film() {
    let text = "1\n00:00:01,000 --> 01:00:00,000\nOn\n\n2\n00:10:00,000 --> 00:10:01,000\nBehind\n";
    let (folder, film) = clip("plain.mp4", &format!("{SILENT} {CODED} -an"));
    let (texts, whole) = (folder.path().join("a.srt"), folder.path().join("whole.mkv"));
    std::fs::write(&texts, text).unwrap();
    let mut made = std::process::Command::new("ffmpeg");
    made.args(["-v", "error", "-i"]).arg(&film).arg("-i").arg(&texts).args(["-c", "copy", "-c:s", "srt"]).arg(&whole);
    assert!(made.status().unwrap().success());
    let done = transcode(&whole);
    let captions = std::fs::read_to_string(done.path("s0/captions.vtt")).unwrap();
    assert_eq!(captions, "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nOn\n");
}

/// Greens that are told as they are stored: taken for the other's, either would be off by thirty and more.
#[test]
fn a_picture_that_changes_its_matrix_keeps_its_colours() {
    const GREEN: [u8; 3] = [0, 200, 0];
    let part = |name: &str, matrix: &str| {
        let stored = format!("format=gbrp,scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p");
        let told = format!("-color_primaries bt709 -color_trc bt709 -colorspace {matrix}");
        clip(
            name,
            &format!(
                "-f lavfi -i color=0x00c800:size=640x360:rate=25:duration=3,{stored} \
                 -c:v libx264 -preset ultrafast -g 25 {told}"
            ),
        )
    };
    for (first, second) in [("bt709", "smpte170m"), ("smpte170m", "bt709")] {
        let (folder, one) = part("one.ts", first);
        let (_other, two) = part("two.ts", second);
        let joined = folder.path().join("joined.ts");
        std::fs::write(&joined, [std::fs::read(one).unwrap(), std::fs::read(two).unwrap()].concat()).unwrap();
        let done = transcode(&joined);
        done.check();
        for at in [1.0, 5.0] {
            // In two steps: while it scales to a single pixel, ffmpeg's filter forgets the matrix.
            let got = colour(&done.top(), at, "scale=64:64,format=rgb24,");
            assert!(near(got, GREEN, 8), "{first}, then {second}: at {at} s {got:?}");
        }
    }
}
