//! The cover of an EPUB: what its package document says is one (EPUB 3.3, D.1 and 5.6.2; EPUB 2's `meta name="cover"`).

use std::fs::File;
use std::io::{BufReader, Read};

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node, ParsingOptions};
use zip::ZipArchive;

use crate::failure::Failure;
use crate::rules::beside::encoding;

const MAX_ENTRIES: usize = 65_536;
const MAX_TEXT_BYTES: u64 = 4 << 20;
const MAX_COVER_BYTES: u64 = 64 << 20;
const CONTAINER: &str = "META-INF/container.xml";

type Book = ZipArchive<BufReader<File>>;

/// The bytes of the cover's picture.
pub fn cover(file: File) -> Result<Vec<u8>, Failure> {
    let mut book = ZipArchive::new(BufReader::new(file)).map_err(|_| damaged())?;
    if book.len() > MAX_ENTRIES {
        return Err(damaged());
    }
    let container = text(&mut book, CONTAINER)?;
    let package = package_path(&container).ok_or_else(damaged)?;
    // By the letter it is a URL; some have the bare name.
    let package =
        if book.index_for_name(&package).is_some() { package } else { resolve("", &package).ok_or_else(damaged)? };
    let opf = text(&mut book, &package)?;
    let href = cover_href(&opf).ok_or_else(coverless)?;
    let path = resolve(&package, &href).ok_or_else(coverless)?;
    bytes(&mut book, &path, MAX_COVER_BYTES).ok_or_else(coverless)
}

fn bytes(book: &mut Book, name: &str, most: u64) -> Option<Vec<u8>> {
    let entry = book.by_name(name).ok()?;
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

fn text(book: &mut Book, name: &str) -> Result<String, Failure> {
    let bytes = bytes(book, name, MAX_TEXT_BYTES).ok_or_else(damaged)?;
    // UTF-8 or UTF-16, as EPUB has it.
    encoding::decode(&bytes).map(|(text, _)| text.trim_start_matches('\u{feff}').to_owned()).map_err(|_| damaged())
}

/// EPUB 2 has a document type, which is read from nowhere; one that makes texts grow is refused.
fn parse(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions { allow_dtd: !text.contains("<!ENTITY"), ..ParsingOptions::default() };
    Document::parse_with_options(text, options).ok()
}

/// Where the package document is.
fn package_path(container: &str) -> Option<String> {
    let document = parse(container)?;
    let root = document.descendants().find(|node| node.tag_name().name() == "rootfile")?;
    root.attribute("full-path").map(str::to_owned)
}

/// Where the package document says that the cover is, relative to itself.
fn cover_href(opf: &str) -> Option<String> {
    let document = parse(opf)?;
    let named = |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
    let is_picture = |item: &Node<'_, '_>| item.attribute("media-type").is_some_and(|kind| kind.starts_with("image/"));
    let has = |item: &Node<'_, '_>, word: &str| {
        item.attribute("properties").is_some_and(|all| all.split_ascii_whitespace().any(|one| one == word))
    };
    let by_property = named("item").find(|item| has(item, "cover-image"));
    let meta = named("meta").find(|meta| meta.attribute("name") == Some("cover"));
    let id = meta.and_then(|meta| meta.attribute("content"));
    let by_meta = || named("item").find(|item| id.is_some() && item.attribute("id") == id && is_picture(item));
    let by_name = || named("item").find(|item| is_picture(item) && item.attribute("id").is_some_and(is_cover));
    by_property.or_else(by_meta).or_else(by_name)?.attribute("href").map(str::to_owned)
}

fn is_cover(id: &str) -> bool {
    id.to_ascii_lowercase().contains("cover")
}

/// A path in the archive, from a reference in the file at `base`; nothing for one that leaves the archive.
fn resolve(base: &str, href: &str) -> Option<String> {
    let href = href.split(['#', '?']).next()?;
    let mut parts: Vec<String> = base.split('/').map(str::to_owned).collect();
    parts.pop();
    for part in href.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(percent_decode_str(part).decode_utf8().ok()?.into_owned()),
        }
    }
    Some(parts.join("/"))
}

fn damaged() -> Failure {
    Failure::of_file("document_unusable", "The book is damaged or incomplete, so its cover can't be found.")
}

fn coverless() -> Failure {
    Failure::of_file("no_cover", "The book has no cover picture.")
}

#[cfg(test)]
mod tests {
    use super::{cover_href, package_path, resolve};

    const EPUB_2: &str = r#"<!DOCTYPE package PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN"
        "http://openebook.org/dtds/oeb-1.2/oebpkg12.dtd">"#;

    #[test]
    fn the_cover_is_what_the_package_says() {
        let container = r#"<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
            <rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"#;
        assert_eq!(package_path(container).as_deref(), Some("OEBPS/book.opf"));
        let opf = |metadata: &str, items: &str| {
            format!(
                r#"<package xmlns="http://www.idpf.org/2007/opf"><metadata>{metadata}</metadata>
                <manifest><item id="a" href="a.png" media-type="image/png"/>{items}</manifest></package>"#
            )
        };
        let cases = [
            (opf("", r#"<item id="x" href="c.jpg" media-type="image/jpeg" properties="svg cover-image"/>"#), "c.jpg"),
            (opf(r#"<meta name="cover" content="a"/>"#, ""), "a.png"),
            (opf("", r#"<item id="Cover1" href="b.png" media-type="image/png"/>"#), "b.png"),
            (format!("{EPUB_2}{}", opf(r#"<meta name="cover" content="a"/>"#, "")), "a.png"),
        ];
        for (opf, href) in cases {
            assert_eq!(cover_href(&opf).as_deref(), Some(href));
        }
        assert_eq!(cover_href(&opf("", r#"<item id="cover" href="c.xhtml" media-type="text/html"/>"#)), None);
        assert_eq!(cover_href("<package"), None);
        // A text that grows when it is read.
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb">]><package>&b;</package>"#;
        assert_eq!(cover_href(bomb), None);
    }

    #[test]
    fn references_stay_in_the_archive() {
        let cases = [
            ("OEBPS/book.opf", "img/c%20d.png", Some("OEBPS/img/c d.png")),
            ("OEBPS/book.opf", "../c.png#x", Some("c.png")),
            ("book.opf", "./c.png", Some("c.png")),
            ("book.opf", "../c.png", None),
            ("book.opf", "c%2+.png", Some("c%2+.png")),
            ("book.opf", "c%ff", None),
        ];
        for (base, href, path) in cases {
            assert_eq!(resolve(base, href).as_deref(), path, "{base} {href}");
        }
    }
}
