//! Descriptions: Markdown to HTML that can be shown on any page of the site, and to plain text for link previews.

use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, TagEnd, html};

/// Characters of a link preview.
const EXCERPT_CHARS: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Sanitised: nothing in it runs, loads or styles anything.
    pub html: String,
    /// The beginning as one line of plain text.
    pub excerpt: String,
}

/// What Markdown can say and a stranger may: no images or other loads, no styles, no ids.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(
            [
                "a",
                "blockquote",
                "br",
                "code",
                "del",
                "em",
                "h3",
                "h4",
                "h5",
                "h6",
                "hr",
                "li",
                "ol",
                "p",
                "pre",
                "strong",
                "table",
                "tbody",
                "td",
                "th",
                "thead",
                "tr",
                "ul",
            ]
            .into(),
        )
        .tag_attributes([("a", ["href", "title"].into()), ("ol", ["start"].into())].into())
        .url_schemes(["http", "https", "mailto", "magnet", "ipfs"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener"))
        .clean_content_tags(["script", "style"].into());
    builder
});

pub fn render(markdown: &str) -> Rendered {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut raw = String::new();
    html::push_html(&mut raw, Parser::new_ext(markdown, options).map(below_the_title));
    Rendered { html: SANITISER.clean(&raw).to_string(), excerpt: excerpt(Parser::new_ext(markdown, options)) }
}

/// The page's own title is its h1: a description begins at h3.
fn below_the_title(event: Event<'_>) -> Event<'_> {
    use pulldown_cmark::{HeadingLevel, Tag};
    let lower = |level: HeadingLevel| match level {
        HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 => HeadingLevel::H3,
        deeper => deeper,
    };
    match event {
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        // One line break in the text is one on the page: people write descriptions like letters.
        Event::SoftBreak => Event::HardBreak,
        other => other,
    }
}

fn excerpt<'a>(events: impl Iterator<Item = Event<'a>>) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image) => {}
            Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push(' '),
            _ => {}
        }
        if text.len() > EXCERPT_CHARS * 8 {
            break;
        }
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT_CHARS) {
        None => words,
        Some((end, _)) => {
            let cut = &words[..end];
            let at_word = cut.rfind(' ').filter(|at| *at > end / 2).map_or(cut, |at| &cut[..at]);
            format!("{at_word}…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html_and_text() {
        let rendered = render("# Über *alles*\n\nSee [this](https://example.org/a?b=1).\nNext line\n");
        assert_eq!(
            rendered.html,
            "<h3>Über <em>alles</em></h3>\n<p>See <a href=\"https://example.org/a?b=1\" \
             rel=\"nofollow ugc noopener\">this</a>.<br>\nNext line</p>\n"
        );
        assert_eq!(rendered.excerpt, "Über alles See this. Next line");
    }

    #[test]
    fn nothing_runs_loads_or_leads_inside() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://tracker.example/pixel.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "[x](/signin)",
            "<a href='https://a.example' onclick='x()' target=_blank style='position:fixed'>x</a>",
            "<iframe src=https://a.example></iframe>",
            "<style>body{display:none}</style>",
            "<svg><a xlink:href=javascript:x>y</a></svg>",
            "<p id=data class=x>z</p>",
        ] {
            let html = render(hostile).html;
            for word in [
                "script",
                "<img",
                "onerror",
                "onclick",
                "style",
                "iframe",
                "<svg",
                "javascript",
                "id=",
                "class=",
                "/signin",
                "data:",
            ] {
                assert!(!html.contains(word), "{hostile} → {html}");
            }
        }
    }

    #[test]
    fn long_text_is_cut_at_a_word() {
        let excerpt = render(&"word ".repeat(200)).excerpt;
        assert!(excerpt.ends_with("word…"), "{excerpt}");
        assert!(excerpt.chars().count() <= EXCERPT_CHARS + 1);
        assert_eq!(render("").excerpt, "");
    }
}
