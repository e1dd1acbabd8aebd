//! WebVTT as others write it: headers, notes, styles, regions, identifiers and settings are left out.

use super::marked::Marked;
use super::times::span_ms;
use super::{Fault, Found};

pub fn is_one(text: &str) -> bool {
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text).strip_prefix("WEBVTT");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

pub fn parse(text: &str) -> Result<Found, Fault> {
    let mut found = Found::default();
    // The header's own lines go up to the first empty one; an arrow in it begins nothing.
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((number, line)) = lines.next() {
        if ["NOTE", "STYLE", "REGION"].iter().any(|word| is_block(line, word)) {
            while lines.next_if(|(_, line)| !line.trim().is_empty()).is_some() {}
            continue;
        }
        if !line.contains("-->") {
            continue;
        }
        let mut marked = Marked::default();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            marked.webvtt(line);
            marked.line();
        }
        match span_ms(line) {
            Some(span) => found.cue(number + 1, span, marked.finish())?,
            None => found.broken(number + 1, "these are no times of the form 00:01.000 --> 00:02.000"),
        }
    }
    Ok(found)
}

fn is_block(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}
