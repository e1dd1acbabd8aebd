//! What a child has said so far. One that was taken over may repeat well-formed lines without end: what no honest child
//! says breaks the protocol.

use std::collections::HashSet;

use pinreel_runner::{MAX_FILES, MAX_NAME_BYTES, Task, names};

use crate::child::events::Event;
use crate::failure::Failure;

/// A preview's sizes, with room for more.
const MAX_PREVIEW_FILES: usize = 8;
/// A day's, if five come a second; an honest child sends half as many.
const MAX_REPORTS: u32 = 500_000;
/// The longest line but a result's: any failure's sentence fits.
const LINE_BYTES: usize = 64 << 10;
/// A result is longer by so much for each of its files: the name, and the numbers beside it.
const FILE_LINE_BYTES: usize = MAX_NAME_BYTES + 192;
/// How a result's line begins.
const DONE: &[u8] = b"{\"done\":";

/// Counts what is said.
pub struct Account {
    files: HashSet<String>,
    most_files: usize,
    reports: u32,
    told_early: bool,
}

impl Account {
    pub fn of(task: Task) -> Self {
        let most_files = match task {
            Task::Renditions => MAX_FILES,
            Task::Preview { .. } => MAX_PREVIEW_FILES,
            Task::Captions | Task::Picture | Task::Frame { .. } => 1,
        };
        Self { files: HashSet::new(), most_files, reports: 0, told_early: false }
    }

    /// How long a line may become that begins so.
    pub fn most_bytes(&self, line: &[u8]) -> usize {
        if line.starts_with(DONE) { LINE_BYTES + self.files.len() * FILE_LINE_BYTES } else { LINE_BYTES }
    }

    /// Whether an honest child may say this now.
    pub fn take(&mut self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::File(name) | Event::Segment { name, .. } => self.file(name),
            Event::Progress(_) if self.reports == MAX_REPORTS => {
                Err(Failure::untrue("its child reports progress too often"))
            }
            Event::Progress(_) => {
                self.reports += 1;
                Ok(())
            }
            Event::Early(_) if self.told_early => Err(Failure::untrue("its child says twice what comes first")),
            Event::Early(_) => {
                self.told_early = true;
                Ok(())
            }
            Event::Done(_) | Event::Failed(_) => Ok(()),
            Event::Fence(_) | Event::Said(_) => Err(Failure::untrue("its child says what it wasn't asked")),
        }
    }

    fn file(&mut self, name: &str) -> Result<(), Failure> {
        if names::kind(name).is_none() {
            return Err(Failure::untrue("its child names an impossible file"));
        }
        if self.files.len() == self.most_files {
            return Err(Failure::untrue("its child names too many files"));
        }
        if !self.files.insert(name.to_owned()) {
            return Err(Failure::untrue("its child names a file twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pinreel_runner::{Document, MAX_FILES, Task};

    use super::{Account, LINE_BYTES, MAX_REPORTS};
    use crate::child::events::{Event, Progress};
    use crate::failure::Failure;
    use crate::fence::Layers;

    fn file(name: &str) -> Event {
        Event::File(name.to_owned())
    }

    fn is_broken(account: &mut Account, event: &Event) -> bool {
        matches!(account.take(event), Err(Failure { code, retryable: true, detail: Some(_), .. }) if code == "transcoder_crashed")
    }

    #[test]
    fn a_file_counts_once_whatever_it_is_called() {
        let mut account = Account::of(Task::Renditions);
        let segment = |name: &str, ticks| Event::Segment { name: name.to_owned(), ticks };
        for event in [file("v240/init.mp4"), segment("v240/seg-00000.m4s", 1), file("poster.jpg")] {
            assert_eq!(account.take(&event), Ok(()));
            assert!(is_broken(&mut account, &event), "{event:?}");
        }
        assert!(is_broken(&mut account, &segment("v240/init.mp4", 1)));
        assert!(is_broken(&mut account, &segment("v240/seg-00000.m4s", 2)));
        assert!(is_broken(&mut account, &file("../v240/init.mp4")));
    }

    #[test]
    fn files_are_limited_by_what_is_made() {
        let preview = Task::Preview { of: Document::Pdf };
        for (task, most) in [(Task::Captions, 1), (preview, 8), (Task::Renditions, MAX_FILES)] {
            let mut account = Account::of(task);
            for number in 0..most {
                assert_eq!(
                    account.take(&file(&format!("a{}/seg-{:05}.m4s", number / 100_000, number % 100_000))),
                    Ok(())
                );
            }
            assert!(is_broken(&mut account, &file("poster.jpg")), "{task:?}");
        }
    }

    #[test]
    fn what_comes_first_is_said_once_and_reports_are_limited() {
        let mut account = Account::of(Task::Renditions);
        assert_eq!(account.take(&Event::Early(Box::default())), Ok(()));
        assert!(is_broken(&mut account, &Event::Early(Box::default())));
        let report = Event::Progress(Progress::default());
        for _ in 0..MAX_REPORTS {
            assert_eq!(account.take(&report), Ok(()));
        }
        assert!(is_broken(&mut account, &report));
    }

    #[test]
    fn what_only_others_say_is_refused() {
        let mut account = Account::of(Task::Renditions);
        assert!(is_broken(&mut account, &Event::Said("hello".to_owned())));
        assert!(is_broken(&mut account, &Event::Fence(Layers { network: true, files: true, calls: true })));
        assert_eq!(account.take(&Event::Failed(Failure::damaged())), Ok(()));
    }

    #[test]
    fn a_result_may_be_as_long_as_its_files_are_many() {
        let mut account = Account::of(Task::Renditions);
        assert_eq!(account.most_bytes(b"{\"done\":{"), LINE_BYTES);
        assert_eq!(account.take(&file("poster.jpg")), Ok(()));
        assert!(account.most_bytes(b"{\"done\":{") > LINE_BYTES);
        assert_eq!(account.most_bytes(b"{\"file\":"), LINE_BYTES);
        assert_eq!(account.most_bytes(b""), LINE_BYTES);
    }
}
