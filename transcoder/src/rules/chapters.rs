//! Chapters, as a list for programs and as WebVTT for players.

use pinreel_runner::text::is_invisible;
use serde::Serialize;

use super::vtt::{self, Cue};

/// A named part of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chapter {
    pub start_ms: u64,
    pub end_ms: u64,
    pub title: String,
}

/// More than these are no chapters.
const MOST: usize = 1000;
const TITLE_CHARS: usize = 200;

/// In order, each ending where the next begins, within the work's length, none without a name or a length.
pub fn ordered(mut chapters: Vec<Chapter>, duration_ms: u64) -> Vec<Chapter> {
    chapters.retain(|chapter| chapter.start_ms < duration_ms);
    chapters.sort_by_key(|chapter| chapter.start_ms);
    chapters.dedup_by_key(|chapter| chapter.start_ms);
    chapters.truncate(MOST);
    let starts: Vec<u64> = chapters.iter().map(|chapter| chapter.start_ms).collect();
    for (number, chapter) in chapters.iter_mut().enumerate() {
        let next = starts.get(number + 1).copied().unwrap_or(duration_ms);
        let said = Some(chapter.end_ms).filter(|end| (chapter.start_ms + 1..=next).contains(end));
        chapter.end_ms = said.unwrap_or(next);
        let title = shown(&chapter.title);
        chapter.title = if title.is_empty() { format!("Chapter {}", number + 1) } else { title };
    }
    chapters
}

/// A title as one bounded line, without what would make it look like another one.
fn shown(title: &str) -> String {
    let visible: String = title.chars().filter(|c| !is_invisible(*c)).collect();
    let line: String = vtt::tidy(&visible).replace('\n', " ").chars().take(TITLE_CHARS).collect();
    line.trim_end().to_owned()
}

pub fn json(chapters: &[Chapter]) -> Vec<u8> {
    serde_json::to_vec(chapters).unwrap_or_default()
}

pub fn webvtt(chapters: &[Chapter]) -> String {
    let cue = |chapter: &Chapter| Cue { from_ms: chapter.start_ms, to_ms: chapter.end_ms, text: chapter.title.clone() };
    vtt::write(chapters.iter().map(cue).collect())
}

#[cfg(test)]
mod tests {
    use super::{Chapter, MOST, TITLE_CHARS, json, ordered, webvtt};

    fn chapter(start_ms: u64, end_ms: u64, title: &str) -> Chapter {
        Chapter { start_ms, end_ms, title: title.to_owned() }
    }

    #[test]
    fn chapters_are_put_in_order_and_bounds() {
        let got = ordered(
            vec![
                chapter(5_000, 9_000, "Two\n<b>bold</b>"),
                chapter(0, 0, "One"),
                chapter(9_500, 99_000, ""),
                chapter(20_000, 21_000, "behind the end"),
            ],
            10_000,
        );
        assert_eq!(
            got,
            [chapter(0, 5_000, "One"), chapter(5_000, 9_000, "Two bold"), chapter(9_500, 10_000, "Chapter 3")]
        );
        assert_eq!(
            String::from_utf8(json(&got[..1])).expect("text"),
            r#"[{"start_ms":0,"end_ms":5000,"title":"One"}]"#
        );
        assert!(webvtt(&got).starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nOne\n"));
    }

    #[test]
    fn titles_read_as_they_are_and_are_bounded() {
        for (title, wanted) in [
            ("cat\u{202e}4pm.exe", "cat4pm.exe"),
            ("\u{2066}\u{200f}a \u{feff}b\u{e0041}", "a b"),
            ("<\u{202e}b>bold", "bold"),
            ("\u{202e}\u{200b} \n", "Chapter 1"),
            ("\u{5e9}\u{5dc} \"a\" \u{1f469}\u{200d}\u{1f680}", "\u{5e9}\u{5dc} \"a\" \u{1f469}\u{200d}\u{1f680}"),
        ] {
            let got = ordered(vec![chapter(0, 0, title)], 10_000);
            assert_eq!(got, [chapter(0, 10_000, wanted)]);
            assert!(webvtt(&got).ends_with(&format!("\n{wanted}\n")), "{wanted}");
        }
        let long = format!("{} {}", "a".repeat(TITLE_CHARS - 1), "b".repeat(900));
        assert_eq!(ordered(vec![chapter(0, 0, &long)], 10_000)[0].title, "a".repeat(TITLE_CHARS - 1));
        let many = (0..10_000).map(|number| chapter(number, 0, "Part")).collect();
        assert_eq!(ordered(many, 10_000).len(), MOST);
    }
}
