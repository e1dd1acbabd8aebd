//! Clips of every kind, made on the spot: what comes out is looked at, not only its numbers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{clip, ffmpeg, filtered, instants, run, transcode};
use pinreel_runner::Made;

#[test]
fn ntsc_rates_stay_exact() {
    let (_folder, clip) = clip("ntsc.mp4", "-f lavfi -i testsrc2=size=320x240:rate=30000/1001:duration=5");
    let done = transcode(&clip);
    done.check();
    let video = &done.result.video[0];
    assert_eq!((video.frame_rate.num, video.frame_rate.den), (30000, 1001));
    assert_eq!(video.segments[0].ticks * 1000, 1001 * u64::from(video.timescale));
}

#[test]
fn varying_rates_keep_their_times() {
    // Ten pictures a second, then thirty, then one; white from 3.4 s on.
    let (_folder, clip) = clip(
        "vfr.mkv",
        "-f lavfi -i color=black:size=320x240:rate=30:duration=8,drawbox=color=white:t=fill:enable='gte(t,3.4)' \
         -vf select='if(lt(t,2),not(mod(n,3)),if(lt(t,5),1,not(mod(n,30))))' -vsync vfr -c:v libx264 -g 15",
    );
    let done = transcode(&clip);
    done.check();
    for video in &done.result.video {
        let frames = done.frames(&video.name, "");
        let white = frames.iter().find(|(_, mean)| *mean > 128.0).expect("it turns white").0;
        assert!((white - 3.4).abs() < 0.02, "{}: white at {white}", video.name);
    }
}

#[test]
fn flash_and_beep_stay_together() {
    let (_folder, clip) = clip(
        "sync.mp4",
        "-f lavfi -i color=black:size=640x360:rate=25:duration=6,drawbox=color=white:t=fill:enable='gte(t,2.52)' \
         -f lavfi -i sine=frequency=1000:duration=6:sample_rate=48000,volume=0:enable='lt(t,2.52)' -c:a aac",
    );
    let done = transcode(&clip);
    done.check();
    let flash = done.frames("v360", "").iter().find(|(_, mean)| *mean > 128.0).expect("a flash").0;
    assert!((flash - 2.52).abs() < 0.001, "{flash}");
    let beep = done.first_sound("a0");
    assert!((beep - 2.52).abs() < 0.025, "{beep}");
}

#[test]
fn surround_becomes_stereo_and_every_language_is_kept() {
    let (_folder, clip) = clip(
        "tracks.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=3 -f lavfi -i aevalsrc=0.1|0.1|0.1|0|0.1|0.1:c=5.1:d=3:s=48000 \
         -f lavfi -i sine=duration=3:sample_rate=44100 -map 0 -map 1 -map 2 -c:a:0 ac3 -c:a:1 libmp3lame \
         -metadata:s:a:0 language=ger -metadata:s:a:1 language=jpn -disposition:a:0 0 -disposition:a:1 default",
    );
    let done = transcode(&clip);
    done.check();
    let audio = &done.result.audio;
    let heard: Vec<_> =
        audio.iter().map(|a| (a.name.as_str(), a.language.as_deref(), a.label.as_str(), a.default)).collect();
    assert_eq!(heard, [("a0", Some("de"), "German", false), ("a1", Some("ja"), "Japanese", true)]);
    assert_eq!(audio.iter().map(|a| (a.channels, a.sample_rate)).collect::<Vec<_>>(), [(2, 48_000), (2, 44_100)]);
}

#[test]
fn odd_sizes_become_even() {
    let (_folder, clip) = clip("odd.mkv", "-f lavfi -i testsrc2=size=321x241:rate=25:duration=2 -c:v ffv1");
    let done = transcode(&clip);
    done.check();
    let sizes: Vec<_> = done.result.video.iter().map(|v| (v.width, v.height)).collect();
    assert_eq!(sizes, [(320, 240)]);
    assert!(done.result.audio.is_empty());
}

#[test]
fn rotated_clips_stand_upright() {
    let (folder, plain) = clip(
        "plain.mp4",
        "-f lavfi -i color=black:size=320x240:rate=25:duration=2,drawbox=x=0:y=0:w=80:h=60:color=white:t=fill -pix_fmt yuv420p",
    );
    let turned = folder.path().join("turned.mp4");
    let made = ffmpeg("error", &plain, &format!("-c copy -metadata:s:v rotate=90 {}", turned.display()));
    assert!(made.status.success());
    let done = transcode(&turned);
    done.check();
    let video = &done.result.video[0];
    assert_eq!((video.width, video.height), (240, 320));
    let ours = |crop: &str| done.frames("v240", crop)[0].1 > 128.0;
    let judge = |crop: &str| common::frames(&turned, crop)[0].1 > 128.0;
    let corners = ["crop=40:40:0:0,", "crop=40:40:200:0,", "crop=40:40:0:280,", "crop=40:40:200:280,"];
    assert_eq!(corners.map(ours), corners.map(judge));
    assert_eq!(corners.map(ours).iter().filter(|bright| **bright).count(), 1);
}

#[test]
fn deep_and_full_chroma_pictures_become_8_bit_420() {
    for pixels in ["yuv420p10le", "yuv444p", "yuv422p10le"] {
        let arguments = format!("-f lavfi -i color=red:size=320x240:rate=25:duration=1 -c:v ffv1 -pix_fmt {pixels}");
        let (_folder, clip) = clip("deep.mkv", &arguments);
        let done = transcode(&clip);
        done.check();
        let got = common::ffprobe(
            &done.media("v240"),
            &["-select_streams", "v:0", "-show_entries", "stream=pix_fmt,profile"],
        );
        assert!(got.contains("High,yuv420p\n"), "{pixels}: {got}");
        // Red by BT.601 has a brightness of 81.
        let mean = done.frames("v240", "")[0].1;
        assert!((60.0..105.0).contains(&mean), "{pixels}: {mean}");
    }
}

#[test]
fn wide_pixels_become_square() {
    let (_folder, clip) =
        clip("wide.mkv", "-f lavfi -i testsrc2=size=352x288:rate=25:duration=1,setsar=16/11 -c:v libx264");
    let done = transcode(&clip);
    done.check();
    let video = &done.result.video[0];
    assert_eq!((video.width, video.height), (512, 288));
}

#[test]
fn fast_clips_are_fast_only_where_they_are_large() {
    let (_folder, clip) =
        clip("fast.mp4", "-f lavfi -i testsrc2=size=1280x720:rate=60000/1001:duration=4 -preset ultrafast");
    let done = transcode(&clip);
    done.check();
    let rates: Vec<_> =
        done.result.video.iter().map(|v| (v.name.as_str(), v.frame_rate.num, v.frame_rate.den)).collect();
    let slow = |name| (name, 60000, 2002);
    assert_eq!(rates, [("v720", 60000, 1001), slow("v480"), slow("v360"), slow("v240")]);
    let counted = common::packets(&done.media("v240"), "v:0").len();
    assert!((119..=121).contains(&counted), "{counted}");
}

#[test]
fn interlaced_clips_lose_their_combs() {
    let (_folder, clip) = clip(
        "interlaced.mpg",
        "-f lavfi -i testsrc2=size=720x576:rate=50:duration=2 -vf tinterlace=interleave_top,setfield=tff \
         -c:v mpeg2video -flags +ildct+ilme -b:v 6M",
    );
    let done = transcode(&clip);
    done.check();
    let idet = |text: String| text.lines().rfind(|l| l.contains("Multi frame detection")).unwrap().to_owned();
    let progressive = idet(done.filtered("v576", "-vf idet"));
    let count = |key: &str| -> u32 {
        let rest = progressive.split(key).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(count("Progressive:") > 4 * count("TFF:"), "{progressive}");
}

#[test]
fn sound_alone_and_late_sound() {
    let (_folder, wav) = clip("tone.wav", "-f lavfi -i sine=duration=5:sample_rate=22050");
    let done = transcode(&wav);
    done.check();
    let audio = &done.result.audio[0];
    assert_eq!((audio.sample_rate, audio.segments.len()), (44_100, 4));
    assert!(done.result.video.is_empty() && done.result.poster.is_none());

    let (_folder, late) = clip(
        "late.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -itsoffset 1.5 -f lavfi -i sine=duration=2 -map 0 -map 1",
    );
    let done = transcode(&late);
    done.check();
    let heard = instants(done.result.audio[0].timescale, &done.result.audio[0].segments);
    assert!((heard.last().unwrap() - 3.5).abs() < 0.06, "{heard:?}");
}

/// Silence is made bit by bit, and the picture stays for as long: a player waits for ever where one of them ends.
#[test]
fn sound_may_come_long_after_a_picture_has_ended() {
    let (_folder, clip) = clip(
        "long.mp4",
        "-f lavfi -i testsrc=size=320x240:rate=25:duration=4 -itsoffset 300 -f lavfi -i sine=duration=2:sample_rate=48000 \
         -map 0 -map 1 -c:v libx264 -pix_fmt yuv420p -g 25 -bf 0 -c:a flac -strict -2",
    );
    let done = transcode(&clip);
    let (video, audio) = (&done.result.video[0], &done.result.audio[0]);
    assert!(video.made == Made::Encoded && video.why.contains("ends before"), "{}", video.why);
    let shown = instants(video.timescale, &video.segments);
    assert!((shown.last().unwrap() - 302.0).abs() < 0.1, "{:?}", shown.last());
    let heard = instants(audio.timescale, &audio.segments);
    assert!((heard.last().unwrap() - 302.0).abs() < 0.1, "{:?}", heard.last());
    assert!(heard.windows(2).all(|pair| pair[1] - pair[0] < 5.0));
    let silent = filtered(&done.media("a0"), "-af silencedetect=noise=-40dB:d=1");
    assert!(silent.contains("silence_end: 300"), "{silent}");
}

/// A recording whose sound changes its rate in the middle, as broadcasts do: nothing is lost or moved.
#[test]
fn sound_may_change_its_rate() {
    for rate in [22_050, 48_000] {
        let (folder, first) = clip("first.ts", "-f lavfi -i sine=duration=3:sample_rate=44100 -c:a aac");
        let (_folder, second) =
            clip("second.ts", &format!("-f lavfi -i sine=duration=3:sample_rate={rate} -c:a aac -output_ts_offset 3"));
        let both = folder.path().join("both.ts");
        std::fs::write(&both, [std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap()].concat()).unwrap();
        let done = transcode(&both);
        let heard = instants(done.result.audio[0].timescale, &done.result.audio[0].segments);
        assert!((heard.last().unwrap() - 6.0).abs() < 0.1, "{rate}: {heard:?}");
        let silent = filtered(&done.media("a0"), "-af silencedetect=noise=-40dB:d=0.15");
        assert!(!silent.contains("silence_start"), "{rate}: {silent}");
    }
}

#[test]
fn damaged_sound_is_left_out_where_it_is_damaged() {
    let (folder, whole) = clip(
        "whole.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=6 -f lavfi -i sine=duration=6 -c:v libx264 -preset ultrafast \
         -c:a aac -movflags +faststart",
    );
    let mut bytes = std::fs::read(&whole).unwrap();
    let body = bytes.windows(4).position(|word| word == b"mdat").unwrap() + 4;
    bytes[body..].iter_mut().step_by(1500).for_each(|byte| *byte ^= 0x40);
    let damaged = folder.path().join("damaged.mp4");
    std::fs::write(&damaged, bytes).unwrap();
    let out = tempfile::tempdir().unwrap();
    let answer = String::from_utf8(run(&damaged, out.path()).stdout).unwrap();
    assert!(answer.contains("duration_ms") || answer.contains("file_damaged"), "{answer}");
}

#[test]
fn a_long_still_keeps_its_segments() {
    // One picture, shown for nine seconds by its container.
    let (_folder, clip) = clip("still.mkv", "-f lavfi -i testsrc2=size=320x240:rate=1/9:duration=18 -c:v libx264");
    let done = transcode(&clip);
    done.check();
    let seconds = instants(done.result.video[0].timescale, &done.result.video[0].segments);
    assert_eq!(seconds[..5], [0.0, 1.0, 2.0, 4.0, 8.0]);
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let (_folder, clip) = clip(
        "again.mp4",
        "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=3 -f lavfi -i sine=duration=3 -preset ultrafast -c:a aac",
    );
    assert_eq!(transcode(&clip).result, transcode(&clip).result);
}

#[test]
fn bright_ranges_are_mapped_to_ordinary_ones() {
    let (_folder, clip) = clip(
        "hdr.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=1,format=yuv420p10le -c:v libx265 -x265-params log-level=none \
         -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc",
    );
    let done = transcode(&clip);
    done.check();
    let tags = ["-select_streams", "v:0", "-show_entries", "stream=color_space,color_transfer,color_primaries"];
    let got = common::ffprobe(&done.media("v240"), &tags);
    assert!(got.contains("bt709,bt709,bt709"), "{got}");
}
