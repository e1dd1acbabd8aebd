//! A cue's text in WebVTT's markup, built so that it can't be wrong: tags are balanced, everything else is escaped, no
//! line is empty.

/// Characters of one cue: a screen full, and no more.
const MAX_CHARS: usize = 1000;
const MAX_DEPTH: usize = 8;
const MAX_NAME_CHARS: usize = 60;
/// Longer tags are text.
const MAX_TAG_BYTES: usize = 300;
/// What players show as it is meant: without an argument, and without a way to run or fetch anything.
const TAGS: [&str; 5] = ["b", "i", "u", "ruby", "rt"];

#[derive(Default)]
pub struct Marked {
    out: String,
    open: Vec<&'static str>,
    /// Characters to be read.
    chars: usize,
    /// What is due before the next character: nothing, a space, or a new line. Tags don't count as something to read.
    gap: Option<char>,
    /// Whether this line has something to read.
    begun: bool,
}

impl Marked {
    /// A character to be read.
    pub fn text(&mut self, c: char) {
        if c.is_whitespace() {
            if self.begun && self.gap.is_none() {
                self.gap = Some(' ');
            }
            return;
        }
        // What is shown of a byte that couldn't be read says nothing either.
        if c.is_control() || c == '\u{feff}' || self.chars >= MAX_CHARS {
            return;
        }
        self.fill_gap();
        (self.begun, self.chars) = (true, self.chars + 1);
        match c {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            _ => self.out.push(c),
        }
    }

    /// The end of a line; nothing where nothing was.
    pub fn line(&mut self) {
        if self.chars > 0 {
            self.gap = Some('\n');
        }
        self.begun = false;
    }

    fn fill_gap(&mut self) {
        if let Some(gap) = self.gap.take() {
            self.out.push(gap);
        }
    }

    pub fn open(&mut self, name: &str) {
        let known = TAGS.iter().find(|tag| **tag == name);
        let fits = name != "rt" || self.open.last() == Some(&"ruby");
        if let Some(tag) = known.filter(|tag| fits && !self.open.contains(tag) && self.open.len() < MAX_DEPTH) {
            self.fill_gap();
            self.out.push_str(&format!("<{tag}>"));
            self.open.push(tag);
        }
    }

    /// Who speaks.
    fn open_voice(&mut self, name: &str) {
        self.close("v");
        let clean: String = unescaped(name).chars().filter(|c| !c.is_control() && !"<>".contains(*c)).collect();
        let words: Vec<&str> = clean.split_whitespace().collect();
        let name: String = words.join(" ").chars().take(MAX_NAME_CHARS).collect();
        let name = name.trim_end();
        if !name.is_empty() && self.open.len() < MAX_DEPTH {
            self.fill_gap();
            self.out.push_str(&format!("<v {}>", name.replace('&', "&amp;")));
            self.open.push("v");
        }
    }

    /// Ends a tag and those inside of it; one that isn't open is no matter.
    pub fn close(&mut self, name: &str) {
        let Some(place) = self.open.iter().rposition(|tag| *tag == name) else { return };
        while self.open.len() > place {
            self.close_last();
        }
    }

    fn close_last(&mut self) {
        let Some(tag) = self.open.pop() else { return };
        let start = if tag == "v" { self.out.rfind("<v ") } else { self.out.rfind(&format!("<{tag}>")) };
        let is_bare =
            start.is_some_and(|start| self.out[start..].find('>').map(|end| start + end + 1) == Some(self.out.len()));
        match start.filter(|_| is_bare) {
            // There is nothing in it.
            Some(start) => self.out.truncate(start),
            None => self.out.push_str(&format!("</{tag}>")),
        }
    }

    /// A line of SubRip: HTML's simplest tags, and overrides in braces, which go.
    pub fn html(&mut self, line: &str) {
        self.tagged(line, true);
    }

    /// A line of WebVTT.
    pub fn webvtt(&mut self, line: &str) {
        self.tagged(line, false);
    }

    fn tagged(&mut self, line: &str, is_srt: bool) {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if let Some((tag, behind)) = tag(rest) {
                self.tag(tag);
                rest = behind;
            } else if let Some(behind) = is_srt.then(|| overrides(rest)).flatten() {
                rest = behind;
            } else if let Some((c, behind)) = entity(rest) {
                self.text(c);
                rest = behind;
            } else {
                self.text(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }

    /// What stands between `<` and `>`.
    fn tag(&mut self, tag: &str) {
        let end = tag.strip_prefix('/');
        let inside = end.unwrap_or(tag);
        let name = inside.split(|c: char| c == '.' || c.is_whitespace()).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        match end {
            Some(_) => self.close(&name),
            None if name == "v" => {
                self.open_voice(inside.split_once(char::is_whitespace).map_or("", |(_, name)| name));
            }
            None => self.open(&name),
        }
    }

    /// The text; empty if there is nothing to read.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close_last();
        }
        if self.chars == 0 { String::new() } else { self.out }
    }
}

/// A tag at the beginning, and what is behind it. A lonely `<` is none.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (tag, behind) = text.strip_prefix('<')?.split_once('>')?;
    let begins = |c: char| c == '/' || c.is_ascii_alphanumeric();
    (tag.len() <= MAX_TAG_BYTES && tag.starts_with(begins) && !tag.contains('<')).then_some((tag, behind))
}

/// What is behind `{\an8}` and the like at the beginning.
fn overrides(text: &str) -> Option<&str> {
    let (_, behind) = text.strip_prefix("{\\")?.split_once('}')?;
    Some(behind)
}

/// One of WebVTT's entities at the beginning, and what is behind it.
fn entity(text: &str) -> Option<(char, &str)> {
    const ENTITIES: [(&str, char); 8] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&nbsp;", ' '),
        ("&lrm;", '\u{200e}'),
        ("&rlm;", '\u{200f}'),
        ("&quot;", '"'),
        ("&#39;", '\''),
    ];
    ENTITIES.iter().find_map(|(name, c)| Some((*c, text.strip_prefix(name)?)))
}

/// With what stands for a character, such as `&amp;`, as the character.
pub fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (c, behind) = entity(rest).unwrap_or((c, &rest[c.len_utf8()..]));
        out.push(c);
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, Marked};

    fn webvtt(text: &str) -> String {
        let mut marked = Marked::default();
        for line in text.lines() {
            marked.webvtt(line);
            marked.line();
        }
        marked.finish()
    }

    #[test]
    fn only_known_tags_remain_and_all_are_balanced() {
        let cases = [
            ("<b>bold</b> <i.loud>it</i>", "<b>bold</b> <i>it</i>"),
            ("<B>bold</B>", "<b>bold</b>"),
            ("<i>a\nb</i>", "<i>a\nb</i>"),
            ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
            ("<b><b>x</b>", "<b>x</b>"),
            ("<i></i>x<b>  </b>", "x"),
            ("<v Ann &amp; Bo>Hi", "<v Ann &amp; Bo>Hi</v>"),
            ("<v.first Ann>Hi</v> <v Bo>Ho", "<v Ann>Hi</v> <v Bo>Ho</v>"),
            ("<v>nobody", "nobody"),
            ("<ruby>kan<rt>ji</rt></ruby>", "<ruby>kan<rt>ji</rt></ruby>"),
            ("<rt>alone</rt>", "alone"),
            ("<c.yellow>c</c><lang en>l</lang><00:00:01.000>t", "clt"),
            ("1 < 2 > 0 <", "1 &lt; 2 &gt; 0 &lt;"),
            ("&lt;script&gt; &amp;amp; &nbsp;", "&lt;script&gt; &amp;amp;"),
            ("  a   b\t\n\n   \n c ", "a b\nc"),
            ("a\u{1}\u{7}b", "ab"),
        ];
        for (text, wanted) in cases {
            assert_eq!(webvtt(text), wanted, "{text}");
            assert_eq!(webvtt(wanted), wanted, "{text}");
        }
        assert_eq!(webvtt(&"x".repeat(5000)).len(), MAX_CHARS);
        assert_eq!(webvtt(&"<b><i><u>".repeat(50)), "");
    }

    #[test]
    fn subrip_loses_its_overrides() {
        let mut marked = Marked::default();
        marked.html("{\\an8}<font color=\"#fff\" onload='x'>Up</font> {here}");
        assert_eq!(marked.finish(), "Up {here}");
    }
}
