//! Telling the server what can be watched while the job runs: a step of segments as soon as all of it is delivered.
//!
//! It is a courtesy to those who wait: a server that doesn't take it gets the whole result later all the same.

use std::collections::HashMap;

use pinreel_runner::{Early, FileRef, Growth, Segment};
use tokio::sync::mpsc::Receiver;

use super::client::{JobClient, Trouble, insist};
use super::job::Stop;

/// Steps in a call.
const MAX_STEPS: usize = 500;

/// What this hears of the job.
pub enum Told {
    Early(Box<Early>),
    Segment { name: String, ticks: u64 },
    Delivered(FileRef),
}

/// Tells of every step until `told` is closed.
pub async fn grow(job: &JobClient, mut told: Receiver<Told>) -> Result<(), Stop> {
    let mut stream = Stream::default();
    let mut is_wanted = true;
    while let Some(first) = told.recv().await {
        stream.hear(first);
        while let Ok(more) = told.try_recv() {
            stream.hear(more);
        }
        while let Some(growth) = stream.take(job.lease.epoch).filter(|_| is_wanted) {
            match insist("telling what can be watched", || job.grow(&growth)).await {
                Ok(()) => {}
                Err(Trouble::Lost) => return Err(Stop::Lost),
                Err(trouble) => {
                    tracing::warn!(job = job.lease.job, "it can't be watched early: {trouble}");
                    is_wanted = false;
                }
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Stream {
    early: Option<Early>,
    /// Of segments that weren't taken yet, by name, as the files.
    ticks: HashMap<String, u64>,
    files: HashMap<String, FileRef>,
    /// The number of the next step.
    next: u64,
}

impl Stream {
    fn hear(&mut self, told: Told) {
        match told {
            Told::Early(early) => {
                self.early = Some(*early);
                let (early, ticks, files) = (&self.early, &mut self.ticks, &mut self.files);
                ticks.retain(|name, _| is_of(early.as_ref(), name));
                files.retain(|name, _| is_of(early.as_ref(), name));
            }
            Told::Segment { name, ticks } if is_of(self.early.as_ref(), &name) => drop(self.ticks.insert(name, ticks)),
            Told::Delivered(file) if is_of(self.early.as_ref(), &file.name) => {
                self.files.insert(file.name.clone(), file);
            }
            Told::Segment { .. } | Told::Delivered(_) => {}
        }
    }

    /// The next steps that are delivered as a whole.
    fn take(&mut self, epoch: i64) -> Option<Growth> {
        let mut early = self.early.clone()?;
        for init in early.video.iter_mut().map(|v| &mut v.init).chain(early.audio.iter_mut().map(|a| &mut a.init)) {
            *init = self.files.get(&init.name)?.clone();
        }
        let folders: Vec<&str> = early.folders().collect();
        let (first, mut steps) = (self.next, Vec::new());
        while steps.len() < MAX_STEPS {
            let names: Vec<String> = folders.iter().map(|folder| segment(folder, self.next)).collect();
            if !names.iter().all(|name| self.ticks.contains_key(name) && self.files.contains_key(name)) {
                break;
            }
            let taken = names
                .iter()
                .filter_map(|name| Some(Segment { ticks: self.ticks.remove(name)?, file: self.files.remove(name)? }));
            steps.push(taken.collect());
            self.next += 1;
        }
        let ended = early.ended && self.ticks.is_empty();
        (!steps.is_empty()).then_some(Growth { epoch, early, first, steps, ended })
    }
}

/// Whether a file may belong to what is watched first. Everything may, as long as that isn't known.
fn is_of(early: Option<&Early>, name: &str) -> bool {
    early.is_none_or(|early| early.folders().any(|folder| name.split('/').next() == Some(folder)))
}

fn segment(folder: &str, number: u64) -> String {
    format!("{folder}/seg-{number:05}.m4s")
}

#[cfg(test)]
mod tests {
    use pinreel_runner::{Audio, Early, FileRef, FrameRate, Made, Video};

    use super::{Stream, Told, segment};

    fn file(name: &str) -> FileRef {
        FileRef { name: name.to_owned(), cid: format!("cid of {name}"), bytes: 1 }
    }

    fn early(ended: bool) -> Early {
        let video = Video {
            name: "v480".into(),
            width: 854,
            height: 480,
            frame_rate: FrameRate { num: 25, den: 1 },
            codecs: "avc1.64001f".into(),
            timescale: 12_800,
            init: FileRef { cid: String::new(), ..file("v480/init.mp4") },
            segments: vec![],
            keyframe_bytes: vec![],
            made: Made::Encoded,
            why: String::new(),
        };
        let audio = Audio {
            name: "a0".into(),
            language: None,
            label: "Sound".into(),
            default: true,
            channels: 2,
            sample_rate: 48_000,
            codecs: "mp4a.40.2".into(),
            timescale: 48_000,
            init: FileRef { cid: String::new(), ..file("a0/init.mp4") },
            segments: vec![],
            made: Made::Encoded,
            why: String::new(),
            loudness: None,
        };
        Early { video: Some(video), audio: Some(audio), ended }
    }

    fn made(stream: &mut Stream, folder: &str, number: u64) {
        stream.hear(Told::Segment { name: segment(folder, number), ticks: number + 1 });
    }

    fn delivered(stream: &mut Stream, folder: &str, number: u64) {
        stream.hear(Told::Delivered(file(&segment(folder, number))));
    }

    #[test]
    fn a_step_waits_for_all_of_its_files_and_for_the_steps_before() {
        let mut stream = Stream::default();
        for folder in ["v480", "v1080"] {
            made(&mut stream, folder, 0);
            delivered(&mut stream, folder, 0);
        }
        assert!(stream.take(1).is_none());
        stream.hear(Told::Early(Box::new(early(false))));
        stream.hear(Told::Delivered(file("v480/init.mp4")));
        made(&mut stream, "a0", 0);
        made(&mut stream, "a0", 1);
        made(&mut stream, "v480", 1);
        delivered(&mut stream, "a0", 1);
        delivered(&mut stream, "v480", 1);
        delivered(&mut stream, "a0", 0);
        assert!(stream.take(1).is_none(), "the sound's beginning is missing");
        stream.hear(Told::Delivered(file("a0/init.mp4")));
        let growth = stream.take(7).expect("two steps");
        assert_eq!((growth.epoch, growth.first, growth.steps.len(), growth.ended), (7, 0, 2, false));
        assert_eq!(growth.early.audio.expect("sound").init, file("a0/init.mp4"));
        let names: Vec<_> = growth.steps[1].iter().map(|segment| (segment.file.name.as_str(), segment.ticks)).collect();
        assert_eq!(names, [("v480/seg-00001.m4s", 2), ("a0/seg-00001.m4s", 2)]);
        assert!(stream.take(7).is_none());
        made(&mut stream, "v480", 2);
        delivered(&mut stream, "v480", 2);
        assert!(stream.take(7).is_none());
        made(&mut stream, "a0", 2);
        delivered(&mut stream, "a0", 2);
        assert_eq!(stream.take(7).expect("one more").first, 2);
        assert!(stream.ticks.is_empty() && stream.files.len() == 2, "only the two headers are kept");
    }

    #[test]
    fn what_was_whole_before_ends_with_its_last_step() {
        let mut stream = Stream::default();
        for folder in ["v480", "a0"] {
            stream.hear(Told::Delivered(file(&format!("{folder}/init.mp4"))));
            (0..3).for_each(|number| made(&mut stream, folder, number));
            (0..2).for_each(|number| delivered(&mut stream, folder, number));
        }
        stream.hear(Told::Early(Box::new(early(true))));
        assert!(!stream.take(1).expect("two steps").ended);
        delivered(&mut stream, "v480", 2);
        delivered(&mut stream, "a0", 2);
        let last = stream.take(1).expect("the last");
        assert!(last.ended && last.first == 2);
    }
}
