//! What stands in a page's `<head>` for those who run no script: search engines and link previews.

use std::fmt::Write;

use crate::http::html::escape;

/// Facts about a page, unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Of the page, without the site's name.
    pub title: String,
    pub description: Option<String>,
    /// The page's one address, absolute.
    pub canonical: Option<String>,
    /// A picture of it, absolute.
    pub image: Option<String>,
    /// Open Graph's word: `website`, `profile`, `video.other`.
    pub kind: Option<&'static str>,
    /// Whether search engines are asked to leave it out.
    pub unlisted: bool,
}

const SITE: &str = "Pinreel";
/// Previews cut longer ones anyway.
const MAX_DESCRIPTION_CHARS: usize = 300;

impl Head {
    pub fn titled(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    pub fn html(&self) -> String {
        let title = if self.title.is_empty() { SITE.to_owned() } else { format!("{} · {SITE}", self.title) };
        let mut html = format!("<title>{}</title>", escape(&title));
        let description = self.description.as_deref().map(shorten).unwrap_or_default();
        if self.unlisted {
            html.push_str(r#"<meta name="robots" content="noindex">"#);
        }
        let mut meta = |attribute: &str, name: &str, content: &str| {
            if !content.is_empty() {
                // Writing to a String can't fail.
                let _ = write!(html, r#"<meta {attribute}="{name}" content="{}">"#, escape(content));
            }
        };
        meta("name", "description", &description);
        meta("property", "og:site_name", SITE);
        meta("property", "og:title", if self.title.is_empty() { SITE } else { &self.title });
        meta("property", "og:description", &description);
        meta("property", "og:type", self.kind.unwrap_or("website"));
        meta("property", "og:url", self.canonical.as_deref().unwrap_or_default());
        meta("property", "og:image", self.image.as_deref().unwrap_or_default());
        meta("name", "twitter:card", if self.image.is_some() { "summary_large_image" } else { "summary" });
        if let Some(canonical) = &self.canonical {
            let _ = write!(html, r#"<link rel="canonical" href="{}">"#, escape(canonical));
        }
        html
    }
}

fn shorten(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_DESCRIPTION_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let evil = r#""><script>alert('x')</script>&"#;
        let head = Head {
            title: evil.into(),
            description: Some(evil.into()),
            canonical: Some(format!("https://media.example/{evil}")),
            image: Some(evil.into()),
            kind: Some("video.other"),
            unlisted: true,
        };
        let html = head.html();
        assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
        assert_eq!(html.matches('"').count() % 2, 0, "{html}");
        assert!(
            html.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp; · Pinreel</title>"),
            "{html}"
        );
    }

    #[test]
    fn long_description_is_cut_between_characters() {
        let head = Head { description: Some("ü ".repeat(400)), ..Head::default() };
        let html = head.html();
        assert!(html.contains(&format!("{}…", "ü ".repeat(150))), "{html}");
    }
}
