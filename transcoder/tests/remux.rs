//! Sources that fit are copied, others say why not; and a copy is the source's own pictures at their own times.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{Done, clip, ffmpeg, ffprobe, instants, transcode};
use pinreel_runner::Made;

/// A flash and a beep at 4.2 s, groups of 2 s, reordered pictures, 25 a second.
const FITTING: &str = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=11,drawbox=color=black:t=fill:enable='lt(t,4.2)' \
    -f lavfi -i sine=frequency=1000:duration=11:sample_rate=48000,volume=0:enable='lt(t,4.2)' \
    -c:v libx264 -preset veryfast -crf 32 -g 50 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 128k";

fn made(done: &Done) -> Vec<(&str, Made)> {
    let video = done.result.video.iter().map(|video| (video.name.as_str(), video.made));
    video.chain(done.result.audio.iter().map(|audio| (audio.name.as_str(), audio.made))).collect()
}

/// A hash of each picture.
fn pictures(file: &Path) -> Vec<String> {
    let output = ffmpeg("error", file, "-map 0:v:0 -vsync passthrough -f framemd5 -");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

fn flash(done: &Done, rendition: &str) -> f64 {
    done.frames(rendition, "").iter().find(|(_, mean)| *mean > 50.0).expect("a flash").0
}

#[test]
fn a_fitting_source_is_copied_and_sets_the_boundaries() {
    let (_folder, source) = clip("fitting.mp4", FITTING);
    let done = transcode(&source);
    done.check();
    let (copied, encoded) = (Made::Remuxed, Made::Encoded);
    assert_eq!(made(&done), [("v360", copied), ("v240", encoded), ("a0", copied)]);
    assert_eq!(done.result.video[0].why, "The source fits as it is.");
    assert_eq!(done.result.video[1].why, "A smaller size than the source's.");
    assert_eq!(pictures(&done.media("v360")), pictures(&source));
    for video in &done.result.video {
        // The flash is a cut, at which the source has an entry point.
        assert_eq!(instants(video.timescale, &video.segments), [0.0, 2.0, 4.0, 6.2, 10.2, 11.0], "{}", video.name);
        assert!((flash(&done, &video.name) - 4.2).abs() < 0.001, "{}", video.name);
        assert_eq!((video.frame_rate.num, video.frame_rate.den), (25, 1));
    }
    let heard = done.first_sound("a0");
    assert!((heard - 4.2).abs() < 0.012, "{heard}");
    assert!(done.path("playable.json").is_file());
    assert_eq!(transcode(&source).result, done.result, "the same bytes again");
}

#[test]
fn containers_without_exact_times_fit_too() {
    for name in ["fitting.mkv", "fitting.ts"] {
        let (_folder, source) = clip(name, FITTING);
        let done = transcode(&source);
        done.check();
        assert_eq!(made(&done)[0], ("v360", Made::Remuxed), "{name}: {}", done.result.video[0].why);
        assert_eq!(made(&done)[2], ("a0", Made::Remuxed), "{name}: {}", done.result.audio[0].why);
        assert_eq!(pictures(&done.media("v360")), pictures(&source));
        let apart = flash(&done, "v360") - done.first_sound("a0");
        assert!(apart.abs() < 0.025, "{name}: {apart}");
        assert!((flash(&done, "v360") - flash(&done, "v240")).abs() < 0.001, "{name}");
    }
}

#[test]
fn what_does_not_fit_says_why() {
    let picture = |options: &str| format!("-f lavfi -i testsrc2=size=320x240:rate=25:duration=6 {options}");
    let x264 = |options: &str| picture(&format!("-c:v libx264 -preset veryfast -crf 35 -pix_fmt yuv420p {options}"));
    let cases = [
        ("groups.mp4", x264("-g 250"), "entered every"),
        ("open.mkv", x264("-g 50 -bf 3 -x264-params open-gop=1"), "across the points"),
        ("deep.mp4", picture("-c:v libx264 -preset veryfast -g 50 -pix_fmt yuv420p10le"), "not 8-bit 4:2:0"),
        ("wide.mp4", x264("-g 50 -vf setsar=16/11"), "square"),
        ("squeezed.mkv", x264("-g 50 -bsf:v h264_metadata=sample_aspect_ratio=2/1"), "square"),
        ("broad.mp4", x264("-g 50 -colorspace bt2020nc -color_primaries bt2020 -color_trc bt709"), "BT.2020"),
        ("full.mp4", picture("-c:v libx264 -preset veryfast -crf 35 -g 50 -pix_fmt yuvj420p"), "full range"),
        ("fields.mp4", x264("-g 50 -flags +ildct+ilme -x264-params tff=1"), "interlaced"),
        ("fat.mp4", picture("-c:v libx264 -preset veryfast -qp 4 -g 50 -pix_fmt yuv420p"), "kb/s where"),
        ("hevc.mp4", picture("-c:v libx265 -preset ultrafast -x265-params log-level=none"), "coded as hevc"),
        ("fast.mp4", x264("-g 50 -r 50"), "more pictures a second"),
        ("odd.mp4", picture("-vf scale=162:122 -c:v mpeg4"), "coded as mpeg4"),
    ];
    for (name, arguments, why) in cases {
        let (_folder, source) = clip(name, &arguments);
        let done = transcode(&source);
        done.check();
        let top = &done.result.video[0];
        assert_eq!(top.made, Made::Encoded, "{name}");
        assert!(top.why.contains(why), "{name}: {}", top.why);
    }
}

#[test]
fn sounds_that_do_not_fit_say_why() {
    let sound = |options: &str| format!("-f lavfi -i sine=duration=5:sample_rate=48000 {options}");
    let cases = [
        ("surround.m4a", sound("-af aformat=channel_layouts=5.1 -c:a aac"), "6 channels"),
        ("fat.m4a", "-f lavfi -i anoisesrc=d=5:r=48000 -ac 2 -c:a aac -b:a 320k".to_owned(), "kb/s where"),
        ("slow.m4a", sound("-ar 22050 -c:a aac"), "22050 samples"),
        ("layer.mp3", sound("-c:a libmp3lame"), "coded as mp3"),
    ];
    for (name, arguments, why) in cases {
        let (_folder, source) = clip(name, &arguments);
        let done = transcode(&source);
        done.check();
        assert!(done.result.audio[0].why.contains(why), "{name}: {}", done.result.audio[0].why);
    }
    let (_folder, source) = clip("fits.m4a", &sound("-c:a aac -b:a 96k"));
    let done = transcode(&source);
    done.check();
    assert_eq!(made(&done), [("a0", Made::Remuxed)]);
    assert!(done.path("playable.json").is_file());
}

#[test]
fn turned_and_cut_sources_are_encoded() {
    let (folder, source) = clip("fitting.mp4", FITTING);
    for (name, options, why) in
        [("turned.mp4", "-c copy -metadata:s:v rotate=90", "turned"), ("cut.mp4", "-c copy", "edit list")]
    {
        let changed = folder.path().join(name);
        let seek = if name == "cut.mp4" { "-ss 1.3 -i" } else { "-i" };
        let mut command = std::process::Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(seek.split(' ')).arg(&source).args(options.split(' ')).arg(&changed);
        assert!(command.status().unwrap().success());
        let done = transcode(&changed);
        done.check();
        let top = &done.result.video[0];
        assert!(top.made == Made::Encoded && top.why.contains(why), "{name}: {}", top.why);
    }
}

#[test]
fn a_damaged_stream_is_encoded_after_all() {
    let (folder, source) = clip("fitting.mp4", FITTING);
    let mut bytes = std::fs::read(&source).unwrap();
    let spot = ffprobe(&source, &["-select_streams", "v:0", "-show_entries", "packet=pos,size"]);
    let spots: Vec<Vec<usize>> =
        spot.lines().map(|line| line.split(',').map(|n| n.trim().parse().unwrap()).collect()).collect();
    // Into the middle of a picture that others refer to: its length stays true, its contents don't.
    for packet in &spots[60..62] {
        let (size, position) = (packet[0], packet[1]);
        bytes[position + size / 3..position + size - 4].iter_mut().for_each(|byte| *byte ^= 0x5a);
    }
    let damaged = folder.path().join("damaged.mp4");
    std::fs::write(&damaged, bytes).unwrap();
    let done = transcode(&damaged);
    done.check();
    assert_eq!(done.result.video[0].made, Made::Encoded);
    assert!(done.result.video[0].why.contains("damaged"), "{}", done.result.video[0].why);
    assert!(done.result.warnings.iter().any(|warning| warning.contains("broken")), "{:?}", done.result.warnings);
}
