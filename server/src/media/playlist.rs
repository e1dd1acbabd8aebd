//! HLS playlists (RFC 8216) from measured numbers. Pure: bytes and ticks in, text out.
//!
//! All names are relative, so that any gateway can play `/ipfs/<root>/master.m3u8`. What the worker says has passed
//! `measured` before: nothing here can break out of an attribute or a line.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::measured::{Audio, Captions, File, Measured, Track, Video};

/// A variant's rates in bits a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub peak_bps: u64,
    pub average_bps: u64,
}

/// The target duration of all playlists of a publication, in seconds: RFC 8216 has variants share one. A segment's
/// length, rounded to the nearest second, doesn't exceed it.
pub fn target_s(measured: &Measured) -> u64 {
    let longest_us = measured.tracks().flat_map(lengths_us).max().unwrap_or(0);
    ((longest_us + 500_000) / 1_000_000).max(1)
}

/// The media playlist of one rendition.
pub fn media(track: &Track, target_s: u64) -> String {
    let mut text = opening(track, target_s, "#EXT-X-INDEPENDENT-SEGMENTS");
    for (segment, us) in track.segments.iter().zip(lengths_us(track)) {
        let _ = writeln!(text, "{}\n{}", extinf(us), segment.file.leaf_name());
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// What comes before the first segment; `kind` says of what kind they are.
fn opening(track: &Track, target_s: u64, kind: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n{kind}\n#EXT-X-MAP:URI=\"{}\"\n",
        track.init.leaf_name(),
    )
}

fn extinf(us: u64) -> String {
    format!("#EXTINF:{}.{:06},", us / 1_000_000, us % 1_000_000)
}

/// The playlist of a rendition's first pictures, one of each segment, which players show while somebody looks for a
/// place; `None` where it isn't known how far they reach.
pub fn keyframes(video: &Video, target_s: u64) -> Option<String> {
    if video.keyframe_bytes.is_empty() {
        return None;
    }
    let mut text = opening(&video.track, target_s, "#EXT-X-I-FRAMES-ONLY");
    for ((segment, us), bytes) in video.track.segments.iter().zip(lengths_us(&video.track)).zip(&video.keyframe_bytes) {
        let _ = writeln!(text, "{}\n#EXT-X-BYTERANGE:{bytes}@0\n{}", extinf(us), segment.file.leaf_name());
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Some(text)
}

/// The multivariant playlist, best rendition first.
pub fn master(measured: &Measured) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let alone = measured.video.is_empty() && measured.audio.len() == 1;
    if !alone {
        audio_group(&mut text, &measured.audio);
    }
    let texts = if measured.video.is_empty() { &[][..] } else { &measured.captions[..] };
    subtitles_group(&mut text, texts);
    for video in best_first(&measured.video) {
        video_variant(&mut text, video, &measured.audio, !texts.is_empty());
    }
    for video in best_first(&measured.video) {
        keyframes_variant(&mut text, video);
    }
    if measured.video.is_empty()
        && let Some(audio) = default_audio(&measured.audio)
    {
        let rates = rates(&audio.track);
        let group = if alone { "" } else { ",AUDIO=\"audio\"" };
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"{group}\n{}/media.m3u8",
            rates.peak_bps, rates.average_bps, audio.track.codecs, audio.track.name,
        );
    }
    text
}

/// Renditions in the order of the master playlist.
pub fn best_first(video: &[Video]) -> Vec<&Video> {
    let mut sorted: Vec<&Video> = video.iter().collect();
    sorted.sort_by_key(|video| std::cmp::Reverse((video.height, rates(&video.track).peak_bps)));
    sorted
}

/// What a player needs for a video rendition together with the dearest of the audio renditions.
pub fn variant_rates(video: &Track, audio: &[Audio]) -> Rates {
    let own = rates(video);
    let beside = dearest(audio);
    Rates {
        peak_bps: own.peak_bps.saturating_add(beside.peak_bps),
        average_bps: own.average_bps.saturating_add(beside.average_bps),
    }
}

/// The peak as RFC 8216 §4.1 means it: the largest rate of any run of segments of 0.5 to 1.5 target durations. So a
/// last segment of three frames, with its keyframe, doesn't make a rendition look ten times dearer than it is.
pub fn rates(track: &Track) -> Rates {
    let lengths = lengths_us(track);
    let target_us = lengths.iter().copied().max().unwrap_or(0);
    let total_us: u64 = lengths.iter().sum();
    let total_bytes: u64 = track.segments.iter().map(|segment| segment.file.bytes).sum();
    let average_bps = bits_a_second(total_bytes, total_us);
    let mut peak_bps = average_bps;
    for first in 0..lengths.len() {
        let (mut bytes, mut us) = (0u64, 0u64);
        for (length, segment) in lengths.iter().zip(&track.segments).skip(first) {
            us += length;
            if us * 2 > target_us * 3 {
                break;
            }
            bytes += segment.file.bytes;
            if us * 2 >= target_us {
                peak_bps = peak_bps.max(bits_a_second(bytes, us));
            }
        }
    }
    Rates { peak_bps, average_bps }
}

/// The media playlist of captions: one file for the whole length.
pub fn captions(file: &File, duration_ms: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:{}.{:03},\n{}\n#EXT-X-ENDLIST\n",
        duration_ms.div_ceil(1000).max(1),
        duration_ms / 1000,
        duration_ms % 1000,
        file.leaf_name(),
    )
}

/// A master playlist of ours that names more captions. For sound alone it stays as it is: players show it no texts.
pub fn with_captions(master: &str, more: &[Captions]) -> String {
    let is_group = |line: &&str| line.starts_with("#EXT-X-MEDIA:TYPE=SUBTITLES");
    let name = |line: &str| Some(line.split_once(",NAME=\"")?.1.split_once('"')?.0.to_owned());
    let mut taken: HashSet<String> = master.lines().filter(is_group).filter_map(name).collect();
    if more.is_empty() || !master.contains(",RESOLUTION=") {
        return master.to_owned();
    }
    let mut text = String::with_capacity(master.len() + 200 * more.len());
    let mut is_named = false;
    for line in master.lines() {
        let is_variant = line.starts_with("#EXT-X-STREAM-INF:");
        if is_variant && !is_named {
            subtitles(&mut text, more, &mut taken);
            is_named = true;
        }
        text.push_str(line);
        if is_variant && !line.contains(",SUBTITLES=") {
            text.push_str(",SUBTITLES=\"subtitles\"");
        }
        text.push('\n');
    }
    text
}

/// The label, or with a number if another has it: names within a group differ.
fn unique(taken: &mut HashSet<String>, label: &str) -> String {
    let mut name = label.to_owned();
    for n in 2.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = format!("{label} {n}");
    }
    name
}

fn subtitles_group(text: &mut String, captions: &[Captions]) {
    subtitles(text, captions, &mut HashSet::new());
}

fn subtitles(text: &mut String, captions: &[Captions], taken: &mut HashSet<String>) {
    for captions in captions {
        let name = unique(taken, &captions.label);
        let _ = write!(text, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"{name}\"");
        if let Some(language) = &captions.language {
            let _ = write!(text, ",LANGUAGE=\"{language}\"");
        }
        let forced = if captions.forced { "YES" } else { "NO" };
        let folder = &captions.name;
        let _ = writeln!(text, ",DEFAULT=NO,AUTOSELECT=YES,FORCED={forced},URI=\"{folder}/media.m3u8\"");
    }
}

fn audio_group(text: &mut String, audio: &[Audio]) {
    let mut taken = HashSet::new();
    let default = default_audio(audio).map(|audio| audio.track.name.clone());
    for audio in audio {
        let name = unique(&mut taken, &audio.label);
        let _ = write!(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{name}\"");
        if let Some(language) = &audio.language {
            let _ = write!(text, ",LANGUAGE=\"{language}\"");
        }
        let is_default = default.as_ref() == Some(&audio.track.name);
        let _ = writeln!(
            text,
            ",DEFAULT={},AUTOSELECT=YES,CHANNELS=\"{}\",URI=\"{}/media.m3u8\"",
            if is_default { "YES" } else { "NO" },
            audio.channels,
            audio.track.name,
        );
    }
}

fn video_variant(text: &mut String, video: &Video, audio: &[Audio], has_texts: bool) {
    let rates = variant_rates(&video.track, audio);
    let mut codecs = video.track.codecs.clone();
    let mut named = HashSet::new();
    for audio in audio {
        if named.insert(&audio.track.codecs) {
            let _ = write!(codecs, ",{}", audio.track.codecs);
        }
    }
    let rate_milli =
        (u64::from(video.frame_rate.0) * 1000 + u64::from(video.frame_rate.1) / 2) / u64::from(video.frame_rate.1);
    let _ = writeln!(
        text,
        "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codecs}\",RESOLUTION={}x{},FRAME-RATE={}.{:03}{},\
         CLOSED-CAPTIONS=NONE{}\n{}/media.m3u8",
        rates.peak_bps,
        rates.average_bps,
        video.width,
        video.height,
        rate_milli / 1000,
        rate_milli % 1000,
        if audio.is_empty() { "" } else { ",AUDIO=\"audio\"" },
        if has_texts { ",SUBTITLES=\"subtitles\"" } else { "" },
        video.track.name,
    );
}

fn keyframes_variant(text: &mut String, video: &Video) {
    if video.keyframe_bytes.is_empty() {
        return;
    }
    let rates = keyframe_rates(video);
    let _ = writeln!(
        text,
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",RESOLUTION={}x{},URI=\"{}/iframes.m3u8\"",
        rates.peak_bps, rates.average_bps, video.track.codecs, video.width, video.height, video.track.name,
    );
}

/// What it takes to show the first pictures at the pace of the film.
fn keyframe_rates(video: &Video) -> Rates {
    let lengths = lengths_us(&video.track);
    let bytes = || video.keyframe_bytes.iter().map(|bytes| u64::from(*bytes));
    Rates {
        peak_bps: bytes().zip(&lengths).map(|(bytes, us)| bits_a_second(bytes, *us)).max().unwrap_or(0),
        average_bps: bits_a_second(bytes().sum(), lengths.iter().sum()),
    }
}

/// Exactly one: the one marked so, else the first.
fn default_audio(audio: &[Audio]) -> Option<&Audio> {
    audio.iter().find(|audio| audio.default).or_else(|| audio.first())
}

fn dearest(audio: &[Audio]) -> Rates {
    let all = audio.iter().map(|audio| rates(&audio.track));
    all.fold(Rates { peak_bps: 0, average_bps: 0 }, |most, rates| Rates {
        peak_bps: most.peak_bps.max(rates.peak_bps),
        average_bps: most.average_bps.max(rates.average_bps),
    })
}

/// Each segment's length in microseconds: the difference of rounded instants, so that rounding never adds up.
fn lengths_us(track: &Track) -> Vec<u64> {
    let timescale = u128::from(track.timescale);
    let (mut ticks, mut before_us) = (0u128, 0u64);
    track
        .segments
        .iter()
        .map(|segment| {
            ticks += u128::from(segment.ticks);
            let end_us = u64::try_from((ticks * 1_000_000 + timescale / 2) / timescale).unwrap_or(u64::MAX);
            let length_us = end_us - before_us;
            before_us = end_us;
            length_us
        })
        .collect()
}

fn bits_a_second(bytes: u64, us: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * 1_000_000;
    u64::try_from(bits.div_ceil(u128::from(us.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
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
        let longer =
            Audio { track: track("a0", "mp4a.40.2", 48_000, &[(216_000, 16_000)]), ..audio("a0", "", None, true) };
        let shorter = audio("a1", "", None, false);
        assert_eq!(target_s(&measured(vec![video("v1080", 1080, 1)], vec![shorter.clone()])), 4);
        assert_eq!(
            target_s(&measured(vec![video("v1080", 1080, 1)], vec![shorter, longer])),
            5,
            "4.5 s are rounded up"
        );
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
        assert!(
            text.contains(first) && text.contains("NAME=\"English 2\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES"),
            "{text}"
        );
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
}
