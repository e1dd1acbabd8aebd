//! `--description`: what stands below the film, as Markdown, and the chapters that it lists.

use std::io::{self, Read};
use std::path::Path;

use pinreel_records::Stream;

use super::chapters::chapters_of;
use crate::cli::answer::Failure;

/// What a record allows.
const MAX_DESCRIPTION_CHARS: usize = 20_000;
/// A character has four bytes at most.
const MAX_BYTES: u64 = 4 * MAX_DESCRIPTION_CHARS as u64;

/// Reads it from a file, or from standard input where that is `-`.
pub fn read(path: &Path) -> Result<String, Failure> {
    let unread =
        |error: io::Error| Failure::usage(format!("The description in {} can't be read ({error}).", path.display()));
    let mut bytes = Vec::new();
    let reads: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(unread)?)
    };
    reads.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.chars().count() <= MAX_DESCRIPTION_CHARS);
    let text = text.ok_or_else(|| {
        Failure::usage(format!("A description is text in UTF-8 of at most {MAX_DESCRIPTION_CHARS} characters."))
    })?;
    Ok(plain(&text))
}

/// As records hold it: line feeds and tabs, and no other control characters.
fn plain(text: &str) -> String {
    let lines = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_owned()
}

/// Puts it into the record. A list of times that makes no chapters is told.
pub fn name(stream: &mut Stream, description: &str, duration_ms: Option<u64>) {
    match chapters_of(description, duration_ms) {
        Ok(chapters) => stream.chapters = chapters,
        Err(why) => eprintln!("Note: the times in the description make no chapters: {why}."),
    }
    stream.description = Some(description.to_owned()).filter(|text| !text.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_to_fit() {
        assert_eq!(plain("\u{feff} a\r\nb\rc\t\u{7}d \n"), "a\nb\nc\td");
    }

    #[test]
    fn what_is_no_description_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.md");
        for (bytes, is_right) in [
            (vec![b'a'; MAX_DESCRIPTION_CHARS], true),
            (vec![b'a'; MAX_DESCRIPTION_CHARS + 1], false),
            (vec![0xff], false),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).is_ok(), is_right);
        }
        assert!(read(&folder.path().join("none")).unwrap_err().is_usage);
    }
}
