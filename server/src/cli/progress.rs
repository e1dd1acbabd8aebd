//! Progress on stderr, for people only: nothing is drawn where stderr is no terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const BYTES: &str = "{msg:12} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
const UNKNOWN: &str = "{msg:12} {spinner} {binary_bytes} {binary_bytes_per_sec} {elapsed}";
const FRACTION: &str = "{msg:12} {wide_bar} {percent}% {elapsed}";
const STEPS: u64 = 1000;

#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// False with `--json`, whose reader is a program.
    pub is_shown: bool,
}

impl Progress {
    /// For a command whose answer is on stdout.
    pub fn for_people(as_json: bool) -> Self {
        Self { is_shown: !as_json && std::io::stderr().is_terminal() }
    }
}

/// One bar; it goes when its last copy is dropped.
#[derive(Clone, Debug)]
pub struct Bar(ProgressBar);

impl Progress {
    pub fn bytes(self, what: &'static str, size_bytes: u64) -> Bar {
        self.bar(what, size_bytes, BYTES)
    }

    /// Bytes of which nobody knows how many there will be.
    pub fn stream(self, what: &'static str) -> Bar {
        let bar = self.bar(what, 0, UNKNOWN);
        if self.is_shown {
            bar.0.enable_steady_tick(Duration::from_millis(200));
        }
        bar
    }

    pub fn fraction(self, what: &'static str) -> Bar {
        let bar = self.bar(what, STEPS, FRACTION);
        if self.is_shown {
            bar.0.enable_steady_tick(Duration::from_secs(1));
        }
        bar
    }

    fn bar(self, what: &'static str, length: u64, template: &str) -> Bar {
        let target = if self.is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar(ProgressBar::with_draw_target(Some(length), target).with_style(style).with_message(what))
    }
}

impl Bar {
    pub fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// More is to be done than was known.
    pub fn lengthen(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    pub fn set(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    pub fn set_fraction(&self, fraction: f64) {
        // Out of a thousand; what is out of range is cut by the cast.
        self.0.set_position((fraction * STEPS as f64) as u64);
    }
}
