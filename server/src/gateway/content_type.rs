//! What to call bytes: by their name where there is one, else by their first bytes.

/// How many first bytes `of_bytes` wants to see.
pub const SNIFF_BYTES: usize = 4096;

const OCTETS: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";
pub const TRANSPORT_STREAM: &str = "video/mp2t";

/// Names whose type the general table lacks or has otherwise than players expect.
const BY_EXTENSION: [(&str, &str); 15] = [
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4s", "video/iso.segment"),
    ("ts", TRANSPORT_STREAM),
    ("mts", TRANSPORT_STREAM),
    ("m2ts", TRANSPORT_STREAM),
    ("m2t", TRANSPORT_STREAM),
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
    if looks_like_transport_stream(first) {
        return TRANSPORT_STREAM.to_owned();
    }
    if let Some(known) = infer::get(first) {
        return known.mime_type().to_owned();
    }
    if looks_like_json(first, first.len() as u64 == size_bytes) {
        return "application/json".to_owned();
    }
    if looks_like_text(first) { TEXT } else { OCTETS }.to_owned()
}

/// MPEG-TS has no magic number, but a sync byte at the start of each packet (ISO/IEC 13818-1, 2.4.3.2); Blu-ray and
/// AVCHD put four bytes of time before it.
fn looks_like_transport_stream(first: &[u8]) -> bool {
    const SYNC: u8 = 0x47;
    const ENOUGH: usize = 5;
    [(0, 188), (4, 192)].into_iter().any(|(start, packet_bytes)| {
        let mut starts = first.iter().skip(start).step_by(packet_bytes);
        starts.len() >= ENOUGH && starts.all(|byte| *byte == SYNC)
    })
}

/// An object or list; of a document that goes on, as much as there is of it must be right.
fn looks_like_json(first: &[u8], is_whole: bool) -> bool {
    if !matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return false;
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(first) {
        Ok(_) => is_whole,
        Err(error) => error.is_eof() && !is_whole,
    }
}

/// None of the bytes that only binary data has (<https://mimesniff.spec.whatwg.org/#binary-data-byte>).
fn looks_like_text(first: &[u8]) -> bool {
    !first.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
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
            ("segment.ts", Some("video/mp2t")),
            ("00001.MTS", Some("video/mp2t")),
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
        let cases: [(&[u8], &str); 9] = [
            (b"hello\n", TEXT),
            (b"", TEXT),
            (b"caf\xc3", TEXT),
            (b"\x00\x01", OCTETS),
            (b"caf\xe9", TEXT),
            (b" \n[1, 2]", "application/json"),
            (b"{\"a\":1}", "application/json"),
            (b"{not json", TEXT),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        ];
        for (first, expected) in cases {
            assert_eq!(of_bytes(first, first.len() as u64), expected, "{first:?}");
        }
        let packets = |lead: &[u8], count: usize| [lead, b"\x47\x40\x11", &[0xff; 185]].concat().repeat(count);
        assert_eq!(of_bytes(&packets(b"", 8), 9000), TRANSPORT_STREAM);
        assert_eq!(of_bytes(&packets(b"\0\0\x01\xba", 8), 9000), TRANSPORT_STREAM, "with times");
        assert_eq!(of_bytes(&packets(b"", 4), 752), OCTETS, "too few to be sure");
        assert_eq!(of_bytes(&packets(b"\x01", 8), 9000), OCTETS, "out of step");
        assert_eq!(of_bytes(b"{}", 9), TEXT, "what follows isn't JSON");
        assert_eq!(of_bytes(b"{\"a\": [1, 2", 9000), "application/json", "as far as it can be seen");
    }
}
