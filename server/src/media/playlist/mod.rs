//! HLS playlists (RFC 8216) from measured numbers. Pure: bytes and ticks in, text out.
//!
//! All names are relative, so that any gateway can play `/ipfs/<root>/master.m3u8`. What the worker says has passed
//! `measured` before: nothing here can break out of an attribute or a line.

#[cfg(test)]
mod tests;

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
