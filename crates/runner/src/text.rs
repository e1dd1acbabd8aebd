//! Text from outside, as it may be shown: the rule of servers and workers alike.

/// Marks that turn the direction of text, joiners at the edge of words, and the like: they make text look like other text.
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text from outside as one bounded line without control characters, marks that turn its direction, or quotes that could
/// end an attribute.
pub fn plain(text: &str, max_chars: usize) -> String {
    let line: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| {
            if c.is_control() {
                ' '
            } else if c == '"' {
                '\''
            } else {
                c
            }
        })
        .take(max_chars)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn text_from_outside_is_a_line_that_reads_as_it_is() {
        for (text, shown) in
            [("a\nb\"c\u{0}", "a b'c"), ("\u{5e9}\u{5dc} a", "\u{5e9}\u{5dc} a"), ("👩\u{200d}🚀", "👩\u{200d}🚀")]
        {
            assert_eq!(plain(text, 400), shown);
        }
        let turning =
            ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200e}', '\u{200f}', '\u{61c}']);
        for mark in turning {
            assert_eq!(plain(&format!("cat{mark}4pm.exe"), 400), "cat4pm.exe", "{mark:?}");
        }
    }
}
