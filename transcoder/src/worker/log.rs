//! What a worker notes of a job, for the operator: sent along with the reports until one of them was answered.

use std::cell::RefCell;
use std::collections::VecDeque;

use pinreel_runner::LogLine;

/// Lines that wait for an answer; older ones make room.
const MAX_WAITING: usize = 100;
const MAX_CHARS: usize = 400;

#[derive(Default)]
pub struct Log(RefCell<Lines>);

#[derive(Default)]
struct Lines {
    waiting: VecDeque<LogLine>,
    next: u32,
}

impl Log {
    /// Notes each line of a text.
    pub fn say(&self, text: &str) {
        let mut lines = self.0.borrow_mut();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let number = lines.next;
            lines.next += 1;
            lines.waiting.push_back(LogLine { number, text: line.chars().take(MAX_CHARS).collect() });
        }
        let too_many = lines.waiting.len().saturating_sub(MAX_WAITING);
        lines.waiting.drain(..too_many);
    }

    /// What is to be sent.
    pub fn waiting(&self) -> Vec<LogLine> {
        self.0.borrow().waiting.iter().cloned().collect()
    }

    /// These arrived.
    pub fn arrived(&self, sent: &[LogLine]) {
        let Some(last) = sent.last() else { return };
        self.0.borrow_mut().waiting.retain(|line| line.number > last.number);
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, MAX_WAITING};

    #[test]
    fn a_line_waits_until_it_arrived_and_keeps_its_number() {
        let log = Log::default();
        log.say("one\n\ntwo\n");
        let sent = log.waiting();
        log.say("three");
        assert_eq!(
            sent.iter().map(|line| (line.number, line.text.as_str())).collect::<Vec<_>>(),
            [(0, "one"), (1, "two")]
        );
        log.arrived(&sent);
        assert_eq!(log.waiting().iter().map(|line| line.number).collect::<Vec<_>>(), [2]);
        log.say(&"x\n".repeat(MAX_WAITING + 7));
        assert_eq!((log.waiting().len(), log.waiting()[0].number), (MAX_WAITING, 10));
    }
}
