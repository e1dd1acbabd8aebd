//! What lies beside the renditions: poster, storyboard, captions, chapters, waveform, loudness, one muxed file.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{clip, colour, ffprobe, near, transcode};

fn text(done: &common::Done, name: &str) -> String {
    std::fs::read_to_string(done.path(name)).unwrap()
}

#[test]
fn the_poster_is_neither_black_nor_blurred() {
    // Black, then blurred, then sharp; then flat grey.
    let (_folder, source) = clip(
        "fade.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=8,boxblur=20:2:enable='lt(t,4)',\
         drawbox=color=black:t=fill:enable='lt(t,2)',drawbox=color=gray:t=fill:enable='gt(t,6)'",
    );
    let done = transcode(&source);
    done.check();
    let detail = |file: &std::path::Path| -> f64 {
        let pixels = common::mosaic(file, "", "160:90");
        let steps = pixels.windows(4).map(|w| f64::from(w[0].abs_diff(w[3])));
        steps.sum::<f64>() / pixels.len() as f64
    };
    let sharp = source.with_file_name("sharp.png");
    let picked = format!("-ss 5 -frames:v 1 {}", sharp.display());
    assert!(common::ffmpeg("error", &source, &picked).status.success());
    let (ours, best) = (detail(&done.path("poster.jpg")), detail(&sharp));
    assert!(ours > best * 0.8, "the poster has a detail of {ours:.1}, the sharp part of {best:.1}");
}

#[test]
fn a_poster_is_black_only_if_the_film_is() {
    let grey = "drawbox=color=gray:t=fill:enable";
    for (name, picture) in [
        (
            "late.mp4",
            "testsrc2=size=320x180:rate=5:duration=45,drawbox=color=black:t=fill:enable='lt(t,40)'".to_owned(),
        ),
        ("flat.mp4", format!("color=black:size=320x180:rate=5:duration=8,{grey}='gte(t,1)'")),
    ] {
        let (_folder, source) = clip(name, &format!("-f lavfi -i {picture} -c:v libx264"));
        let got = colour(&transcode(&source).path("poster.jpg"), 0.0, "");
        assert!(got.iter().all(|value| *value > 60), "{name}: {got:?}");
    }
}

#[test]
fn slow_films_lose_no_picture() {
    for (rate, wanted) in [("1", 6), ("2", 6)] {
        let film = format!("-f lavfi -i testsrc2=size=320x180:rate={rate} -frames:v {wanted} -c:v libx264");
        let (_folder, source) = clip("slow.mp4", &film);
        let done = transcode(&source);
        done.check();
        assert_eq!(common::frames(&done.path("video.mp4"), "").len(), wanted, "{rate}");
        let said = done.result.video[0].frame_rate;
        assert_eq!(format!("{}/{}", said.num, said.den).trim_end_matches("/1"), rate);
    }
}

#[test]
fn the_storyboard_shows_each_time_its_picture() {
    // Red, green and blue, seven seconds each, at a varying rate.
    let (_folder, source) = clip(
        "colours.mkv",
        "-f lavfi -i color=red:size=640x360:rate=30:duration=21,drawbox=color=green:t=fill:enable='gte(t,7)',\
         drawbox=color=blue:t=fill:enable='gte(t,14)' -vf select='if(lt(t,10),1,not(mod(n,7)))' -vsync vfr -c:v libx264",
    );
    let done = transcode(&source);
    done.check();
    let index = text(&done, "storyboard/index.vtt");
    let cues: Vec<&str> = index.split("\n\n").skip(1).collect();
    assert!((20..=22).contains(&cues.len()), "{index}");
    for (number, cue) in cues.iter().enumerate() {
        let (times, place) = cue.split_once('\n').unwrap();
        let begin: f64 = times[6..12].parse().unwrap();
        assert!((begin - number as f64).abs() < 0.3, "{times}");
        let (sheet, place) = place.trim().split_once("#xywh=").unwrap();
        let [x, y, width, height] = place.split(',').collect::<Vec<_>>()[..] else { panic!("{place}") };
        let wanted = [[254, 0, 0], [0, 128, 0], [0, 0, 254]][(begin / 7.0) as usize];
        let crop = format!("crop={width}:{height}:{x}:{y},");
        let got = colour(&done.path(&format!("storyboard/{sheet}")), 0.0, &crop);
        assert!(near(got, wanted, 40), "{cue}: {got:?}");
    }
}

#[test]
fn texts_and_chapters_come_out_clean() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "en.srt",
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> & <b>welcome</b>\n\n2\n00:00:03,000 --> 00:00:04,000\na --> b\n",
    );
    write(
        "de.ass",
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
         Dialogue: 0,0:00:01.50,0:00:02.00,Default,,0,0,0,,{\\an8}Hallo,\\NWelt\n\
         Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}\n",
    );
    write(
        "chapters",
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=5000\ntitle=Two & more\n",
    );
    let source = folder.path().join("texts.mkv");
    let made = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args(
            "-v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=5 -i en.srt -i de.ass -i chapters".split(' '),
        )
        .args("-map 0 -map 1 -map 2 -map_chapters 3 -c:s:0 srt -c:s:1 ass".split(' '))
        .args("-metadata:s:s:0 language=eng -metadata:s:s:1 language=ger -disposition:s:1 forced".split(' '))
        .arg(&source)
        .status();
    assert!(made.unwrap().success());
    let done = transcode(&source);
    done.check();
    let captions: Vec<_> = done.result.captions.iter().map(|c| (c.name.as_str(), c.label.as_str(), c.forced)).collect();
    assert_eq!(captions, [("s0", "English", false), ("s1", "German", true)]);
    assert_eq!(
        text(&done, "s0/captions.vtt"),
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello &amp; welcome\n\n00:00:03.000 --> 00:00:04.000\na --&gt; b\n"
    );
    assert_eq!(text(&done, "s1/captions.vtt"), "WEBVTT\n\n00:00:01.500 --> 00:00:02.000\nHallo,\nWelt\n");
    assert!(text(&done, "chapters.json").contains(r#"{"start_ms":2000,"end_ms":5000,"title":"Two & more"}"#));
    assert!(text(&done, "chapters.vtt").contains("00:00:02.000 --> 00:00:05.000\nTwo &amp; more\n"));
    assert_eq!(done.result.warnings, Vec::<String>::new());
}

#[test]
fn drawn_subtitles_are_left_out_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("en.srt", "1\n00:00:01,000 --> 00:00:02,500\nHello\n");
    let source = folder.path().join("drawn.mkv");
    // ffmpeg draws no text, but it copies a picture of one.
    let made = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args("-v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=3 -f lavfi".split(' '))
        .args(["-i", "color=white:size=64x32:rate=1:duration=1", "-i", "en.srt"])
        .args("-map 0 -map 2 -c:s srt".split(' '))
        .arg(&source)
        .status();
    assert!(made.unwrap().success());
    // The track's codec is named in plain text: another name of the same length makes it one of pictures.
    let bytes = std::fs::read(&source).unwrap();
    let at = bytes.windows(11).position(|window| window == b"S_TEXT/UTF8").unwrap();
    let mut drawn = bytes.clone();
    drawn[at..at + 11].copy_from_slice(b"S_HDMV/PGS\0");
    std::fs::write(&source, drawn).unwrap();
    let done = transcode(&source);
    done.check();
    assert!(done.result.captions.is_empty());
    assert!(
        done.result.warnings.iter().any(|warning| warning.contains("drawn as pictures")),
        "{:?}",
        done.result.warnings
    );
}

#[test]
fn sound_alone_has_a_waveform_and_every_sound_its_loudness() {
    // EBU Tech 3341, case 1: a stereo tone of 1 kHz at −23 dBFS is −23 LUFS.
    let (_folder, source) = clip(
        "tone.flac",
        "-f lavfi -i aevalsrc=pow(10\\,-23/20)*sin(2*PI*1000*t)|pow(10\\,-23/20)*sin(2*PI*1000*t):d=20:s=48000",
    );
    let done = transcode(&source);
    done.check();
    let loudness = done.result.audio[0].loudness.expect("it is no silence");
    assert!((loudness.integrated_centi_lufs + 2300).abs() <= 10, "{loudness:?}");
    assert!((loudness.peak_centi_dbfs + 2300).abs() <= 10, "{loudness:?}");
    let waveform: serde_json::Value = serde_json::from_str(&text(&done, "waveform.json")).unwrap();
    let data = waveform["data"].as_array().unwrap();
    assert_eq!(data.len() as u64, 2 * waveform["length"].as_u64().unwrap());
    let heard = waveform["length"].as_u64().unwrap() * waveform["samples_per_pixel"].as_u64().unwrap();
    assert!(heard.abs_diff(20 * 48_000) < 4096, "{heard}");
    assert_eq!((data[100].as_i64(), data[101].as_i64()), (Some(-9), Some(9)));

    let (_folder, silent) = clip("silent.flac", "-f lavfi -i anullsrc=r=48000:cl=stereo -t 3");
    assert_eq!(transcode(&silent).result.audio[0].loudness, None);
}

#[test]
fn one_file_has_a_middle_rendition_with_its_sound() {
    let (_folder, source) = clip(
        "two.mp4",
        "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=5,drawbox=color=black:t=fill:enable='lt(t,2.52)' \
         -f lavfi -i sine=frequency=1000:duration=5:sample_rate=48000 -preset ultrafast -c:a aac",
    );
    let done = transcode(&source);
    done.check();
    let muxed = done.path("video.mp4");
    let streams = ffprobe(&muxed, &["-show_entries", "stream=codec_name,height,start_time"]);
    assert_eq!(streams.lines().collect::<Vec<_>>(), ["h264,480,0.000000", "aac,0.000000"]);
    let flash = common::frames(&muxed, "").iter().find(|(_, mean)| *mean > 50.0).expect("a flash").0;
    assert!((flash - 2.52).abs() < 0.001, "{flash}");
    let complaints = common::ffmpeg("error", &muxed, "-f null -");
    assert_eq!(String::from_utf8_lossy(&complaints.stderr), "");
    let bytes = std::fs::read(&muxed).unwrap();
    let find = |name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    assert!(find(b"moov") < find(b"mdat"), "players begin before it is whole");
}
