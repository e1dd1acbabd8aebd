//! SubRip: a number, a line of times, lines of text, an empty line; in the text a little HTML and stray ASS overrides.

use super::marked::Marked;
use super::times::span_ms;
use super::{Fault, Found};

/// A text goes on to the next line of times, for some have empty lines in them.
pub fn parse(text: &str) -> Result<Found, Fault> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|at| is_timing(&lines, *at)).collect();
    let mut found = Found::default();
    for (place, start) in starts.iter().enumerate() {
        let next = starts.get(place + 1).copied();
        let body = &lines[start + 1..next.unwrap_or(lines.len())];
        match span_ms(lines[*start]) {
            Some(span) => found.cue(start + 1, span, shown(body, next.is_some()))?,
            None => found.broken(start + 1, "these are no times of the form 00:00:01,000 --> 00:00:02,000"),
        }
    }
    Ok(found)
}

/// Dialogue may hold an arrow too: a line of times is readable, or stands where one must: behind a number or a gap.
fn is_timing(lines: &[&str], at: usize) -> bool {
    let is_number = |line: &str| !line.trim().is_empty() && line.trim().bytes().all(|byte| byte.is_ascii_digit());
    let before = at.checked_sub(1).map(|before| lines[before]);
    let is_behind = before.is_none_or(|before| before.trim().is_empty() || is_number(before));
    lines[at].contains("-->") && (span_ms(lines[at]).is_some() || is_behind)
}

/// The text of a cue; the next one's number isn't part of it.
fn shown(body: &[&str], has_next: bool) -> String {
    let is_empty = |line: &&str| line.trim().is_empty();
    let is_number = |line: &&str| !is_empty(line) && line.trim().bytes().all(|byte| byte.is_ascii_digit());
    let body = match body.split_last() {
        Some((last, rest)) if has_next && is_number(last) && rest.last().is_none_or(is_empty) => rest,
        _ => body,
    };
    let mut marked = Marked::default();
    for line in body {
        marked.html(line);
        marked.line();
    }
    marked.finish()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_gaps_and_arrows_in_texts_stay_where_they_belong() {
        let file = "1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000 X1:0 Y1:0\none\n\ntwo\n\n\n\
                    3\n00:00:05,000 --> 00:00:06,000\na --> b\n7\n";
        let found = parse(file).expect("it is usable");
        let texts: Vec<&str> = found.cues.iter().map(|cue| cue.text.as_str()).collect();
        assert_eq!(texts, ["42", "one\ntwo", "a --&gt; b\n7"]);
        assert_eq!(found.broken, 0);
    }
}
