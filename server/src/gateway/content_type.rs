//! What to call bytes: by their name where there is one, else by their first bytes.

/// How many first bytes `of_bytes` wants to see.
pub const SNIFF_BYTES: usize = 4096;

const OCTETS: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// Names whose type the general table lacks or has otherwise than players expect.
const BY_EXTENSION: [(&str, &str); 11] = [
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4s", "video/iso.segment"),
    ("mp4", "video/mp4"),
    ("m4a", "audio/mp4"),
    ("mov", "video/quicktime"),
    ("mkv", "video/x-matroska"),
    ("opus", "audio/ogg"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("md", "text/markdown; charset=utf-8"),
];

/// The type of a file called `name`, if its extension tells.
pub fn of_name(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    let extension = extension.to_ascii_lowercase();
    if let Some((_, known)) = BY_EXTENSION.iter().find(|(ours, _)| *ours == extension) {
        return Some((*known).to_owned());
    }
    let guess = mime_guess::from_ext(&extension).first()?;
    let essence = guess.essence_str();
    // A browser finds the encoding of an HTML page in the page.
    if essence.starts_with("text/") && essence != "text/html" {
        return Some(format!("{essence}; charset=utf-8"));
    }
    Some(essence.to_owned())
}

/// The type of bytes without a telling name; `first` are the first of `size_bytes`.
pub fn of_bytes(first: &[u8], size_bytes: u64) -> String {
    if let Some(known) = infer::get(first) {
        return known.mime_type().to_owned();
    }
    let whole = first.len() as u64 == size_bytes;
    if whole
        && matches!(first.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok()
    {
        return "application/json".to_owned();
    }
    if looks_like_text(first) { TEXT } else { OCTETS }.to_owned()
}

/// UTF-8 (but for a last character that may be cut) without control characters other than white space.
fn looks_like_text(first: &[u8]) -> bool {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => match std::str::from_utf8(&first[..error.valid_up_to()]) {
            Ok(text) => text,
            Err(_) => return false,
        },
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            ("master.m3u8", Some("application/vnd.apple.mpegurl")),
            ("seg-00000.m4s", Some("video/iso.segment")),
            ("INIT.MP4", Some("video/mp4")),
            ("poster.jpg", Some("image/jpeg")),
            ("captions.vtt", Some("text/vtt; charset=utf-8")),
            ("a.txt", Some("text/plain; charset=utf-8")),
            ("index.html", Some("text/html")),
            ("a.json", Some("application/json")),
            ("a.unheard-of", None),
            ("noextension", None),
            (".hidden", None),
        ];
        for (name, expected) in cases {
            assert_eq!(of_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn bytes() {
        let cases: [(&[u8], &str); 8] = [
            (b"hello\n", TEXT),
            (b"", TEXT),
            (b"caf\xc3", TEXT),
            (b"\x00\x01", OCTETS),
            (b"\xff\xfe", OCTETS),
            (b"{\"a\":1}", "application/json"),
            (b"{not json", TEXT),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        ];
        for (first, expected) in cases {
            assert_eq!(of_bytes(first, first.len() as u64), expected, "{first:?}");
        }
        assert_eq!(of_bytes(b"{}", 9), TEXT, "half a document isn't JSON yet");
    }
}
