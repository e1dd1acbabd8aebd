//! Tests that can't run on this machine say so where `bin/test` counts them: cargo hides what a passing test prints.

use std::{fs::File, io::Write};

/// Says why a test, or a part of one, is skipped, also in the file that `PINREEL_TEST_SKIPS` names.
pub fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
    if let Some(path) = std::env::var_os("PINREEL_TEST_SKIPS") {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{test}: {why}\n").as_bytes()).unwrap();
    }
}
