//! What the pages that we make have in common: no scripts, no requests of their own, readable in light and dark and on
//! a phone.

use std::fmt::Write;

use crate::http::html::escape;

/// Changes whenever a page would look different, so that caches take the new one.
pub const VERSION: &str = "2";

/// Everything before a page's own content. `title` is text.
pub fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n"
    )
}

/// The way from the root to here, each part a link. Links are relative, so that they hold under any address.
pub fn breadcrumbs(root: &str, segments: &[String], is_folder: bool) -> String {
    let mut crumbs = String::from("<h1>");
    for (index, name) in std::iter::once(root).chain(segments.iter().map(String::as_str)).enumerate() {
        let up = (segments.len() - index).saturating_sub(usize::from(!is_folder));
        let href = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
        let separator = if index == 0 { "" } else { " / " };
        let name = escape(name);
        // Writing into a String can't fail.
        let _ = match index == segments.len() {
            true => write!(crumbs, "{separator}<b>{name}</b>"),
            false => write!(crumbs, "{separator}<a href=\"{href}\">{name}</a>"),
        };
    }
    crumbs.push_str("</h1>\n");
    crumbs
}

const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:70rem;margin:2rem auto;\
padding:0 1rem}h1{font-size:1.1rem;font-weight:400;overflow-wrap:anywhere}a{color:LinkText}p,td.s,th.s{color:GrayText}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;\
overflow-wrap:anywhere}.s{text-align:right;white-space:nowrap}code,pre{font-size:.85em;overflow-wrap:anywhere}\
pre{white-space:pre-wrap}tr:hover td{background:#8881}@media(max-width:40rem){.c{display:none}}";

#[allow(clippy::cast_precision_loss)] // A size for people, with one digit after the point.
pub fn human(size_bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size_bytes < 1024 {
        return format!("{size_bytes} B");
    }
    let mut size = size_bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit < UNITS.len() - 1 {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_lead_back() {
        let html = breadcrumbs("bafy", &["a".into(), "<b>".into()], true);
        assert!(html.contains("<a href=\"../../\">bafy</a>"), "{html}");
        assert!(html.contains("<a href=\"../\">a</a>"), "{html}");
        assert!(html.contains("<b>&lt;b&gt;</b>"), "{html}");
        assert!(breadcrumbs("bafy", &["a".into()], false).contains("<a href=\"./\">bafy</a>"));
    }

    #[test]
    fn sizes() {
        for (size, expected) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5_000_000, "4.8 MiB")] {
            assert_eq!(human(size), expected);
        }
        assert_eq!(human(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(human(u64::MAX), "16.0 EiB");
    }
}
