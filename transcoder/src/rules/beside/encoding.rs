//! From bytes to text: UTF-8 and UTF-16, with or without a mark; anything else is taken for Windows-1252, as most old
//! subtitle files of the West are.

use super::Fault;

/// The bytes 0x80 to 0x9f in Windows-1252; those that stand for nothing are left out.
const WINDOWS: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}', '\u{fffd}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];
const GUESSED: &str = "It isn't in UTF-8 and was read as Windows-1252: look whether its letters are right.";

/// The text, and a note if its encoding was guessed.
pub fn decode(bytes: &[u8]) -> Result<(String, Option<String>), Fault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault { line: None, what: "it is empty".to_owned() });
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (String::from_utf8_lossy(rest).into_owned(), None),
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), None),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), None),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => (text.to_owned(), None),
            _ => match halves(bytes) {
                Some(order) => (utf16(bytes, order), None),
                None => (bytes.iter().map(|byte| windows(*byte)).collect(), Some(GUESSED.to_owned())),
            },
        },
    };
    match text.0.find('\0') {
        Some(at) => {
            let line = text.0[..at].matches('\n').count() + 1;
            Err(Fault { line: Some(line), what: "this is no text".to_owned() })
        }
        None => Ok(text),
    }
}

fn windows(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn utf16(bytes: &[u8], number: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| number([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The order of UTF-16 without a mark: digits and line ends make every other byte zero.
fn halves(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match () {
        () if odd * 4 > bytes.len() / 2 && even == 0 => Some(u16::from_le_bytes),
        () if even * 4 > bytes.len() / 2 && odd == 0 => Some(u16::from_be_bytes),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn each_encoding_gives_the_same_text() {
        let text = "1\n00:00:01,000 --> 00:00:02,000\nÜber „uns“ – 5 €\n";
        let windows = b"1\n00:00:01,000 --> 00:00:02,000\n\xdcber \x84uns\x93 \x96 5 \x80\n";
        let wide = |mark: bool, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(bytes).collect()
        };
        let cases = [
            (text.as_bytes().to_vec(), false),
            (format!("\u{feff}{text}").into_bytes(), false),
            (wide(true, u16::to_le_bytes), false),
            (wide(true, u16::to_be_bytes), false),
            (wide(false, u16::to_le_bytes), false),
            (wide(false, u16::to_be_bytes), false),
            (windows.to_vec(), true),
        ];
        for (bytes, guessed) in cases {
            let (read, note) = decode(&bytes).expect("it is text");
            assert_eq!((read.as_str(), note.is_some()), (text, guessed), "{bytes:?}");
        }
    }
}
