//! Chapters, as a list for programs and as WebVTT for players.

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
        let title: String = vtt::tidy(&chapter.title).replace('\n', " ").chars().take(TITLE_CHARS).collect();
        chapter.title = if title.is_empty() { format!("Chapter {}", number + 1) } else { title };
    }
    chapters
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
    use super::{Chapter, json, ordered, webvtt};

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
}
