//! Languages: what a file's name says of its own, and what players call one.

use pinreel_runner::language::{name, tag};

/// What else stands between a language and an ending.
const WORDS: [&str; 6] = ["forced", "sdh", "cc", "hi", "default", "full"];

/// What a file's name says: `film.de.srt`, `film.pt-BR.forced.ass`, `film_eng.vtt`, `de.srt`. Only languages that are
/// known, so that `the.end.srt` is in none.
pub fn of_file_name(name: &str) -> Option<String> {
    let (stem, _) = name.rsplit_once('.')?;
    let mut parts = stem.rsplit(['.', '_', ' ']).filter(|part| !part.is_empty());
    let last = parts.next()?;
    let is_word = WORDS.contains(&last.to_ascii_lowercase().as_str());
    // `hi` is for the hard of hearing behind a language, and else a language itself.
    let before = parts.next().filter(|_| is_word).and_then(tag_of);
    before.or_else(|| tag_of(last))
}

/// Of a language with a code of two letters: nearly every word of three is the code of some other.
fn tag_of(said: &str) -> Option<String> {
    tag(said).filter(|tag| tag.split('-').next().is_some_and(|language| language.len() == 2))
}

/// What players call captions: the language, else the tag, else that they are subtitles.
pub fn label(tag: Option<&str>) -> String {
    let Some(tag) = tag else { return "Subtitles".to_owned() };
    name(tag).unwrap_or_else(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{label, of_file_name};

    #[test]
    fn names_tell_their_language_only_if_they_do() {
        for (name, tag) in [
            ("film.de.srt", Some("de")),
            ("film.DE.SRT", Some("de")),
            ("film.ger.srt", Some("de")),
            ("Film - Director's cut.en.vtt", Some("en")),
            ("film.pt-BR.forced.ass", Some("pt-BR")),
            ("film_eng.vtt", Some("en")),
            ("film.en.hi.srt", Some("en")),
            ("film.hi.srt", Some("hi")),
            ("de.srt", Some("de")),
            ("the.end.srt", None),
            ("film.srt", None),
            ("film", None),
            (".srt", None),
            ("film.de-.srt", None),
        ] {
            assert_eq!(of_file_name(name).as_deref(), tag, "{name}");
        }
    }

    #[test]
    fn labels_are_for_people() {
        for (tag, shown) in [
            (Some("de"), "German"),
            (Some("pt-BR"), "Portuguese (BR)"),
            (Some("gsw"), "Swiss German"),
            (Some("xqx"), "xqx"),
            (None, "Subtitles"),
        ] {
            assert_eq!(label(tag), shown);
        }
    }
}
