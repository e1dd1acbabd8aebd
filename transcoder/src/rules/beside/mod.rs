//! Captions that lie beside a film: SubRip, ASS, SSA or WebVTT in, clean WebVTT out.
//!
//! What always holds of what comes out: UTF-8, in order of time, each cue with a length and something to read, and in it
//! no markup but balanced `b`, `i`, `u`, `ruby`, `rt` and `v`. Styles, positions, scripts, drawings and classes are gone.
//! A text whose times can't be read is left out and counted; a file of which most can't be read is refused with its line.

mod ass;
pub mod encoding;
mod marked;
mod srt;
mod times;
mod webvtt;

use super::vtt::{self, Cue};

pub use marked::unescaped;

/// A long film has a few thousand.
const MAX_CUES: usize = 20_000;
const MAX_TEXT_BYTES: usize = 4 << 20;
/// Later than this no film goes on.
const MAX_MS: u64 = 100 * 3_600_000;

/// A cleaned file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    pub webvtt: String,
    /// Sentences for the creator, without the file's name.
    pub notes: Vec<String>,
}

/// Why a file can't be used, for the creator: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: Option<usize>,
    pub what: String,
}

/// What was found in a file. A parser stops once there is more than anybody reads.
#[derive(Default)]
struct Found {
    /// Texts in WebVTT's markup.
    cues: Vec<Cue>,
    bytes: usize,
    /// Texts that were left out, and the line and fault of the first.
    broken: usize,
    first_broken: Option<(usize, &'static str)>,
}

impl Found {
    fn broken(&mut self, line: usize, what: &'static str) {
        self.broken += 1;
        self.first_broken.get_or_insert((line, what));
    }

    /// A cue whose times are in line `line`; one that shows nothing is no fault.
    fn cue(&mut self, line: usize, (from_ms, to_ms): (u64, u64), text: String) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        if from_ms > MAX_MS || to_ms > MAX_MS {
            self.broken(line, "this time is later than any film's");
        } else if to_ms <= from_ms {
            self.broken(line, "this text ends before it begins");
        } else {
            self.bytes += text.len();
            self.cues.push(Cue { from_ms, to_ms, text });
        }
        if self.cues.len() > MAX_CUES || self.bytes > MAX_TEXT_BYTES {
            let what = format!("there are more texts than the {MAX_CUES} (or {} MiB) allowed", MAX_TEXT_BYTES >> 20);
            return Err(Fault { line: Some(line), what });
        }
        Ok(())
    }
}

/// Reads a file whatever it calls itself.
pub fn clean(bytes: &[u8]) -> Result<Cleaned, Fault> {
    let (text, note) = encoding::decode(bytes)?;
    let found = if webvtt::is_one(&text) {
        webvtt::parse(&text)
    } else if ass::is_one(&text) {
        ass::parse(&text)
    } else if text.contains("-->") {
        srt::parse(&text)
    } else {
        return Err(Fault { line: Some(1), what: "this is neither SubRip (.srt), ASS nor WebVTT".to_owned() });
    }?;
    let mut notes: Vec<String> = note.into_iter().collect();
    if let Some((line, what)) = found.first_broken {
        if found.broken > found.cues.len() {
            return Err(Fault { line: Some(line), what: what.to_owned() });
        }
        let texts = if found.broken == 1 { "One text was".to_owned() } else { format!("{} texts were", found.broken) };
        notes.push(format!("{texts} left out, the first in line {line}: {what}."));
    }
    if found.cues.is_empty() {
        return Err(Fault { line: None, what: "there is no text in it that is ever shown".to_owned() });
    }
    Ok(Cleaned { webvtt: vtt::write_marked(found.cues), notes })
}

#[cfg(test)]
mod tests {
    use super::{MAX_CUES, clean};

    fn cues(file: &str) -> Vec<String> {
        let cleaned = clean(file.as_bytes()).expect("it is usable");
        cleaned.webvtt.split("\n\n").skip(1).map(|cue| cue.trim_end().to_owned()).collect()
    }

    #[test]
    fn each_kind_is_known_by_what_is_in_it() {
        let srt = "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nworld\n";
        let vtt = "WEBVTT - title\nKind: captions\n\nNOTE x --> y\n\nSTYLE\n::cue { color: url(javascript:1) }\n\nid\n\
                   00:01.000 --> 00:02.500 line:0 position:20%\nHello\n\n00:03.000 --> 00:00:04.000\nworld\n";
        let ass = "[Script Info]\n; a comment\n[Events]\nFormat: Layer, Start, End, Style, Text\n\
                   Dialogue: 0,0:00:01.00,0:00:02.50,Default,Hello\nComment: 0,0:00:01.00,0:00:02.50,Default,no\n\
                   Dialogue: 0,0:00:03.00,0:00:04.00,Default,world\n";
        let wanted = ["00:00:01.000 --> 00:00:02.500\nHello", "00:00:03.000 --> 00:00:04.000\nworld"];
        for file in [srt, vtt, ass] {
            assert_eq!(cues(file), wanted, "{file}");
            assert_eq!(cues(&file.replace('\n', "\r\n")), wanted, "{file}");
            assert_eq!(cues(&format!("\u{feff}{file}")), wanted, "{file}");
        }
    }

    #[test]
    fn some_broken_texts_are_left_out_and_counted() {
        let file = "1\n00:00:05,000 --> 00:00:02,500\nbackwards\n\n2\n00:00:xx --> 00:00:04,000\nno time\n\n\
                    3\n00:00:06,000 --> 00:00:08,000\nlate\n\n4\n00:00:01,000 --> 00:00:07,000\nearly\n";
        let cleaned = clean(file.as_bytes()).expect("it is usable");
        assert_eq!(
            cues(file),
            ["00:00:01.000 --> 00:00:07.000\nearly", "00:00:06.000 --> 00:00:08.000\nlate"],
            "in order of time, also where they overlap"
        );
        assert_eq!(cleaned.notes, ["2 texts were left out, the first in line 2: this text ends before it begins."]);
    }

    #[test]
    fn bad_files_are_refused_with_their_line() {
        let many = (0..=MAX_CUES).map(|n| format!("00:00:01,000 --> 00:00:02,000\n{n}\n\n")).collect::<String>();
        let cases: [(&[u8], Option<usize>, &str); 8] = [
            (b"", None, "empty"),
            (b"Once upon a time", Some(1), "neither"),
            (b"\x89PNG\r\n\0\0 -->", Some(2), "no text"),
            (b"1\n00:00:0x --> 00:00:02,000\nHello\n", Some(2), "time"),
            (b"1\n00:00:02,000 --> 00:00:02,000\nHello\n", Some(2), "ends before"),
            (b"1\n999:00:02,000 --> 999:00:03,000\nHello\n", Some(2), "later"),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\n<c></c>\n", None, "ever shown"),
            (many.as_bytes(), Some(3 * MAX_CUES + 1), "more texts"),
        ];
        for (file, line, word) in cases {
            let fault = clean(file).expect_err(word);
            assert_eq!(fault.line, line, "{}", fault.what);
            assert!(fault.what.contains(word), "{}", fault.what);
        }
    }

    #[test]
    fn nothing_gets_through_that_a_browser_would_run_or_misread() {
        let file = "1\n00:00:01,000 --> 00:00:02,000\n<script>alert(1)</script><b onclick=x>bold</b> <img src=x>\n\
                    a --> b & c\n\n2\n00:00:03,000 --> 00:00:04,000\n</i><i>open <u>both\n";
        assert_eq!(
            cues(file),
            [
                "00:00:01.000 --> 00:00:02.000\nalert(1)<b>bold</b>\na --&gt; b &amp; c",
                "00:00:03.000 --> 00:00:04.000\n<i>open <u>both</u></i>"
            ]
        );
    }

    /// Whatever comes in: no panic, and what comes out reads as itself.
    #[test]
    fn cleaning_twice_changes_nothing() {
        let seeds = [
            "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> {\\an8}& <v Ann>you\n\n2\n00:00:03,000 --> 00:00:04,000\nw\n",
            "WEBVTT\n\n00:01.000 --> 00:02.500\n<ruby>a<rt>b</rt></ruby> <v.x A & B>c &amp; &lt;d&gt; &nbsp;\n",
            "[Events]\nDialogue: 0,0:00:01.00,0:00:02.50,D,,0,0,0,,{\\i1}Hel{\\b1}lo{\\r} {\\p1}m 0 0{\\p0}\\Nworld\n",
        ];
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize
        };
        for seed in seeds {
            for _ in 0..3000 {
                let mut bytes = seed.as_bytes().to_vec();
                for _ in 0..1 + next() % 4 {
                    let at = next() % bytes.len();
                    match next() % 3 {
                        0 => bytes[at] = b"<>{}&\\-: \n\x00v/"[next() % 13],
                        1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, (next() % 256) as u8),
                    }
                }
                let Ok(once) = clean(&bytes) else { continue };
                let twice = clean(once.webvtt.as_bytes()).expect("its own output is usable");
                assert_eq!(twice.webvtt, once.webvtt, "{:?}", String::from_utf8_lossy(&bytes));
                assert_eq!(twice.notes, Vec::<String>::new());
            }
        }
    }
}
