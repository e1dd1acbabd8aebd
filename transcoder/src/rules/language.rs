//! Names of sound tracks: a language tag for players, a label for people.

/// ISO 639-2 codes (both kinds) that containers use, their BCP 47 form and their English name.
const LANGUAGES: [(&str, &str, &str); 41] = [
    ("ara", "ar", "Arabic"),
    ("ben", "bn", "Bengali"),
    ("bul", "bg", "Bulgarian"),
    ("cat", "ca", "Catalan"),
    ("ces", "cs", "Czech"),
    ("cze", "cs", "Czech"),
    ("chi", "zh", "Chinese"),
    ("zho", "zh", "Chinese"),
    ("dan", "da", "Danish"),
    ("deu", "de", "German"),
    ("ger", "de", "German"),
    ("dut", "nl", "Dutch"),
    ("nld", "nl", "Dutch"),
    ("ell", "el", "Greek"),
    ("gre", "el", "Greek"),
    ("eng", "en", "English"),
    ("fas", "fa", "Persian"),
    ("per", "fa", "Persian"),
    ("fin", "fi", "Finnish"),
    ("fra", "fr", "French"),
    ("fre", "fr", "French"),
    ("heb", "he", "Hebrew"),
    ("hin", "hi", "Hindi"),
    ("hun", "hu", "Hungarian"),
    ("ind", "id", "Indonesian"),
    ("ita", "it", "Italian"),
    ("jpn", "ja", "Japanese"),
    ("kor", "ko", "Korean"),
    ("nor", "no", "Norwegian"),
    ("pol", "pl", "Polish"),
    ("por", "pt", "Portuguese"),
    ("ron", "ro", "Romanian"),
    ("rum", "ro", "Romanian"),
    ("rus", "ru", "Russian"),
    ("spa", "es", "Spanish"),
    ("swe", "sv", "Swedish"),
    ("tha", "th", "Thai"),
    ("tur", "tr", "Turkish"),
    ("ukr", "uk", "Ukrainian"),
    ("urd", "ur", "Urdu"),
    ("vie", "vi", "Vietnamese"),
];

/// The BCP 47 tag for what a container says of a track's language; `None` for nothing, `und` and nonsense.
pub fn tag(language: Option<&str>) -> Option<String> {
    let given = language?.trim().to_ascii_lowercase();
    if let Some((_, tag, _)) = LANGUAGES.iter().find(|(code, tag, _)| *code == given || *tag == given) {
        return Some((*tag).to_owned());
    }
    let plain = (2..=3).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_lowercase());
    (plain && !["und", "mul", "zxx", "mis"].contains(&given.as_str())).then_some(given)
}

/// Labels for the tracks, in order and unique: the track's title, its language's name, or `word` with its number.
pub fn labels(tracks: &[(Option<String>, Option<String>)], word: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for (at, (tag, title)) in tracks.iter().enumerate() {
        let named = title.as_deref().map(clean).filter(|title| !title.is_empty());
        let language =
            tag.as_deref().and_then(|tag| LANGUAGES.iter().find(|(_, t, _)| *t == tag)).map(|l| l.2.to_owned());
        let numbered = if tracks.len() == 1 { word.to_owned() } else { format!("{word} {}", at + 1) };
        let base = named.or(language).unwrap_or(numbered);
        let again = labels.iter().filter(|label| **label == base || label.starts_with(&format!("{base} ("))).count();
        labels.push(if again == 0 { base } else { format!("{base} ({})", again + 1) });
    }
    labels
}

/// A title that fits in a playlist's quoted string: no quotes, no control characters, at most 60 characters.
fn clean(title: &str) -> String {
    let plain = title.chars().filter(|c| !c.is_control() && *c != '"').take(60);
    plain.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{labels, tag};

    #[test]
    fn languages_get_their_short_tags() {
        let cases =
            [("ger", Some("de")), ("DEU", Some("de")), ("en", Some("en")), ("und", None), ("", None), ("e n", None)];
        for (given, wanted) in cases {
            assert_eq!(tag(Some(given)).as_deref(), wanted, "{given}");
        }
        assert_eq!(tag(Some("gsw")).as_deref(), Some("gsw"));
        assert_eq!(tag(None), None);
    }

    #[test]
    fn labels_are_unique() {
        let track = |tag: Option<&str>, title: Option<&str>| (tag.map(str::to_owned), title.map(str::to_owned));
        let tracks =
            [track(Some("en"), None), track(Some("en"), None), track(None, Some("Di\"rector\n")), track(None, None)];
        assert_eq!(labels(&tracks, "Sound"), ["English", "English (2)", "Director", "Sound 4"]);
        assert_eq!(labels(&[track(None, None)], "Sound"), ["Sound"]);
    }
}
