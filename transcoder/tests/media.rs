//! The nine real clips: each decodes without a complaint, is as long as its source, and is cut alike everywhere.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Done, instants, length, real, transcode};

/// Transcodes a clip and checks what holds for all of them; `None` where the clips aren't.
fn checked(name: &str) -> Option<Done> {
    let source = real(name)?;
    let done = transcode(&source);
    done.check();
    let near = |stream: &str, ours: f64| {
        let theirs = length(&source, stream).expect("the source has such a stream");
        assert!((theirs - ours).abs() <= 0.1, "{name} {stream}: the source's {theirs} s are now {ours} s");
    };
    for video in &done.result.video {
        near("v:0", *instants(video.timescale, &video.segments).last().unwrap());
    }
    for audio in &done.result.audio {
        near("a:0", *instants(audio.timescale, &audio.segments).last().unwrap());
    }
    assert_eq!(done.result.warnings, Vec::<String>::new());
    Some(done)
}

fn rungs(done: &Done) -> Vec<&str> {
    done.result.video.iter().map(|video| video.name.as_str()).collect()
}

#[test]
fn bigbuckbunny_mp4_with_5_1_sound() {
    let Some(done) = checked("bigbuckbunny.mp4") else { return };
    assert_eq!(rungs(&done), ["v720", "v480", "v360", "v240"]);
    assert_eq!(done.result.audio[0].channels, 2);
    assert!(done.result.poster.is_some());
}

#[test]
fn bikes_mp4_without_sound() {
    let Some(done) = checked("bikes.mp4") else { return };
    assert_eq!(rungs(&done), ["v272", "v240"]);
    assert!(done.result.audio.is_empty());
}

#[test]
fn chaplin_mp4_with_mp3_sound_at_44100() {
    let Some(done) = checked("chaplin.mp4") else { return };
    assert_eq!(done.result.audio[0].sample_rate, 44_100);
}

#[test]
fn fire2_mp4_varying_and_upside_down() {
    let Some(done) = checked("fire2.mp4") else { return };
    let rate = done.result.video[0].frame_rate.as_f64();
    assert!((9.0..15.0).contains(&rate), "{rate}");
}

#[test]
fn no_duration_webm() {
    let Some(done) = checked("no_duration.webm") else { return };
    assert_eq!(rungs(&done), ["v720", "v480", "v360", "v240"]);
}

#[test]
fn smpte_mp4_at_1080() {
    let Some(done) = checked("smpte-2997.mp4") else { return };
    assert_eq!(rungs(&done), ["v1080", "v720", "v480", "v360", "v240"]);
    let codecs = &done.result.video[0].codecs;
    assert!(codecs.starts_with("avc1.6400"), "{codecs}");
}

#[test]
fn big_buck_bunny_webm() {
    let Some(done) = checked("big_buck_bunny_0_30.webm") else { return };
    let rate = done.result.video[0].frame_rate;
    assert_eq!((rate.num, rate.den), (24, 1));
}

#[test]
fn world_mp4_at_270() {
    let Some(done) = checked("world.mp4") else { return };
    assert_eq!(rungs(&done), ["v270", "v240"]);
}

#[test]
fn mp3_with_attached_picture_is_sound_with_a_poster() {
    let Some(done) = checked("with-attached-pic.mp3") else { return };
    assert!(done.result.video.is_empty());
    assert_eq!(done.result.audio.len(), 1);
    assert!(done.result.poster.is_some());
}
