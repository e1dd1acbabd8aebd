//! Chapters from the times that a description lists, one in a line, by the rules of the web app's upload page: the first
//! begins at 0:00, there are at least three, each later than the one before, each at least ten seconds long. Pure.

use pinreel_records::Chapter;
use pinreel_runner::text::is_invisible;

const LEAST: usize = 3;
/// What a record takes.
const MOST: usize = 200;
const TITLE_CHARS: usize = 100;
const SHORTEST_MS: u64 = 10_000;

/// None without such a list.
///
/// # Errors
/// Why a list of times makes none.
pub fn chapters_of(description: &str, duration_ms: Option<u64>) -> Result<Vec<Chapter>, String> {
    let listed: Vec<Chapter> = description.lines().filter_map(chapter_in).collect();
    if listed.len() < 2 {
        return Ok(Vec::new());
    }
    match fault_of(&listed, duration_ms) {
        Some(fault) => Err(fault),
        None => Ok(listed),
    }
}

fn fault_of(listed: &[Chapter], duration_ms: Option<u64>) -> Option<String> {
    let ends = listed.iter().skip(1).map(|next| next.at_ms).chain([duration_ms.unwrap_or(u64::MAX)]);
    let lengths = || listed.iter().zip(ends.clone()).map(|(chapter, end)| end.checked_sub(chapter.at_ms));
    Some(match listed {
        [first, ..] if first.at_ms != 0 => "the first must begin at 0:00".to_owned(),
        _ if listed.len() < LEAST => format!("there must be at least {LEAST}"),
        _ if listed.len() > MOST => format!("there may be {MOST} at most"),
        _ if listed.iter().any(|chapter| duration_ms.is_some_and(|end| chapter.at_ms >= end)) => {
            "one begins after the end".to_owned()
        }
        _ if lengths().any(|length| length.is_none_or(|length| length == 0)) => {
            "each must begin later than the one before".to_owned()
        }
        _ if lengths().flatten().any(|length| length < SHORTEST_MS) => {
            "each must be at least 10 seconds long".to_owned()
        }
        _ => return None,
    })
}

/// A bullet or a number, a time that may stand in brackets, and the title.
fn chapter_in(line: &str) -> Option<Chapter> {
    let line = without_bullet(line.trim_start());
    let (at_ms, rest) = time(line.strip_prefix(['[', '(']).unwrap_or(line))?;
    let rest = rest.strip_prefix([']', ')']).unwrap_or(rest);
    let goes_on = rest.strip_prefix(':').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit());
    let title = if goes_on { String::new() } else { title_of(rest) };
    (!title.is_empty()).then_some(Chapter { at_ms, title })
}

fn without_bullet(line: &str) -> &str {
    let (number, behind) = digits(line);
    let rest = match number.len() {
        0 => line.strip_prefix(['-', '*', '+', '•', '–', '—']),
        1..=3 => behind.strip_prefix(['.', ')']),
        _ => None,
    };
    rest.filter(|rest| rest.starts_with(char::is_whitespace)).map_or(line, str::trim_start)
}

/// `m:ss` or `h:mm:ss`, in milliseconds, and what stands behind it.
fn time(text: &str) -> Option<(u64, &str)> {
    let (first, rest) = digits(text);
    let (second, rest) = digits(rest.strip_prefix(':')?);
    let (hours, minutes, seconds, rest) = match rest.strip_prefix(':').map(digits) {
        Some((third, rest)) if !third.is_empty() => (first, second, third, rest),
        _ => ("0", first, second, rest),
    };
    let is_time = seconds.len() == 2 && [hours, minutes].iter().all(|part| (1..=3).contains(&part.len()));
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| is_time);
    let (hours, minutes, seconds) = (number(hours)?, number(minutes)?, number(seconds)?);
    let is_clock = seconds < 60 && (hours == 0 || minutes < 60);
    is_clock.then_some((((hours * 60 + minutes) * 60 + seconds) * 1000, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn title_of(rest: &str) -> String {
    let mut plain = String::new();
    for c in rest.chars().filter(|c| !is_invisible(*c)) {
        match c {
            _ if !c.is_control() => plain.push(c),
            _ if !plain.ends_with(' ') => plain.push(' '),
            _ => {}
        }
    }
    let title = plain.trim_start_matches(|c: char| c.is_whitespace() || "-–—:|.".contains(c)).trim_end();
    title.chars().take(TITLE_CHARS).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(description: &str, duration_ms: Option<u64>) -> String {
        match chapters_of(description, duration_ms) {
            Ok(chapters) => {
                let told = chapters.iter().map(|chapter| format!("{} {}", chapter.at_ms / 1000, chapter.title));
                told.collect::<Vec<_>>().join(" | ")
            }
            Err(why) => why,
        }
    }

    /// The same cases as those of the upload page.
    #[test]
    fn table() {
        let late = "each must begin later than the one before";
        let short = "each must be at least 10 seconds long";
        for (description, duration_ms, expected) in [
            ("0:00 Intro\n1:23 The first part\n1:02:03 The end", None, "0 Intro | 83 The first part | 3723 The end"),
            ("About it.\n\n0:00 A\n0:10 B\n0:20 C\n\nSee 1:30 below.", None, "0 A | 10 B | 20 C"),
            ("- [0:00] A\n* (00:30) – B\n3. 01:00: C", None, "0 A | 30 B | 60 C"),
            ("0:00 A\n70:00 B\n90:00 C", None, "0 A | 4200 B | 5400 C"),
            ("0:00 A\r\n0:10 B\r\n0:20 C\r\n", None, "0 A | 10 B | 20 C"),
            ("Nothing here.", None, ""),
            ("0:00 is when it begins", None, ""),
            ("0:00 A\n0:05\n0:10 B\n0:20 C", None, "0 A | 10 B | 20 C"),
            ("0:00 A\n0:99 B\n1:2 C", None, ""),
            ("0:00:00:1 A\n12:345 B\n1000:00 C\n1:60:00 D", None, ""),
            ("0:01 A\n0:20 B\n0:40 C", None, "the first must begin at 0:00"),
            ("0:00 A\n0:20 B", None, "there must be at least 3"),
            ("0:00 A\n0:40 B\n0:20 C", None, late),
            ("0:00 A\n0:20 B\n0:20 C", None, late),
            ("0:00 A\n0:09 B\n0:40 C", None, short),
            ("0:00 A\n0:20 B\n0:40 C", Some(45_000), short),
            ("0:00 A\n0:20 B\n0:40 C", Some(40_000), "one begins after the end"),
            ("0:00 A\n0:20 B\n0:40 C", Some(50_000), "0 A | 20 B | 40 C"),
        ] {
            assert_eq!(found(description, duration_ms), expected, "{description}");
        }
    }

    #[test]
    fn titles_and_lists_fit_into_a_record() {
        let long = format!("0:00 {}\n0:10 a\u{7}b\u{202e}\n0:20 \u{2067}C\u{feff}", "ä".repeat(300));
        assert_eq!(found(&long, None), format!("0 {} | 10 a b | 20 C", "ä".repeat(100)));
        let many: String = (0..201).map(|minute| format!("{minute}:00 Part\n")).collect();
        assert_eq!(found(&many, None), "there may be 200 at most");
    }
}
