//! Names of tracks for people.

use pinreel_runner::language::name;

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
    use super::labels;

    #[test]
    fn labels_are_unique() {
        let track = |tag: Option<&str>, title: Option<&str>| (tag.map(str::to_owned), title.map(str::to_owned));
        let tracks =
            [track(Some("en"), None), track(Some("en"), None), track(None, Some("Di\"rector\n")), track(None, None)];
        assert_eq!(labels(&tracks, "Sound"), ["English", "English (2)", "Director", "Sound 4"]);
        assert_eq!(labels(&[track(None, None)], "Sound"), ["Sound"]);
    }
}
