//! WebVTT from cues, and the text of cues from what subtitle decoders give.

use std::fmt::Write as _;

/// A stretch of time with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    pub from_ms: u64,
    pub to_ms: u64,
    /// Plain: neither markup nor empty lines.
    pub text: String,
}

/// Characters of one cue: a screen full, and no more.
const MAX_CHARS: usize = 1000;

/// A whole file. Cues are put in order of time; those that show nothing are left out.
pub fn write(cues: Vec<Cue>) -> String {
    write_marked(cues.into_iter().map(|cue| Cue { text: escaped(&cue.text), ..cue }).collect())
}

/// The same of cues whose texts are in WebVTT's own markup already.
pub fn write_marked(mut cues: Vec<Cue>) -> String {
    cues.retain(|cue| cue.to_ms > cue.from_ms && !cue.text.is_empty());
    cues.sort_by_key(|cue| (cue.from_ms, cue.to_ms));
    let mut out = "WEBVTT\n".to_owned();
    for cue in cues {
        let _ = write!(out, "\n{} --> {}\n{}\n", time(cue.from_ms), time(cue.to_ms), cue.text);
    }
    out
}

/// `00:01:02.345`; hours grow beyond two digits.
pub fn time(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// What can't be read as markup, or as a cue's times.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The plain text of one event as ffmpeg's decoders give it, whatever the file held: the ninth field of an ASS event,
/// with overrides in braces, drawings, and `\N` for a new line.
pub fn plain(event: &str) -> String {
    const FIELDS_BEFORE: usize = 8;
    let text = event.splitn(FIELDS_BEFORE + 1, ',').nth(FIELDS_BEFORE).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut drawing = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((inside, behind)) = rest.strip_prefix('{').and_then(|open| open.split_once('}')) {
            drawing = draws(inside).unwrap_or(drawing);
            rest = behind;
            continue;
        }
        let (what, behind) = match rest.get(..2) {
            Some("\\N" | "\\n") => ('\n', &rest[2..]),
            Some("\\h") => (' ', &rest[2..]),
            _ => (c, &rest[c.len_utf8()..]),
        };
        if !drawing {
            out.push(what);
        }
        rest = behind;
    }
    tidy(&out)
}

/// Whether overrides begin or end a drawing: `\p1`, `\p0`.
fn draws(overrides: &str) -> Option<bool> {
    let mut modes = overrides.split('\\').filter_map(|one| one.trim().strip_prefix('p')?.parse::<u32>().ok());
    modes.next_back().map(|mode| mode > 0)
}

/// Without tags that some files carry through, control characters and empty lines; of a bounded length.
pub fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.lines().map(|line| {
        let shown: String = without_tags(line).chars().filter(|c| !c.is_control()).collect();
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n").chars().take(MAX_CHARS).collect()
}

/// Leaves `<i>`, `</font …>` and the like out, but not a lonely `<`.
fn without_tags(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let is_tag = behind.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic());
        match behind.split_once('>').filter(|_| is_tag) {
            Some((_, after)) => rest = after,
            None => {
                out.push('<');
                rest = behind;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{Cue, plain, time, write};

    #[test]
    fn events_lose_their_markup() {
        let cases = [
            ("0,0,Default,,0,0,0,,Hello", "Hello"),
            ("0,0,Default,,0,0,0,,{\\i1}Hello{\\i0},\\Nworld", "Hello,\nworld"),
            ("0,0,Default,,0,0,0,,{\\an8\\pos(10,20)}Up, high", "Up, high"),
            ("0,0,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}seen", "seen"),
            ("0,0,Default,,0,0,0,,<i>so</i> 1 < 2 </font>", "so 1 < 2"),
            ("0,0,Default,,0,0,0,,a\\hb\\n\\N\\Nc", "a b\nc"),
            ("0,0,Default,,0,0,0,,{open", "{open"),
            ("0,0,Default,,0,0,0,,\u{1}\u{200f}x", "\u{200f}x"),
            ("too,few,fields", ""),
        ];
        for (event, wanted) in cases {
            assert_eq!(plain(event), wanted, "{event}");
        }
    }

    #[test]
    fn files_are_ordered_and_escaped() {
        let cue = |from_ms, to_ms, text: &str| Cue { from_ms, to_ms, text: text.to_owned() };
        let text = write(vec![
            cue(3_600_000, 3_601_500, "later"),
            cue(1_000, 2_000, "a --> b & <c>"),
            cue(5, 5, "never shown"),
            cue(6, 7, ""),
        ]);
        assert_eq!(
            text,
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\na --&gt; b &amp; &lt;c&gt;\n\n\
             01:00:00.000 --> 01:00:01.500\nlater\n"
        );
        assert_eq!(time(360_000_001), "100:00:00.001");
    }
}
