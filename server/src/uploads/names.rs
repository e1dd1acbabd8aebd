//! What to call a file and its type: the uploader's words are hints, cleaned here before anything keeps them.

use pinreel_runner::text::is_invisible;
use unicode_normalization::UnicodeNormalization;

use crate::gateway::content_type;

const MAX_NAME_BYTES: usize = 200;
const UNNAMED: &str = "upload";

/// The last part of a path, without characters that fool the eye or a file system; never empty.
pub fn clean_file_name(hint: &str) -> String {
    let last = hint.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let clean: String = last.nfc().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    if clean.is_empty() { UNNAMED.to_owned() } else { shorten(clean) }
}

/// Cuts the stem, so that the extension survives.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, Some(extension)),
        _ => (name, None),
    };
    let room = MAX_NAME_BYTES - extension.map_or(0, |extension| extension.len() + 1);
    let stem = &stem[..stem.floor_char_boundary(room)];
    extension.map_or_else(|| stem.to_owned(), |extension| format!("{stem}.{extension}"))
}

/// The type to show until the first bytes are there: from the name, else from the uploader's word if it is well formed.
pub fn first_guess(file_name: &str, declared: Option<&str>) -> String {
    content_type::of_name(file_name)
        .map(|guess| essence(&guess).to_owned())
        .or_else(|| declared.map(essence).filter(|declared| well_formed(declared)).map(str::to_ascii_lowercase))
        .unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// The type of a file whose first bytes are known. The bytes decide; the name only chooses among the types that one
/// container serves, and speaks for audio and video whose first bytes say nothing, so that the transcoder has a look.
pub fn detect(file_name: &str, first: &[u8], size_bytes: u64) -> String {
    let named = content_type::of_name(file_name).map(|guess| essence(&guess).to_owned());
    let sniffed = content_type::of_bytes(first, size_bytes);
    let sniffed = canonical(essence(&sniffed)).to_owned();
    let Some(named) = named else { return sniffed };
    let family = container(&sniffed);
    let same_container = family.is_some() && container(&named) == family;
    let is_unknown = matches!(sniffed.as_str(), "application/octet-stream" | "text/plain");
    // `.ts` is TypeScript's as well.
    let is_program = named == content_type::TRANSPORT_STREAM && sniffed == "text/plain";
    let is_media = !is_program && (named.starts_with("video/") || named.starts_with("audio/"));
    if same_container || (is_unknown && (is_media || named.starts_with("text/"))) { named } else { sniffed }
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn canonical(media_type: &str) -> &str {
    match media_type {
        "audio/m4a" => "audio/mp4",
        "audio/x-flac" => "audio/flac",
        "audio/x-wav" => "audio/wav",
        "audio/opus" => "audio/ogg",
        other => other,
    }
}

/// Types that share a container, so that its first bytes can't tell them apart.
fn container(media_type: &str) -> Option<u8> {
    match media_type {
        "video/mp4" | "audio/mp4" | "video/quicktime" | "video/x-m4v" | "video/3gpp" | "video/3gpp2" => Some(0),
        "audio/ogg" | "video/ogg" | "application/ogg" => Some(1),
        "video/webm" | "audio/webm" | "video/x-matroska" | "audio/x-matroska" => Some(2),
        "video/x-ms-wmv" | "audio/x-ms-wma" | "video/x-ms-asf" => Some(3),
        _ => None,
    }
}

/// `type/subtype` of RFC 6838 letters.
fn well_formed(media_type: &str) -> bool {
    let word = |text: &str| {
        (1..=80).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    media_type.split_once('/').is_some_and(|(kind, subtype)| word(kind) && word(subtype))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names() {
        let long = format!("{}.mp4", "ä".repeat(300));
        let cases = [
            ("cat.mp4", "cat.mp4"),
            ("C:\\Users\\me\\cat.mp4", "cat.mp4"),
            ("../../etc/passwd", "passwd"),
            ("folder/", "folder"),
            ("...", UNNAMED),
            ("", UNNAMED),
            (" \u{0}\n", UNNAMED),
            (".htaccess", "htaccess"),
            ("cat\u{202e}4pm.exe", "cat4pm.exe"),
            ("cat\u{61c}4pm.exe", "cat4pm.exe"),
            ("cafe\u{301}.mp4", "café.mp4"),
            ("日本語.webm", "日本語.webm"),
        ];
        for (hint, expected) in cases {
            assert_eq!(clean_file_name(hint), expected, "{hint:?}");
        }
        let cut = clean_file_name(&long);
        assert!(cut.len() <= MAX_NAME_BYTES && cut.ends_with("ä.mp4"), "{cut}");
    }

    #[test]
    fn types() {
        let mp4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
        let ogg = b"OggS\0\x02\0\0\0\0\0\0\0\0";
        let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 64]].concat();
        let transport = [b"\x47\x40\0\x10".as_slice(), &[0; 184]].concat().repeat(21);
        let cases: [(&str, &[u8], &str); 17] = [
            ("a.mp4", mp4, "video/mp4"),
            ("a.mov", mp4, "video/quicktime"),
            ("a.txt", mp4, "video/mp4"),
            ("noname", mp4, "video/mp4"),
            ("a.ogv", ogg, "video/ogg"),
            ("a.ogg", ogg, "audio/ogg"),
            ("a.mp4", &elf, "application/x-executable"),
            ("a.mp4", b"\x01\x02garbage\0", "video/mp4"),
            ("a.ts", &transport, "video/mp2t"),
            ("a.MTS", &transport, "video/mp2t"),
            ("a.bin", &transport, "video/mp2t"),
            ("a.mpg", b"\0\0\x01\xba\x44", "video/mpeg"),
            ("cut.ts", b"\x01\x02garbage\0", "video/mp2t"),
            ("main.ts", b"export const answer = 42;\n", "text/plain"),
            ("a.mkv", b"\x01\x02garbage\0", "video/x-matroska"),
            ("a.vtt", b"WEBVTT\n\n", "text/vtt"),
            ("a.bin", b"\x01\x02garbage\0", "application/octet-stream"),
        ];
        for (name, first, expected) in cases {
            assert_eq!(detect(name, first, 1 << 20), expected, "{name}");
        }
    }

    #[test]
    fn guesses() {
        assert_eq!(first_guess("a.webm", Some("text/html")), "video/webm");
        assert_eq!(first_guess("a.ts", Some("text/vnd.trolltech.linguist")), "video/mp2t");
        assert_eq!(first_guess("a", Some("Video/MP4; codecs=avc1")), "video/mp4");
        for wrong in ["", "video", "video/", "<b>/x", "a/b\r\nx: y"] {
            assert_eq!(first_guess("a", Some(wrong)), "application/octet-stream", "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn names_are_short_and_clean(hint in any::<String>()) {
            let name = clean_file_name(&hint);
            prop_assert!(!name.is_empty() && name.len() <= MAX_NAME_BYTES);
            prop_assert!(!name.contains(['/', '\\', '\0', '\n']));
        }
    }
}
