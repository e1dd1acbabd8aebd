//! What the tests share: clips made by ffmpeg's command line, the direct mode, playlists as a server would write
//! them, and ffmpeg and ffprobe as judges that know nothing of this code.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../../crates/content/tests/common/skip.rs"]
mod skip;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pinreel_runner::{Made, Segment, Transcoded, Video};
use tempfile::TempDir;

pub use skip::skipped;

pub const BINARY: &str = env!("CARGO_BIN_EXE_pinreel-transcoder");

/// A transcoded file: its folder (with playlists) and its numbers.
pub struct Done {
    pub folder: TempDir,
    pub result: Transcoded,
}

/// One of the shared real clips, or `None` (said loudly) where they aren't.
pub fn real(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    let path = std::env::var_os("PINREEL_MEDIA").map_or_else(beside, PathBuf::from).join(name);
    if !path.is_file() {
        skipped(&format!("{} is missing; set PINREEL_MEDIA to the folder of clips", path.display()));
        return None;
    }
    Some(path)
}

/// Makes a clip with ffmpeg's command line; `arguments` are split at spaces.
pub fn clip(name: &str, arguments: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let made =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments.split(' ')).arg(&path).output();
    let made = made.expect("ffmpeg's command line is installed");
    assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
    (folder, path)
}

/// Runs ffmpeg's command line on a file; `rest` is split at spaces.
pub fn ffmpeg(level: &str, input: &Path, rest: &str) -> Output {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", level, "-nostdin", "-y", "-i"]).arg(input).args(rest.split(' '));
    command.output().unwrap()
}

pub fn run(file: &Path, folder: &Path) -> Output {
    Command::new(BINARY).arg("transcode").arg(file).arg(folder).arg("--json").output().unwrap()
}

/// Transcodes in direct mode and writes playlists.
pub fn transcode(file: &Path) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let output = run(file, folder.path());
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stdout));
    let result: Transcoded = serde_json::from_slice(&output.stdout).unwrap();
    write_playlists(folder.path(), &result);
    Done { folder, result }
}

/// The failure's code and sentence.
pub fn refusal(file: &Path) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(file, folder.path());
    assert_eq!(output.status.code(), Some(1), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |key: &str| answer["error"][key].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

/// The result, or the failure's code and reason.
pub fn make(file: &Path, task: &str) -> Result<(TempDir, Transcoded), (String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.arg("transcode").arg(file).arg(folder.path()).args(["--json", "--task", task]);
    let output = command.output().unwrap();
    if output.status.success() {
        return Ok((folder, serde_json::from_slice(&output.stdout).unwrap()));
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |key: &str| answer["error"][key].as_str().unwrap().to_owned();
    Err((text("code"), text("message")))
}

pub fn written(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// An EXIF block that says how the picture is turned, and where it was taken.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend(b"\x01\x12\0\x03\0\0\0\x01\0");
    tiff.push(orientation);
    tiff.extend(b"\0\0");
    // A maker's name, which is a secret here.
    tiff.extend(b"\x01\x0f\0\x02\0\0\0\x07\0\0\0\x26\0\0\0\0SECRET\0");
    let mut block = b"\xff\xe1".to_vec();
    block.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    block.extend(b"Exif\0\0");
    block.extend(tiff);
    block
}

fn write_playlists(folder: &Path, result: &Transcoded) {
    let mut master = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for audio in &result.audio {
        let default = if audio.default { "YES" } else { "NO" };
        let (name, label) = (&audio.name, &audio.label);
        master += &format!(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"{label}\",DEFAULT={default},AUTOSELECT=YES,URI=\"{name}/media.m3u8\"\n"
        );
        std::fs::write(folder.join(name).join("media.m3u8"), playlist(audio.timescale, &audio.segments)).unwrap();
    }
    let group = if result.audio.is_empty() { "" } else { ",AUDIO=\"a\"" };
    for video in &result.video {
        let (name, width, height, codecs) = (&video.name, video.width, video.height, &video.codecs);
        master += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH=1000000,RESOLUTION={width}x{height},CODECS=\"{codecs},mp4a.40.2\"{group}\n{name}/media.m3u8\n"
        );
        std::fs::write(folder.join(name).join("media.m3u8"), playlist(video.timescale, &video.segments)).unwrap();
    }
    if let (true, Some(audio)) = (result.video.is_empty(), result.audio.first()) {
        let name = &audio.name;
        master += &format!("#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS=\"mp4a.40.2\"{group}\n{name}/media.m3u8\n");
    }
    std::fs::write(folder.join("master.m3u8"), master).unwrap();
}

fn playlist(timescale: u32, segments: &[Segment]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    text += "#EXT-X-MAP:URI=\"init.mp4\"\n";
    for segment in segments {
        let name = segment.file.name.rsplit('/').next().unwrap();
        text += &format!("#EXTINF:{:.6},\n{name}\n", segment.ticks as f64 / f64::from(timescale));
    }
    text + "#EXT-X-ENDLIST\n"
}

/// Each segment's start, and the end of the last, in seconds.
pub fn instants(timescale: u32, segments: &[Segment]) -> Vec<f64> {
    let mut at = 0;
    let mut instants = vec![0.0];
    for segment in segments {
        at += segment.ticks;
        instants.push(at as f64 / f64::from(timescale));
    }
    instants
}

pub fn ffprobe(file: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new("ffprobe").args(["-v", "error"]).args(arguments).args(["-of", "csv=p=0"]).arg(file).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Packets of a stream: time, length, whether a keyframe.
pub fn packets(file: &Path, stream: &str) -> Vec<(f64, f64, bool)> {
    let entries = ["-select_streams", stream, "-show_entries", "packet=pts_time,duration_time,flags"];
    let text = ffprobe(file, &entries);
    let lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let number = |text: &str| text.parse().unwrap_or(0.0);
    lines.filter(|c| c.len() >= 3).map(|c| (number(c[0]), number(c[1]), c[2].contains('K'))).collect()
}

/// A stream's length by its packets, or `None` without such a stream.
pub fn length(file: &Path, stream: &str) -> Option<f64> {
    let packets = packets(file, stream);
    let first = packets.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let last = packets.iter().map(|p| p.0 + p.1).fold(0.0, f64::max);
    (!packets.is_empty()).then_some(last - first.clamp(-0.1, 0.0))
}

/// What ffmpeg's filters say about a file, line by line.
pub fn filtered(file: &Path, filter: &str) -> String {
    let output = ffmpeg("info", file, &format!("{filter} -vsync passthrough -f null -"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Frames of a file, upright: time and mean brightness, of the whole picture or a `crop=…,` of it.
pub fn frames(file: &Path, crop: &str) -> Vec<(f64, f64)> {
    let text = filtered(file, &format!("-vf {crop}scale=2:2,format=gray,showinfo"));
    let lines = text.lines().filter(|line| line.contains("Parsed_showinfo") && line.contains("pts_time:"));
    let after = |line: &str, key: &str| -> f64 {
        let rest = line[line.find(key).unwrap() + key.len()..].trim_start();
        rest[..rest.find([' ', ']']).unwrap_or(rest.len())].parse().unwrap()
    };
    lines.map(|line| (after(line, "pts_time:"), after(line, "mean:["))).collect()
}

/// The mean colour of a part of the first picture at or after `at`, as red, green and blue.
pub fn colour(file: &Path, at: f64, crop: &str) -> [u8; 3] {
    let filters = format!("select=gte(t\\,{at}),{crop}scale=1:1:flags=area,format=rgb24");
    let output = ffmpeg("error", file, &format!("-vf {filters} -frames:v 1 -f rawvideo -"));
    output
        .stdout
        .as_slice()
        .try_into()
        .unwrap_or_else(|_| panic!("{}: no picture", String::from_utf8_lossy(&output.stderr)))
}

/// The same picture in so many columns and rows of colours.
pub fn mosaic(file: &Path, filters: &str, size: &str) -> Vec<u8> {
    let rest = format!("-vf {filters}scale={size}:flags=area,format=rgb24 -frames:v 1 -f rawvideo -");
    let output = ffmpeg("error", file, &rest);
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub fn near(one: [u8; 3], other: [u8; 3], by: u8) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= by)
}

impl Done {
    pub fn top(&self) -> PathBuf {
        self.media(&self.result.video[0].name)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn media(&self, rendition: &str) -> PathBuf {
        self.path(rendition).join("media.m3u8")
    }

    /// What ffmpeg's filters say about a rendition, line by line.
    pub fn filtered(&self, rendition: &str, filter: &str) -> String {
        filtered(&self.media(rendition), filter)
    }

    /// When a sound track's first silence ends, in seconds.
    pub fn first_sound(&self, rendition: &str) -> f64 {
        let log = self.filtered(rendition, "-af silencedetect=noise=-40dB:duration=0.5");
        let end = log.split("silence_end: ").nth(1).and_then(|rest| rest.split([' ', '|']).next());
        end.expect("a sound").trim().parse().expect("a time")
    }

    /// See [`frames`].
    pub fn frames(&self, rendition: &str, crop: &str) -> Vec<(f64, f64)> {
        frames(&self.media(rendition), crop)
    }

    /// Everything that must hold for any output.
    pub fn check(&self) {
        self.check_decodes();
        self.check_instants();
        for video in &self.result.video {
            // Copied groups may be as long as those that are accepted, encoded ones are ours.
            let longest = if video.made == Made::Remuxed { 4.1 } else { 2.1 };
            self.check_segments(&video.name, video.timescale, &video.segments, longest);
            self.check_keyframes(video);
        }
        self.check_files();
    }

    fn check_decodes(&self) {
        let master = self.path("master.m3u8");
        let output = ffmpeg("error", &master, "-map 0 -f null -");
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "ffmpeg complains");
        let streams = ffprobe(&master, &["-show_entries", "stream=codec_name"]);
        let all = streams.lines().filter(|line| !line.is_empty()).count();
        assert!(all >= self.result.video.len().max(self.result.audio.len()), "{streams}");
    }

    /// Pictures begin their segments at the same instants exactly, sounds within one AAC frame of them.
    fn check_instants(&self) {
        let video: Vec<_> = self.result.video.iter().map(|v| instants(v.timescale, &v.segments)).collect();
        let Some(first) = video.first() else { return };
        assert!(video.iter().all(|other| other == first), "{video:?}");
        for audio in &self.result.audio {
            let frame = 1024.0 / f64::from(audio.sample_rate);
            let heard = instants(audio.timescale, &audio.segments);
            let shared = (first.len() - 1).min(heard.len() - 1);
            for (picture, sound) in first[..shared].iter().zip(&heard[..shared]) {
                assert!((picture - sound).abs() <= frame, "{first:?} {heard:?}");
            }
        }
    }

    /// Each segment, read alone behind its header, begins with a keyframe at its own instant and holds only frames
    /// of its own time.
    fn check_segments(&self, name: &str, timescale: u32, segments: &[Segment], longest: f64) {
        let instants = instants(timescale, segments);
        let header = std::fs::read(self.path(name).join("init.mp4")).unwrap();
        let alone = self.path("alone.mp4");
        for (segment, span) in segments.iter().zip(instants.windows(2)) {
            let media = std::fs::read(self.path(&segment.file.name)).unwrap();
            std::fs::write(&alone, [header.as_slice(), &media].concat()).unwrap();
            let packets = packets(&alone, "v:0");
            let (at, _, key) = packets[0];
            assert!(key && (at - span[0]).abs() < 0.0005, "{}: {at} {key} {span:?}", segment.file.name);
            let inside = |p: &(f64, f64, bool)| p.0 > span[0] - 0.0005 && p.0 < span[1] - 0.0005;
            assert!(packets.iter().all(inside), "{}: {span:?}", segment.file.name);
        }
        let keys: Vec<f64> = packets(&self.media(name), "v:0").iter().filter(|p| p.2).map(|p| p.0).collect();
        let end = *instants.last().unwrap();
        let gaps = keys.iter().zip(keys.iter().skip(1).chain([&end])).map(|(a, b)| b - a);
        assert!(gaps.clone().all(|gap| gap <= longest), "{name}: {:?}", gaps.collect::<Vec<_>>());
        std::fs::remove_file(alone).unwrap();
    }

    /// The bytes that are said to show a segment's first picture show just that.
    fn check_keyframes(&self, video: &Video) {
        assert_eq!(video.keyframe_bytes.len(), video.segments.len());
        let header = std::fs::read(self.path(&video.init.name)).unwrap();
        let alone = self.path("alone.mp4");
        let all: Vec<_> = video.segments.iter().zip(&video.keyframe_bytes).collect();
        for (segment, bytes) in [all[0], all[all.len() - 1]] {
            let media = std::fs::read(self.path(&segment.file.name)).unwrap();
            std::fs::write(&alone, [header.as_slice(), &media[..*bytes as usize]].concat()).unwrap();
            let output = ffmpeg("error", &alone, "-f framemd5 -");
            let text = String::from_utf8(output.stdout).unwrap();
            let frames = text.lines().filter(|line| !line.starts_with('#')).count();
            assert_eq!(frames, 1, "{}: {}", segment.file.name, String::from_utf8_lossy(&output.stderr));
        }
        std::fs::remove_file(alone).unwrap();
    }

    /// Every file named is there with the CID and size said.
    fn check_files(&self) {
        for file in self.result.files() {
            let bytes = std::fs::read(self.path(&file.name)).unwrap();
            assert!(!bytes.is_empty(), "{}", file.name);
            assert_eq!(file.bytes, bytes.len() as u64);
            assert_eq!(file.cid, pinreel_content::hash_bytes(&bytes).cid.to_string());
        }
    }
}
