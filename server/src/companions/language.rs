//! Languages: what a file's name says of its own, and what players call one.

/// Two letters, three as containers and file names have them (both kinds), and the name.
const LANGUAGES: [(&str, &str, &str); 62] = [
    ("af", "afr", "Afrikaans"),
    ("am", "amh", "Amharic"),
    ("ar", "ara", "Arabic"),
    ("az", "aze", "Azerbaijani"),
    ("be", "bel", "Belarusian"),
    ("bg", "bul", "Bulgarian"),
    ("bn", "ben", "Bengali"),
    ("bs", "bos", "Bosnian"),
    ("ca", "cat", "Catalan"),
    ("cs", "ces cze", "Czech"),
    ("cy", "cym wel", "Welsh"),
    ("da", "dan", "Danish"),
    ("de", "deu ger", "German"),
    ("el", "ell gre", "Greek"),
    ("en", "eng", "English"),
    ("eo", "epo", "Esperanto"),
    ("es", "spa", "Spanish"),
    ("et", "est", "Estonian"),
    ("eu", "eus baq", "Basque"),
    ("fa", "fas per", "Persian"),
    ("fi", "fin", "Finnish"),
    ("fr", "fra fre", "French"),
    ("ga", "gle", "Irish"),
    ("gl", "glg", "Galician"),
    ("gu", "guj", "Gujarati"),
    ("he", "heb", "Hebrew"),
    ("hi", "hin", "Hindi"),
    ("hr", "hrv", "Croatian"),
    ("hu", "hun", "Hungarian"),
    ("hy", "hye arm", "Armenian"),
    ("id", "ind", "Indonesian"),
    ("is", "isl ice", "Icelandic"),
    ("it", "ita", "Italian"),
    ("ja", "jpn", "Japanese"),
    ("ka", "kat geo", "Georgian"),
    ("ko", "kor", "Korean"),
    ("lt", "lit", "Lithuanian"),
    ("lv", "lav", "Latvian"),
    ("mk", "mkd mac", "Macedonian"),
    ("ms", "msa may", "Malay"),
    ("nl", "nld dut", "Dutch"),
    ("no", "nor nob", "Norwegian"),
    ("pl", "pol", "Polish"),
    ("pt", "por", "Portuguese"),
    ("ro", "ron rum", "Romanian"),
    ("ru", "rus", "Russian"),
    ("sk", "slk slo", "Slovak"),
    ("sl", "slv", "Slovenian"),
    ("sq", "sqi alb", "Albanian"),
    ("sr", "srp", "Serbian"),
    ("sv", "swe", "Swedish"),
    ("sw", "swa", "Swahili"),
    ("ta", "tam", "Tamil"),
    ("te", "tel", "Telugu"),
    ("th", "tha", "Thai"),
    ("tl", "tgl", "Tagalog"),
    ("tr", "tur", "Turkish"),
    ("uk", "ukr", "Ukrainian"),
    ("ur", "urd", "Urdu"),
    ("vi", "vie", "Vietnamese"),
    ("yi", "yid", "Yiddish"),
    ("zh", "zho chi", "Chinese"),
];
/// What else stands between a language and an ending.
const WORDS: [&str; 6] = ["forced", "sdh", "cc", "hi", "default", "full"];

/// Whether this is a BCP 47 tag as records take it.
pub fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

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

fn tag_of(said: &str) -> Option<String> {
    let (first, rest) = said.split_once('-').map_or((said, None), |(first, rest)| (first, Some(rest)));
    let first = first.to_ascii_lowercase();
    let known = LANGUAGES.iter().find(|(two, three, _)| *two == first || three.split(' ').any(|code| code == first))?;
    let tag = rest.map_or_else(|| known.0.to_owned(), |rest| format!("{}-{rest}", known.0));
    is_tag(&tag).then_some(tag)
}

/// What players call captions: the language, else the tag, else that they are subtitles.
pub fn label(tag: Option<&str>) -> String {
    let Some(tag) = tag else { return "Subtitles".to_owned() };
    let (first, rest) = tag.split_once('-').map_or((tag, None), |(first, rest)| (first, Some(rest)));
    let known = LANGUAGES.iter().find(|(two, ..)| two.eq_ignore_ascii_case(first)).map(|(.., name)| *name);
    match (known, rest) {
        (Some(name), None) => name.to_owned(),
        (Some(name), Some(rest)) => format!("{name} ({rest})"),
        (None, _) => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_tag, label, of_file_name};

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
        for (tag, shown) in
            [(Some("de"), "German"), (Some("pt-BR"), "Portuguese (BR)"), (Some("gsw"), "gsw"), (None, "Subtitles")]
        {
            assert_eq!(label(tag), shown);
        }
        for (tag, fits) in
            [("de", true), ("zh-Hant-TW", true), ("d", false), ("de-", false), ("d e", false), ("", false)]
        {
            assert_eq!(is_tag(tag), fits, "{tag}");
        }
    }
}
