//! Playlists to the letter.

use super::super::measured::{File, Segment};
use super::*;

fn track(name: &str, codecs: &str, timescale: u32, segments: &[(u64, u64)]) -> Track {
    let file = |leaf: &str, bytes| File { name: format!("{name}/{leaf}"), cid: String::new(), bytes };
    let numbered = segments.iter().enumerate();
    Track {
        name: name.to_owned(),
        codecs: codecs.to_owned(),
        timescale,
        init: file("init.mp4", 800),
        segments: numbered
            .map(|(n, (ticks, bytes))| Segment { file: file(&format!("seg-{n:05}.m4s"), *bytes), ticks: *ticks })
            .collect(),
        is_remuxed: false,
        why: String::new(),
    }
}

/// 29.97 frames a second, cut at 30, 60, 120 and 240 frames, and a rest of seven.
fn video(name: &str, height: u32, divisor: u64) -> Video {
    let sizes = [(30_030, 100_000), (30_030, 200_000), (60_060, 300_000), (120_120, 1_000_000), (7_007, 400_000)];
    let sizes = sizes.map(|(ticks, bytes)| (ticks, bytes / divisor));
    let track = track(name, "avc1.640028", 30_000, &sizes);
    let keyframe_bytes = track.segments.iter().map(|segment| segment.file.bytes as u32 / 10).collect();
    Video { track, width: height * 16 / 9, height, frame_rate: (30_000, 1_001), keyframe_bytes }
}

fn audio(name: &str, label: &str, language: Option<&str>, default: bool) -> Audio {
    Audio {
        track: track(name, "mp4a.40.2", 48_000, &[(48_128, 16_000), (191_488, 64_000)]),
        language: language.map(str::to_owned),
        label: label.to_owned(),
        default,
        channels: 2,
        loudness: None,
    }
}

fn measured(video: Vec<Video>, audio: Vec<Audio>) -> Measured {
    Measured {
        duration_ms: 8_242,
        video,
        audio,
        poster: None,
        storyboard: vec![],
        captions: vec![],
        beside: vec![],
        warnings: vec![],
    }
}

#[test]
fn media_playlist_is_exact() {
    assert_eq!(
        media(&video("v1080", 1080, 1).track, 4),
        "#EXTM3U\n\
         #EXT-X-VERSION:7\n\
         #EXT-X-TARGETDURATION:4\n\
         #EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXTINF:1.001000,\nseg-00000.m4s\n\
         #EXTINF:1.001000,\nseg-00001.m4s\n\
         #EXTINF:2.002000,\nseg-00002.m4s\n\
         #EXTINF:4.004000,\nseg-00003.m4s\n\
         #EXTINF:0.233567,\nseg-00004.m4s\n\
         #EXT-X-ENDLIST\n"
    );
}

#[test]
fn keyframes_are_ranges_at_the_beginning_of_segments() {
    let video = video("v1080", 1080, 1);
    let text = keyframes(&video, 4).unwrap();
    assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n"), "{text}");
    assert!(text.contains("\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n"), "{text}");
    assert!(text.contains("#EXTINF:4.004000,\n#EXT-X-BYTERANGE:100000@0\nseg-00003.m4s\n"), "{text}");
    assert!(!text.contains("INDEPENDENT") && text.ends_with("seg-00004.m4s\n#EXT-X-ENDLIST\n"), "{text}");
    let unknown = Video { keyframe_bytes: vec![], ..video };
    assert_eq!(keyframes(&unknown, 4), None);
    assert!(!master(&measured(vec![unknown], vec![])).contains("I-FRAME"));
}

#[test]
fn rounding_never_adds_up() {
    // A third of a second can't be written; three of them are still one.
    let track = track("v240", "avc1.42", 3, &[(1, 10); 3000]);
    assert_eq!(lengths_us(&track).iter().sum::<u64>(), 1_000_000_000);
}

#[test]
fn all_playlists_have_the_target_of_the_longest_segment() {
    let longer = Audio { track: track("a0", "mp4a.40.2", 48_000, &[(216_000, 16_000)]), ..audio("a0", "", None, true) };
    let shorter = audio("a1", "", None, false);
    assert_eq!(target_s(&measured(vec![video("v1080", 1080, 1)], vec![shorter.clone()])), 4);
    assert_eq!(target_s(&measured(vec![video("v1080", 1080, 1)], vec![shorter, longer])), 5, "4.5 s are rounded up");
    assert_eq!(target_s(&measured(vec![], vec![audio("a0", "", None, true)])), 4);
}

#[test]
fn peak_is_over_runs_of_about_a_target_duration() {
    // The rest of seven frames alone would be 13.7 Mbit/s; with the segment before it, it is 2.6.
    let rates = rates(&video("v1080", 1080, 1).track);
    assert_eq!(rates, Rates { peak_bps: 2_643_027, average_bps: 1_941_379 });
    let single = track("v240", "avc1.42", 1, &[(2, 1000)]);
    assert_eq!(super::rates(&single), Rates { peak_bps: 4_000, average_bps: 4_000 });
}

#[test]
fn master_names_the_best_first_and_adds_the_sound() {
    let measured = measured(
        vec![video("v480", 480, 4), video("v1080", 1080, 1)],
        vec![audio("a0", "English", Some("en"), false), audio("a1", "English", Some("en"), true)],
    );
    assert_eq!(
        master(&measured),
        "#EXTM3U\n\
         #EXT-X-VERSION:7\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,\
         CHANNELS=\"2\",URI=\"a0/media.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"English 2\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,\
         CHANNELS=\"2\",URI=\"a1/media.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2771370,AVERAGE-BANDWIDTH=2069585,CODECS=\"avc1.640028,mp4a.40.2\",\
         RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO=\"audio\",CLOSED-CAPTIONS=NONE\n\
         v1080/media.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=789100,AVERAGE-BANDWIDTH=613551,CODECS=\"avc1.640028,mp4a.40.2\",\
         RESOLUTION=853x480,FRAME-RATE=29.970,AUDIO=\"audio\",CLOSED-CAPTIONS=NONE\n\
         v480/media.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1370057,AVERAGE-BANDWIDTH=194138,CODECS=\"avc1.640028\",\
         RESOLUTION=1920x1080,URI=\"v1080/iframes.m3u8\"\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=342515,AVERAGE-BANDWIDTH=48535,CODECS=\"avc1.640028\",\
         RESOLUTION=853x480,URI=\"v480/iframes.m3u8\"\n"
    );
}

#[test]
fn captions_are_a_group_beside_the_picture() {
    let text_of = |name: &str, label: &str, language: Option<&str>, forced| Captions {
        name: name.to_owned(),
        language: language.map(str::to_owned),
        label: label.to_owned(),
        forced,
        file: File { name: format!("{name}/captions.vtt"), cid: String::new(), bytes: 9 },
    };
    let mut measured = measured(vec![video("v1080", 1080, 1)], vec![]);
    measured.captions = vec![text_of("s0", "English", Some("en"), false), text_of("s1", "English", None, true)];
    let text = master(&measured);
    let first = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=NO,\
                 AUTOSELECT=YES,FORCED=NO,URI=\"s0/media.m3u8\"\n";
    assert!(text.contains(first) && text.contains("NAME=\"English 2\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES"), "{text}");
    assert!(
        text.contains("FRAME-RATE=29.970,CLOSED-CAPTIONS=NONE,SUBTITLES=\"subtitles\"\nv1080/media.m3u8\n"),
        "{text}"
    );
    let playlist = captions(&measured.captions[0].file, 8_242);
    assert!(playlist.contains("#EXT-X-TARGETDURATION:9\n") && playlist.contains("#EXTINF:8.242,\ncaptions.vtt\n"));
    // Put in afterwards, they stand as if they had been there from the start.
    let more = [text_of("s2", "English", Some("en"), false), text_of("s3", "Deutsch", Some("de"), false)];
    let before = measured.captions.clone();
    let later = with_captions(&text, &more);
    measured.captions.extend(more.clone());
    assert_eq!(later, master(&measured).replace("NAME=\"English 2\",LANGUAGE", "NAME=\"English 3\",LANGUAGE"));
    measured.captions = Vec::new();
    let bare = master(&measured);
    measured.captions = before;
    assert_eq!(with_captions(&bare, &measured.captions), text);
    measured.video.clear();
    measured.audio = vec![audio("a0", "Sound", None, true)];
    assert!(!master(&measured).contains("SUBTITLES"));
    assert_eq!(with_captions(&master(&measured), &more), master(&measured));
}

#[test]
fn picture_alone_has_no_audio_group() {
    let text = master(&measured(vec![video("v1080", 1080, 1)], vec![]));
    assert!(!text.contains("AUDIO") && text.contains("CODECS=\"avc1.640028\",RESOLUTION"), "{text}");
}

#[test]
fn sound_alone_is_a_variant_of_its_own() {
    let one = master(&measured(vec![], vec![audio("a0", "Sound", None, true)]));
    assert_eq!(
        one,
        "#EXTM3U\n\
         #EXT-X-VERSION:7\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=128343,AVERAGE-BANDWIDTH=128206,CODECS=\"mp4a.40.2\"\n\
         a0/media.m3u8\n"
    );
    let two = master(&measured(
        vec![],
        vec![audio("a0", "English", Some("en"), false), audio("a1", "Polski", Some("pl"), false)],
    ));
    assert_eq!(two.matches("DEFAULT=YES").count(), 1);
    assert!(two.ends_with("CODECS=\"mp4a.40.2\",AUDIO=\"audio\"\na0/media.m3u8\n"), "{two}");
}
