//! One file with picture and sound, copied from finished renditions: for link previews, downloads and pages without
//! scripts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use ffmpeg_next::{Packet, Rational};
use pinreel_runner::{Audio, FileRef, Segment, Video};

use super::formats::LIMITS;
use super::rung::encoding;
use super::scan::AAC_FRAME;
use super::segments::Folder;
use crate::av::input::Source;
use crate::av::joint::Joint;
use crate::failure::Failure;

const NAME: &str = "video.mp4";
/// The rendition to copy is the best with at most this short side.
const MIDDLE: u32 = 480;
/// Larger ones, sound and index included, aren't made: a lower rendition is taken, or none. Less than a job may write.
const MOST_BYTES: u64 = 200 << 20;
/// What the index takes for a packet at most.
const INDEX_BYTES: f64 = 16.0;

/// Makes the file; none if every rendition is too large for it, or there is no picture.
pub fn mux(folder: &Folder, video: &[Video], audio: &[Audio]) -> Result<Option<FileRef>, Failure> {
    let sound = audio.iter().find(|audio| audio.default);
    let Some(picture) = choose(video, sound) else { return Ok(None) };
    let open = |init: &FileRef, segments: &[Segment]| Joined::new(folder, init, segments).open();
    let mut sources = vec![Packets::new(open(&picture.init, &picture.segments)?, &picture.segments)];
    if let Some(sound) = sound {
        sources.push(Packets::new(open(&sound.init, &sound.segments)?, &sound.segments));
    }
    // The index goes before the media, so its size must be known first.
    let mut packets = 0;
    for source in [Some((&picture.init, &picture.segments)), sound.map(|sound| (&sound.init, &sound.segments))] {
        let Some((init, segments)) = source else { continue };
        let mut source = open(init, segments)?;
        while source.read().map_err(encoding)?.is_some() {
            packets += 1;
        }
    }
    let file = File::create(folder.path.join(NAME)).map_err(|error| Failure::disk(&error))?;
    let tracks: Vec<_> = sources.iter().filter_map(|packets| packets.source.tracks.first().cloned()).collect();
    let mut joint = Joint::new(file, &tracks.iter().collect::<Vec<_>>(), packets).map_err(encoding)?;
    loop {
        let due = sources.iter_mut().enumerate().filter_map(|(number, source)| Some((source.due()?, number)));
        let Some((_, number)) = due.min_by(|one, other| one.0.total_cmp(&other.0)) else { break };
        let tick = sources[number].tick;
        if let Some(mut packet) = sources[number].take() {
            joint.write(&mut packet, number, tick).map_err(encoding)?;
        }
    }
    joint.finish().map_err(encoding)?;
    folder.made(NAME).map(Some)
}

/// The rendition to copy with this sound.
fn choose<'v>(video: &'v [Video], sound: Option<&Audio>) -> Option<&'v Video> {
    let side = |video: &&Video| video.width.min(video.height);
    let beside = sound.map_or(0, |sound| {
        let packets = seconds(&sound.segments, sound.timescale) * f64::from(sound.sample_rate) / AAC_FRAME as f64;
        bytes(&sound.segments) + (packets * INDEX_BYTES) as u64
    });
    let small = |video: &&Video| {
        let packets = seconds(&video.segments, video.timescale) * video.frame_rate.as_f64();
        bytes(&video.segments) + (packets * INDEX_BYTES) as u64 + beside <= MOST_BYTES
    };
    let best = video.iter().filter(small).filter(|video| side(video) <= MIDDLE).max_by_key(side);
    best.or_else(|| video.iter().filter(small).min_by_key(side))
}

fn seconds(segments: &[Segment], timescale: u32) -> f64 {
    ticks(segments) as f64 / f64::from(timescale.max(1))
}

fn ticks(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.ticks).sum()
}

fn bytes(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.file.bytes).sum()
}

/// A source's packets with the next one at hand.
struct Packets {
    source: Source,
    tick: Rational,
    /// Where the track ends, in ticks.
    end: i64,
    next: Option<Packet>,
    ended: bool,
}

impl Packets {
    fn new(source: Source, segments: &[Segment]) -> Self {
        let tick = source.tracks.first().map_or(Rational::new(1, 1000), |track| track.tick);
        let end = i64::try_from(ticks(segments)).unwrap_or(i64::MAX);
        Self { source, tick, end, next: None, ended: false }
    }

    /// When the next packet is decoded, in seconds.
    fn due(&mut self) -> Option<f64> {
        if self.next.is_none() && !self.ended {
            // Our own file: an error in it is its end, and then the result is looked at like any other.
            self.next = self.source.read().ok().flatten();
            self.ended = self.next.is_none();
        }
        let packet = self.next.as_ref()?;
        Some(packet.dts().or(packet.pts()).unwrap_or(0) as f64 * f64::from(self.tick))
    }

    /// The next packet. ffmpeg's reader doesn't tell how long a packet is that has a fragment to itself, and what follows
    /// tells it of all but the last.
    fn take(&mut self) -> Option<Packet> {
        let mut packet = self.next.take()?;
        if packet.duration() == 0 && self.due().is_none() {
            packet.set_duration(self.end - packet.pts().unwrap_or(self.end));
        }
        Some(packet)
    }
}

/// A rendition's files, read as one.
struct Joined {
    files: Vec<(PathBuf, u64)>,
    open: Option<(usize, File)>,
    at: u64,
}

impl Joined {
    fn new(folder: &Folder, init: &FileRef, segments: &[Segment]) -> Self {
        let all = std::iter::once(init).chain(segments.iter().map(|segment| &segment.file));
        Self { files: all.map(|file| (folder.path.join(&file.name), file.bytes)).collect(), open: None, at: 0 }
    }

    fn size_bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    fn open(self) -> Result<Source, Failure> {
        let bytes = self.size_bytes();
        Source::of(self, bytes, &["mov,mp4,m4a,3gp,3g2,mj2"], LIMITS)
            .map_err(|_| Failure::internal("a rendition can't be read again"))
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut begin = 0;
        for (number, (path, bytes)) in self.files.iter().enumerate() {
            let inside = self.at.checked_sub(begin).filter(|inside| inside < bytes);
            begin += bytes;
            let Some(inside) = inside else { continue };
            if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
                self.open = Some((number, File::open(path)?));
            }
            let Some((_, file)) = &mut self.open else { return Ok(0) };
            file.seek(SeekFrom::Start(inside))?;
            let read = file.read(buffer)?;
            self.at += read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}

impl Seek for Joined {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.size_bytes(), by),
            SeekFrom::Current(by) => (self.at, by),
        };
        self.at = base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use pinreel_runner::{Audio, FileRef, FrameRate, Made, Segment, Video};

    use super::choose;

    const HOURS: u64 = 2;

    fn file(mebibytes: u64) -> FileRef {
        FileRef { name: String::new(), cid: String::new(), bytes: mebibytes << 20 }
    }

    fn segments(timescale: u32, mebibytes: u64) -> Vec<Segment> {
        vec![Segment { file: file(mebibytes), ticks: HOURS * 3600 * u64::from(timescale) }]
    }

    fn audio(mebibytes: u64) -> Audio {
        Audio {
            name: "a0".to_owned(),
            language: None,
            label: "Sound".to_owned(),
            default: true,
            channels: 2,
            sample_rate: 48_000,
            codecs: String::new(),
            timescale: 48_000,
            init: file(0),
            segments: segments(48_000, mebibytes),
            made: Made::Encoded,
            why: String::new(),
            loudness: None,
        }
    }

    fn video((height, mebibytes): (u32, u64)) -> Video {
        Video {
            name: format!("v{height}"),
            width: height * 16 / 9,
            height,
            frame_rate: FrameRate { num: 25, den: 1 },
            codecs: String::new(),
            timescale: 12_800,
            init: file(0),
            segments: segments(12_800, mebibytes),
            keyframe_bytes: Vec::new(),
            made: Made::Encoded,
            why: String::new(),
        }
    }

    #[test]
    fn picture_and_sound_fit_together_into_one_file() {
        for (rungs, beside, wanted) in [
            (&[(720, 150), (480, 90), (240, 30)][..], Some(50), Some(480)),
            (&[(720, 900), (480, 150), (240, 30)], Some(50), Some(240)),
            (&[(720, 900), (480, 150), (240, 30)], None, Some(480)),
            (&[(720, 180)], None, Some(720)),
            (&[(240, 198)], None, None),
            (&[(240, 30)], Some(190), None),
        ] {
            let video: Vec<Video> = rungs.iter().copied().map(video).collect();
            let sound = beside.map(audio);
            let chosen = choose(&video, sound.as_ref()).map(|video| video.height);
            assert_eq!(chosen, wanted, "{rungs:?} {beside:?}");
        }
    }
}
