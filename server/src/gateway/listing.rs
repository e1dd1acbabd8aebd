//! A folder as a page: no scripts, no requests of its own, readable in light and dark and on a phone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a name keeps as it is inside an address.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b'=').remove(b',');

pub struct Entry {
    pub name: String,
    pub cid: String,
    /// With everything below it, as its parent's link says.
    pub size_bytes: u64,
}

/// The page for the folder at `path`, e.g. `/ipfs/<cid>/season 1/`. `has_parent` adds the way up.
pub fn page(path: &str, cid: &str, has_parent: bool, entries: &[Entry]) -> String {
    let mut rows = String::new();
    if has_parent {
        rows.push_str("<tr><td colspan=\"3\"><a href=\"../\">..</a></td></tr>\n");
    }
    for entry in entries {
        let name = escape(&entry.name);
        let href = utf8_percent_encode(&entry.name, IN_PATH);
        let (cid, size) = (escape(&entry.cid), human(entry.size_bytes));
        rows.push_str(&format!(
            "<tr><td><a href=\"./{href}\">{name}</a></td><td><a href=\"/ipfs/{cid}\"><code>{cid}</code></a></td><td>{size}</td></tr>\n"
        ));
    }
    let (title, cid, count) = (escape(path), escape(cid), entries.len());
    let noun = if count == 1 { "entry" } else { "entries" };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{count} {noun} · <code>{cid}</code></p>\n\
         <table>\n<thead><tr><th>Name</th><th>CID</th><th>Size</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</html>\n"
    )
}

const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:70rem;margin:2rem auto;\
padding:0 1rem}h1{font-size:1.2rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th,td{text-align:left;\
padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884}td:last-child,th:last-child{text-align:right;white-space:nowrap}\
code{font-size:.85em;overflow-wrap:anywhere}@media(max-width:40rem){td:nth-child(2),th:nth-child(2){display:none}}";

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[allow(clippy::cast_precision_loss)] // A size for people, with one digit after the point.
fn human(size_bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if size_bytes < 1024 {
        return format!("{size_bytes} B");
    }
    let mut size = size_bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit < UNITS.len() - 1 {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text() {
        let entries = [
            Entry { name: "<script>alert(1)</script>".into(), cid: "bafkx".into(), size_bytes: 3 },
            Entry { name: "javascript:alert(1)".into(), cid: "bafky".into(), size_bytes: 5_000_000 },
            Entry { name: "a/b?c#d\"'".into(), cid: "bafkz".into(), size_bytes: 0 },
        ];
        let html = page("/ipfs/bafy/<i>/", "bafy", true, &entries);
        assert!(!html.contains("<script>") && !html.contains("<i>"));
        assert!(html.contains("href=\"./javascript%3Aalert%281%29\""));
        assert!(html.contains("href=\"./a%2Fb%3Fc%23d%22%27\""));
        assert!(html.contains("4.8 MiB") && html.contains("3 B") && html.contains("href=\"../\""));
        assert!(html.contains("3 entries"));
    }
}
