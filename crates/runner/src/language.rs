//! Languages of tracks and captions, as tags for players (BCP 47) and as names for people.

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

/// Codes that name no language.
const NONE: [&str; 4] = ["und", "mul", "zxx", "mis"];

/// Whether this is a BCP 47 tag as records take it.
pub fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The tag for a code of ISO 639 (two letters, or three of any kind), with the script or region behind it; its language is
/// as short as there is one. `None` for nothing, for codes that name no language, and for nonsense.
pub fn tag(said: &str) -> Option<String> {
    let said = said.trim();
    let (code, rest) = said.split_once(['-', '_']).map_or((said, None), |(code, rest)| (code, Some(rest)));
    let language = known(code)?;
    let short = language.to_639_1().unwrap_or(language.to_639_3());
    let tag = rest.map_or_else(|| short.to_owned(), |rest| format!("{short}-{rest}"));
    is_tag(&tag).then_some(tag)
}

/// What English calls a tag's language, without the remarks that the standard has on it; `Chinese (Hant)`.
pub fn name(tag: &str) -> Option<String> {
    let (code, rest) = tag.split_once('-').map_or((tag, None), |(code, rest)| (code, Some(rest)));
    let name = match known(code)?.to_name().split(" (").next()? {
        "Modern Greek" => "Greek",
        name => name,
    };
    Some(rest.map_or_else(|| name.to_owned(), |rest| format!("{name} ({rest})")))
}

fn known(code: &str) -> Option<Language> {
    let code = code.to_ascii_lowercase();
    let code = BIBLIOGRAPHIC.iter().find(|(other, _)| *other == code).map_or(code.as_str(), |(_, code)| *code);
    let language = Language::from_639_1(code).or_else(|| Language::from_639_3(code))?;
    (!NONE.contains(&language.to_639_3())).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::{is_tag, name, tag};

    #[test]
    fn languages_get_their_short_tags() {
        for (said, wanted) in [
            ("ger", "de"),
            ("DEU", "de"),
            ("en", "en"),
            ("ice", "is"),
            ("slo", "sk"),
            ("wel", "cy"),
            ("hrv", "hr"),
            ("zho", "zh"),
            ("gsw", "gsw"),
            ("por-BR", "pt-BR"),
            ("zh-Hant", "zh-Hant"),
            ("sr_Latn", "sr-Latn"),
        ] {
            assert_eq!(tag(said).as_deref(), Some(wanted), "{said}");
        }
        for none in ["", "und", "mul", "zxx", "q", "qqq", "eng ish", "qaa-qtz", "de-", "e n"] {
            assert_eq!(tag(none), None, "{none}");
        }
    }

    #[test]
    fn languages_have_their_english_names() {
        for (tag, wanted) in [
            ("de", "German"),
            ("is", "Icelandic"),
            ("nl", "Dutch"),
            ("el", "Greek"),
            ("zh-Hant", "Chinese (Hant)"),
            ("pt-BR", "Portuguese (BR)"),
            ("ms", "Malay"),
            ("no", "Norwegian"),
            ("gsw", "Swiss German"),
            ("haw", "Hawaiian"),
        ] {
            assert_eq!(name(tag).as_deref(), Some(wanted), "{tag}");
        }
        assert_eq!(name("qqq"), None);
    }

    #[test]
    fn tags_have_a_form() {
        for (tag, fits) in
            [("de", true), ("zh-Hant-TW", true), ("d", false), ("de-", false), ("d e", false), ("", false)]
        {
            assert_eq!(is_tag(tag), fits, "{tag}");
        }
    }
}
