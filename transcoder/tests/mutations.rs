//! Damaged files of every kind through the real child: each ends in an output or an error that has a name, and the
//! process that started them has as much memory and as many open files as before.
//!
//! `PINREEL_MUTATIONS` says how many (1,000 unless set), `PINREEL_MUTATION_SEED` where they begin. No test harness: the
//! parent starts this program as its child.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, Write};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use pinreel_runner::{Preset, Task};
use pinreel_transcoder::failure::Failure;
use pinreel_transcoder::parent::{self, Options, Patience};

const USUAL: u64 = 1000;
const AT_ONCE: usize = 3;
/// What a few hundred megabytes of leaked media would exceed by far.
const MAX_GROWTH_KB: u64 = 48 << 10;
/// Ends that are the machine's fault, not the file's.
const NEVER: [&str; 7] = [
    "transcoder_crashed",
    "transcoder_killed",
    "transcoder_error",
    "no_progress",
    "too_slow",
    "worker_disk",
    "sandbox_failed",
];

/// Clips of a few frames, as small as their formats allow.
const CLIPS: [(&str, &str); 14] = [
    ("a.mp4", "-c:v libx264 -preset ultrafast -g 3 -c:a aac"),
    ("fit.mp4", "-c:v libx264 -pix_fmt yuv420p -preset veryfast -g 4 -bf 2 -c:a aac -movflags +faststart"),
    ("a.mov", "-c:v mjpeg -c:a pcm_s16be"),
    ("frag.mp4", "-c:v libx264 -preset ultrafast -c:a aac -movflags +frag_keyframe+empty_moov"),
    ("a.mkv", "-c:v mpeg4 -c:a libmp3lame"),
    ("h.mkv", "-c:v libx265 -x265-params log-level=none -preset ultrafast -c:a flac"),
    ("a.webm", "-c:v libvpx -deadline realtime -c:a libopus"),
    ("a.ts", "-c:v mpeg2video -c:a mp2"),
    ("a.avi", "-c:v mpeg4 -c:a ac3"),
    ("a.flv", "-c:v flv -an"),
    ("a.ogg", "-vn -c:a libvorbis"),
    ("a.mp3", "-vn -c:a libmp3lame"),
    ("a.wav", "-vn -c:a pcm_s24le"),
    ("a.gif", "-an"),
];

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|first| first == "child") {
        return pinreel_transcoder::main();
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let (count, first) = (number("PINREEL_MUTATIONS").unwrap_or(USUAL), number("PINREEL_MUTATION_SEED").unwrap_or(0));
    let clips = clips();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The first ones fill what every process keeps: pools, buffers, tables.
    let warm = (count / 10).clamp(10, 200);
    let begun = Instant::now();
    let mut ends = BTreeMap::new();
    run(&runtime, &clips, first..first + warm, &mut ends);
    let before = (resident_kb(), open_files());
    run(&runtime, &clips, first + warm..first + count, &mut ends);
    let after = (resident_kb(), open_files());
    assert!(after.0 <= before.0 + MAX_GROWTH_KB, "memory grew from {} to {} kB", before.0, after.0);
    assert_eq!(after.1, before.1, "open files");
    assert_eq!(ends.values().sum::<u64>(), count);
    assert!(ends.len() > 3, "they all end alike: {ends:?}");
    println!("test mutations ... ok ({count} in {:.0} s: {ends:?})", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

fn run(
    runtime: &tokio::runtime::Runtime,
    clips: &[Vec<u8>],
    seeds: std::ops::Range<u64>,
    ends: &mut BTreeMap<String, u64>,
) {
    let runs = stream::iter(seeds).map(|seed| async move {
        let mutant = mutated(&clips[seed as usize % clips.len()], seed);
        (seed, end(&mutant).await)
    });
    let mut runs = Box::pin(runs.buffer_unordered(AT_ONCE));
    runtime.block_on(async {
        while let Some((seed, end)) = runs.next().await {
            assert!(!NEVER.contains(&end.as_str()), "seed {seed} ends with {end}");
            *ends.entry(end).or_default() += 1;
        }
    });
}

/// How a child ends on these bytes: `ok`, or its failure's code.
async fn end(bytes: &[u8]) -> String {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    // A damaged time may make a song of hours of it, beside which the picture stays.
    let patience = Patience { no_progress: Duration::from_secs(60), wall_clock: Duration::from_secs(1800) };
    let mut options =
        Options { patience, copying: true, weak: true, preset: Preset::default(), task: Task::Renditions };
    let again = || try_once(file.try_clone().unwrap(), options.clone());
    let first = again().await;
    options.copying = false;
    let last = match first {
        Err(failure) if failure.is_copy_unfit() => try_once(file, options).await,
        other => other,
    };
    match last {
        Ok(()) => "ok".to_owned(),
        Err(failure) => {
            assert!(failure.reason.ends_with('.') && failure.reason.len() > 20, "{failure}");
            failure.code
        }
    }
}

async fn try_once(source: fs::File, options: Options) -> Result<(), Failure> {
    let folder = tempfile::tempdir().unwrap();
    let result = parent::run(source, folder.path(), options, async |_| {}).await?;
    assert!(result.files().all(|file| folder.path().join(&file.name).is_file()));
    Ok(())
}

fn clips() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let made = CLIPS.iter().map(|(name, options)| {
        let path = folder.path().join(name);
        let sources =
            "-v error -nostdin -y -f lavfi -i testsrc2=size=64x48:rate=25:duration=0.4 -f lavfi -i sine=duration=0.4";
        let mut command = Command::new("ffmpeg");
        command.args(sources.split(' ')).args(options.split(' ')).arg(&path);
        assert!(command.status().expect("ffmpeg's command line is installed").success(), "{name}");
        fs::read(path).unwrap()
    });
    made.collect()
}

/// A damaged copy; the same for the same seed.
fn mutated(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    let mut bytes = bytes.to_vec();
    // Headers decide more than contents.
    let near = |random: &mut dyn FnMut(usize) -> usize, length: usize| {
        if random(2) == 0 { random(length) } else { random(length.min(1024)) }
    };
    for _ in 0..=random(6) {
        let length = bytes.len();
        let at = near(&mut random, length);
        let some = (1 + random(64)).min(length - at);
        match random(8) {
            0 | 1 => bytes[at] ^= 1 << random(8),
            2 => bytes[at..at + some].fill_with(|| random(256) as u8),
            3 => bytes[at..at + some].fill([0, 0xff, 0x7f, 0x80][random(4)]),
            4 => drop(bytes.drain(at..at + some)),
            5 => {
                let copy = bytes[at..at + some].to_vec();
                let to = near(&mut random, length);
                bytes.splice(to..to, copy);
            }
            6 => {
                let value = [0_u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0001_0000][random(6)].to_be_bytes();
                let room = 4.min(length - at);
                bytes[at..at + room].copy_from_slice(&value[..room]);
            }
            _ => bytes.truncate(length - random(length / 2)),
        }
    }
    bytes
}

fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
