//! ASS and SSA: lines `Dialogue:` whose fields the section's own `Format:` names; in the text overrides in braces.

use super::marked::Marked;
use super::times::time_ms;
use super::{Fault, Found};

/// Where the times stand, and the text, which is always the last field.
#[derive(Clone, Copy)]
struct Format {
    fields: usize,
    start: usize,
    end: usize,
}

/// Layer, Start, End, Style, Name, three margins, Effect, Text.
const USUAL: Format = Format { fields: 10, start: 1, end: 2 };

pub fn is_one(text: &str) -> bool {
    let mut lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    lines.any(|line| line.eq_ignore_ascii_case("[script info]") || line.eq_ignore_ascii_case("[events]"))
}

pub fn parse(text: &str) -> Result<Found, Fault> {
    let mut found = Found::default();
    let mut format = USUAL;
    let mut is_events = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            is_events = line.eq_ignore_ascii_case("[events]");
        } else if let (true, Some(names)) = (is_events, line.strip_prefix("Format:")) {
            format = Format::read(names).unwrap_or(format);
        } else if let (true, Some(fields)) = (is_events, line.strip_prefix("Dialogue:")) {
            let fields: Vec<&str> = fields.splitn(format.fields, ',').collect();
            let time = |place: usize| fields.get(place).and_then(|field| time_ms(field.trim()));
            let text = fields.get(format.fields - 1);
            match time(format.start).zip(time(format.end)).zip(text) {
                Some((span, text)) => found.cue(number + 1, span, shown(text))?,
                None => found.broken(number + 1, "this line has no times of the form 0:00:01.00, or no text"),
            }
        }
    }
    Ok(found)
}

impl Format {
    /// `None` for a format without times, or whose last field isn't the text.
    fn read(names: &str) -> Option<Self> {
        let names: Vec<String> = names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let is_last = place("text")? + 1 == names.len();
        is_last.then_some(Self { fields: names.len(), start: place("start")?, end: place("end")? })
    }
}

/// Of the overrides, slant, weight and underlining remain; drawings go.
fn shown(text: &str) -> String {
    let mut marked = Marked::default();
    let mut is_drawing = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((inside, behind)) = rest.strip_prefix('{').and_then(|open| open.split_once('}')) {
            for one in inside.split('\\').skip(1).map(str::trim) {
                override_(&mut marked, one, &mut is_drawing);
            }
            rest = behind;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let escaped = if c == '\\' { rest.chars().next() } else { None };
        if let Some('N' | 'n' | 'h') = escaped {
            rest = &rest[1..];
        }
        match escaped {
            _ if is_drawing => {}
            Some('N' | 'n') => marked.line(),
            Some('h') => marked.text(' '),
            _ => marked.text(c),
        }
    }
    marked.finish()
}

fn override_(marked: &mut Marked, one: &str, is_drawing: &mut bool) {
    let mut chars = one.chars();
    let (Some(name), value) = (chars.next(), chars.as_str()) else { return };
    if name == 'r' && value.chars().all(char::is_alphanumeric) {
        ["i", "b", "u"].into_iter().for_each(|tag| marked.close(tag));
        return;
    }
    // `\bord2`, `\pos(…)` and the like begin alike, but no number follows the letter.
    let Ok(value) = value.parse::<u32>() else { return };
    match name {
        'p' => *is_drawing = value > 0,
        'i' if value > 0 => marked.open("i"),
        'b' if value > 0 => marked.open("b"),
        'u' if value > 0 => marked.open("u"),
        'i' => marked.close("i"),
        'b' => marked.close("b"),
        'u' => marked.close("u"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, shown};

    #[test]
    fn overrides_go_and_the_plain_ones_stay() {
        let cases = [
            ("{\\an8\\pos(10,20)\\bord2}Up, high", "Up, high"),
            ("{\\i1}Hel{\\b1}lo{\\i0}, wor{\\b0}ld", "<i>Hel<b>lo</b></i>, world"),
            ("{\\b700\\u1}all{\\r}none", "<b><u>all</u></b>none"),
            ("{\\p1}m 0 0 l 100 0{\\p0}seen", "seen"),
            ("a\\hb\\N\\Nc\\d", "a b\nc\\d"),
            ("{open <b>&", "{open &lt;b&gt;&amp;"),
            ("{\\k20}ka{\\k30}ra", "kara"),
        ];
        for (text, wanted) in cases {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn fields_stand_where_the_format_says() {
        let file = "[Events]\nFormat: Marked, Start, End, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.00,a, b\n\
                    Format: Text, Start\nDialogue: 0,0:00:03.00,0:00:04.00,c\nDialogue: broken\n[Fonts]\nDialogue: x\n";
        let found = parse(file).expect("it is usable");
        let texts: Vec<&str> = found.cues.iter().map(|cue| cue.text.as_str()).collect();
        assert_eq!((texts, found.broken, found.first_broken.map(|first| first.0)), (vec!["a, b", "c"], 1, Some(6)));
    }
}
