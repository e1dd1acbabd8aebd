//! Names of sound tracks: a language tag for players, a label for people.

use isolang::Language;

/// ISO 639-2's bibliographic codes, which Matroska uses, and the terminological ones that are those of ISO 639-3.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// The BCP 47 tag, as short as there is one, for what a container says of a track's language; `None` for nothing, `und`
/// and nonsense.
pub fn tag(language: Option<&str>) -> Option<String> {
    let given = language?.trim().to_ascii_lowercase();
    // Of a longer tag, such as pt-BR, what comes first.
    let code = given.split(['-', '_']).next()?;
    let code = BIBLIOGRAPHIC.iter().find(|(other, _)| *other == code).map_or(code, |(_, code)| *code);
    let language = known(code).filter(|language| !["und", "mul", "zxx", "mis"].contains(&language.to_639_3()))?;
    Some(language.to_639_1().unwrap_or(language.to_639_3()).to_owned())
}

fn known(code: &str) -> Option<Language> {
    Language::from_639_1(code).or_else(|| Language::from_639_3(code))
}

/// What English calls a tag's language, without the remarks that the standard has on it.
fn name(tag: &str) -> Option<String> {
    let name = known(tag)?.to_name();
    Some(name.split(" (").next().unwrap_or(name).to_owned())
}

/// Labels for the tracks, in order and unique: the track's title, its language's name, or `word` with its number.
pub fn labels(tracks: &[(Option<String>, Option<String>)], word: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for (at, (tag, title)) in tracks.iter().enumerate() {
        let named = title.as_deref().map(clean).filter(|title| !title.is_empty());
        let language = tag.as_deref().and_then(name);
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
    use super::{labels, name, tag};

    #[test]
    fn languages_get_their_short_tags() {
        let cases =
            [("ger", Some("de")), ("DEU", Some("de")), ("en", Some("en")), ("und", None), ("", None), ("e n", None)];
        for (given, wanted) in cases {
            assert_eq!(tag(Some(given)).as_deref(), wanted, "{given}");
        }
        let more = [
            ("ice", "is"),
            ("slo", "sk"),
            ("wel", "cy"),
            ("hrv", "hr"),
            ("gsw", "gsw"),
            ("pt-BR", "pt"),
            ("zho", "zh"),
        ];
        for (given, wanted) in more {
            assert_eq!(tag(Some(given)).as_deref(), Some(wanted), "{given}");
        }
        for none in ["mul", "zxx", "q", "qqq", "eng ish", "qaa-qtz"] {
            assert_eq!(tag(Some(none)), None, "{none}");
        }
        assert_eq!(tag(None), None);
    }

    #[test]
    fn languages_have_their_english_names() {
        let names = ["de", "is", "nl", "el", "zh", "fa", "no", "pt", "gsw"].map(|tag| name(tag).expect("a language"));
        assert_eq!(
            names,
            [
                "German",
                "Icelandic",
                "Dutch",
                "Modern Greek",
                "Chinese",
                "Persian",
                "Norwegian",
                "Portuguese",
                "Swiss German"
            ]
        );
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
