//! Previews of pictures, documents and books, made in the same fence as films.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Cursor, Write};
use std::path::Path;

use common::{clip, colour, exif, ffprobe, make, near, written};
use moxcms::ColorProfile;
use pinreel_runner::{Preview, Transcoded};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const PICTURE: &str = r#"{"preview":{"of":"picture"}}"#;
const PDF: &str = r#"{"preview":{"of":"pdf"}}"#;
const EPUB: &str = r#"{"preview":{"of":"epub"}}"#;

const RED: [u8; 3] = [254, 0, 0];
const BLUE: [u8; 3] = [0, 0, 254];

/// Each size's file, checked: it is a WebP of just that size, no wider than the one after it.
fn sizes(folder: &TempDir, made: &Transcoded) -> Vec<(u32, u32)> {
    let Preview { sizes, .. } = made.preview.clone().unwrap();
    assert_eq!(made.files().count(), sizes.len(), "a preview and nothing else");
    for size in &sizes {
        assert_eq!(size.file.name, format!("preview/{}.webp", size.width));
        let said = ffprobe(&folder.path().join(&size.file.name), &["-show_entries", "stream=codec_name,width,height"]);
        assert_eq!(said.trim(), format!("webp,{},{}", size.width, size.height));
    }
    sizes.iter().map(|size| (size.width, size.height)).collect()
}

/// The colours in the middle of the upper and the lower half of the smallest size.
fn halves(file: &Path) -> ([u8; 3], [u8; 3]) {
    (colour(file, 0.0, "crop=iw/2:ih/4:iw/4:ih/8,"), colour(file, 0.0, "crop=iw/2:ih/4:iw/4:ih*5/8,"))
}

/// Red above, blue below.
fn red_over_blue(size: &str) -> String {
    let half = size.split_once('x').unwrap().1.parse::<u32>().unwrap() / 2;
    format!("-f lavfi -i color=red:size={size},drawbox=y={half}:color=blue:t=fill -frames:v 1")
}

#[test]
fn pictures_of_each_kind_come_in_sizes_that_are_never_larger() {
    let kinds = [
        ("jpg", ""),
        ("png", ""),
        ("webp", ""),
        ("gif", ""),
        ("bmp", ""),
        ("tiff", ""),
        ("avif", " -c:v libsvtav1 -f avif"),
    ];
    for (kind, how) in kinds {
        let (_folder, file) = clip(&format!("a.{kind}"), &format!("{}{how}", red_over_blue("800x600")));
        let (folder, made) = make(&file, PICTURE).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(sizes(&folder, &made), [(320, 240), (640, 480), (800, 600)], "{kind}");
        let preview = made.preview.unwrap();
        assert_eq!((preview.width, preview.height), (800, 600), "{kind}");
        for size in &preview.sizes {
            let (above, below) = halves(&folder.path().join(&size.file.name));
            assert!(near(above, RED, 30) && near(below, BLUE, 30), "{kind} {}: {above:?} {below:?}", size.width);
        }
    }
    let (_folder, tiny) = clip("tiny.png", "-f lavfi -i color=red:size=16x16,scale=1:1 -frames:v 1");
    let (folder, made) = make(&tiny, PICTURE).unwrap();
    assert_eq!(sizes(&folder, &made), [(1, 1)]);
    // Tens of megabytes, which say what they are only at their end.
    let (_folder, heavy) =
        clip("heavy.tiff", &format!("{} -pix_fmt rgb24 -compression_algo raw", red_over_blue("4000x2400")));
    assert!(heavy.metadata().unwrap().len() > 25_000_000);
    let (folder, made) = make(&heavy, PICTURE).unwrap();
    assert_eq!(sizes(&folder, &made).last(), Some(&(1920, 1152)));
    let (_folder, large) = clip("large.jpg", &red_over_blue("5000x3000"));
    let (folder, made) = make(&large, PICTURE).unwrap();
    assert_eq!(sizes(&folder, &made), [(320, 192), (640, 384), (1280, 768), (1920, 1152)]);
}

#[test]
fn photographs_stand_upright_and_tell_no_secrets() {
    let (_folder, file) = clip("a.jpg", &red_over_blue("800x400"));
    let plain = std::fs::read(&file).unwrap();
    for (orientation, crop, upright) in [
        (1, "crop=iw/2:ih/4:iw/4:ih/8,", (800, 400)),
        (3, "crop=iw/2:ih/4:iw/4:ih*5/8,", (800, 400)),
        (6, "crop=iw/4:ih/2:iw*5/8:ih/4,", (400, 800)),
        (8, "crop=iw/4:ih/2:iw/8:ih/4,", (400, 800)),
    ] {
        let mut bytes = plain[..2].to_vec();
        bytes.extend(exif(orientation));
        bytes.extend(&plain[2..]);
        let (_folder, turned) = written("a.jpg", &bytes);
        let (folder, made) = make(&turned, PICTURE).unwrap();
        let all = sizes(&folder, &made);
        assert_eq!(all.last(), Some(&upright), "{orientation}");
        let preview = made.preview.unwrap();
        assert_eq!((preview.width, preview.height), upright, "{orientation}");
        let first = folder.path().join(&preview.sizes[0].file.name);
        let seen = colour(&first, 0.0, crop);
        assert!(near(seen, RED, 30), "{orientation}: {seen:?}");
        assert!(!std::fs::read(first).unwrap().windows(6).any(|window| window == b"SECRET"));
    }
}

/// Orientations that ffmpeg's readers pass over: a PNG's, a TIFF's, an AVIF's own.
#[test]
fn pictures_of_other_kinds_stand_upright_too() {
    let with_chunk = |png: &[u8]| {
        // Behind the header; what an EXIF segment of a JPEG holds begins at its tenth byte.
        let (head, rest) = png.split_at(33);
        let block = exif(6).split_off(10);
        let mut chunk = (block.len() as u32).to_be_bytes().to_vec();
        chunk.extend([b"eXIf", &block[..]].concat());
        let check = crc32(&chunk[4..]);
        [head, &chunk, &check.to_be_bytes()[..], rest].concat()
    };
    // In place of the kind of subfile; fields are sorted.
    let with_field = |tiff: &[u8]| {
        let at = u32::from_le_bytes(*tiff[4..].first_chunk().unwrap()) as usize;
        let end = at + 2 + 12 * usize::from(tiff[at]);
        let mut fields: Vec<[u8; 12]> = tiff[at + 2..end].as_chunks().0.to_vec();
        fields.retain(|field| field[..2] != [254, 0]);
        fields.push(*b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
        fields.sort_by_key(|field| u16::from_le_bytes([field[0], field[1]]));
        [&tiff[..at + 2], fields.as_flattened(), &tiff[end..]].concat()
    };
    // In place of its colours.
    let with_property = |avif: &[u8]| {
        let (at, mut avif) = (avif.windows(4).position(|part| part == b"colr").unwrap(), avif.to_vec());
        avif[at..at + 5].copy_from_slice(b"irot\x03");
        avif
    };
    type Turned<'f> = &'f dyn Fn(&[u8]) -> Vec<u8>;
    let kinds: [(&str, &str, Turned); 3] = [
        ("a.png", "", &with_chunk),
        ("a.tiff", "", &with_field),
        ("a.avif", " -c:v libsvtav1 -f avif -color_primaries bt709", &with_property),
    ];
    for (name, how, turned) in kinds {
        let (_folder, file) = clip(name, &format!("{}{how}", red_over_blue("800x400")));
        let (_folder, file) = written(name, &turned(&std::fs::read(file).unwrap()));
        let (folder, made) = make(&file, PICTURE).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(sizes(&folder, &made).last(), Some(&(400, 800)), "{name}");
        let first = folder.path().join(&made.preview.unwrap().sizes[0].file.name);
        let (right, left) =
            (colour(&first, 0.0, "crop=iw/4:ih/2:iw*5/8:ih/4,"), colour(&first, 0.0, "crop=iw/4:ih/2:iw/8:ih/4,"));
        assert!(near(right, RED, 30) && near(left, BLUE, 30), "{name}: {left:?} {right:?}");
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// A JPEG that says its colours are Display P3's.
fn with_profile(jpeg: &[u8]) -> Vec<u8> {
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let length = u16::try_from(profile.len() + 16).unwrap();
    [&jpeg[..2], b"\xff\xe2", &length.to_be_bytes(), b"ICC_PROFILE\0\x01\x01", &profile, &jpeg[2..]].concat()
}

#[test]
fn colours_are_those_that_their_profile_says() {
    // By littlecms, (220, 30, 30) of Display P3 is (240, 0, 0) of sRGB, and (30, 200, 30) is (0, 204, 0).
    let (_folder, file) =
        clip("a.jpg", "-f lavfi -i color=0xdc1e1e:size=400x400,drawbox=y=200:color=0x1ec81e:t=fill -frames:v 1 -q:v 1");
    let bytes = std::fs::read(file).unwrap();
    for (bytes, red, green) in
        [(with_profile(&bytes), [240, 0, 0], [0, 204, 0]), (bytes.clone(), [220, 30, 30], [30, 200, 30])]
    {
        let (_folder, file) = written("a.jpg", &bytes);
        let (folder, _) = make(&file, PICTURE).unwrap();
        let (above, below) = halves(&folder.path().join("preview/320.webp"));
        assert!(near(above, red, 8) && near(below, green, 8), "{above:?} {below:?}");
        let (folder, _) = make(&file, "\"picture\"").unwrap();
        let (above, below) = halves(&folder.path().join("poster.jpg"));
        assert!(near(above, red, 8) && near(below, green, 8), "{above:?} {below:?}");
    }
}

#[test]
fn what_is_transparent_stays_so_and_moving_pictures_show_their_first() {
    // Green where it is opaque, on the left; on the right transparent, and white beneath.
    let filter = "color=white:size=400x200,format=rgba,geq=r=if(lt(X\\,200)\\,0\\,255):g=if(lt(X\\,200)\\,128\\,255)\
                  :b=if(lt(X\\,200)\\,0\\,255):a=if(lt(X\\,200)\\,255\\,0)";
    let (_folder, file) = clip("a.png", &format!("-f lavfi -i {filter} -frames:v 1"));
    let (folder, made) = make(&file, PICTURE).unwrap();
    let largest = folder.path().join(&made.preview.unwrap().sizes.last().unwrap().file.name);
    assert_eq!(ffprobe(&largest, &["-show_entries", "stream=pix_fmt"]).trim(), "yuva420p");
    let alpha = |crop: &str| colour(&largest, 0.0, &format!("{crop},alphaextract,format=gray,"));
    assert_eq!((alpha("crop=50:50:20:20"), alpha("crop=50:50:330:20")), ([255; 3], [0; 3]));
    let seen = colour(&largest, 0.0, "crop=100:100:20:20,");
    assert!(near(seen, [0, 128, 0], 20), "{seen:?}");

    for (name, codec) in
        [("a.gif", "-loop 0"), ("a.webp", "-c:v libwebp_anim -lossless 1"), ("a.png", "-f apng -plays 0")]
    {
        let source =
            "-f lavfi -i color=red:size=200x100:rate=5:duration=1,drawbox=color=blue:t=fill:enable='gte(t,0.2)'";
        let (_folder, moving) = clip(name, &format!("{source} {codec}"));
        let (folder, made) = make(&moving, PICTURE).unwrap();
        let seen = colour(&folder.path().join(&made.preview.unwrap().sizes[0].file.name), 0.0, "");
        assert!(near(seen, RED, 30), "{seen:?}");
    }
}

/// A PNG whose header claims a size, with nothing behind it.
fn claimed_png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend(b"\x08\x02\0\0\0\0\0\0\0");
    png.extend([0; 64]);
    png
}

#[test]
fn bombs_and_broken_pictures_are_refused_by_name() {
    let (_folder, bomb) = written("bomb.png", &claimed_png(16_000, 16_000));
    let (code, reason) = make(&bomb, PICTURE).unwrap_err();
    assert_eq!(code, "picture_too_large");
    assert!(reason.contains("16000 by 16000") && reason.contains("100 megapixels"), "{reason}");
    // One that is real: a few kilobytes that become 768 MB.
    let (_folder, bomb) = clip("bomb.png", "-f lavfi -i color=black:size=16000x16000 -frames:v 1 -pix_fmt monob");
    assert!(bomb.metadata().unwrap().len() < 1 << 20);
    assert_eq!(make(&bomb, PICTURE).unwrap_err().0, "picture_too_large");

    let (_folder, whole) = clip("a.png", &red_over_blue("800x600"));
    let whole = std::fs::read(whole).unwrap();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script><image href=\"file:///etc/passwd\"/></svg>";
    let cases: [(&str, &[u8]); 6] = [
        ("text.jpg", b"Once upon a time"),
        ("empty.png", b""),
        ("cut.png", &whole[..40]),
        ("a.svg", svg),
        ("film.png", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"),
        ("zeros.webp", &[0; 4096]),
    ];
    for (name, bytes) in cases {
        let (_folder, file) = written(name, bytes);
        let (code, reason) = make(&file, PICTURE).unwrap_err();
        assert_eq!(code, "picture_unusable", "{name}: {reason}");
    }
}

/// A document of one page of this size, with what is drawn on it.
fn pdf(size: (u32, u32), drawn: &str, trailer: &str) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
            size.0, size.1
        ),
        format!("<< /Length {} >>\nstream\n{drawn}\nendstream", drawn.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).bytes());
    }
    let table = bytes.len();
    bytes.extend(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        bytes.extend(format!("{place:010} 00000 n \n").bytes());
    }
    bytes.extend(format!("trailer\n<< /Size 6 /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n").bytes());
    bytes
}

const HALVES: &str = "1 0 0 rg 0 421 595 421 re f 0 0 1 rg 0 0 595 421 re f";

#[test]
fn a_document_shows_its_first_page() {
    let (_folder, file) = written("a.pdf", &pdf((595, 842), HALVES, ""));
    let (folder, made) = make(&file, PDF).unwrap();
    assert_eq!(sizes(&folder, &made), [(320, 453), (640, 906), (1280, 1811)]);
    let preview = made.preview.unwrap();
    assert_eq!((preview.width, preview.height), (595, 842));
    let (above, below) = halves(&folder.path().join("preview/320.webp"));
    assert!(near(above, RED, 20) && near(below, BLUE, 20), "{above:?} {below:?}");

    // Words, on white paper, though no font comes with the document.
    let words = "BT /F 60 Tf 40 100 Td (Hello) Tj ET";
    let (_folder, file) = written("b.pdf", &pdf((400, 200), words, ""));
    let (folder, _) = make(&file, PDF).unwrap();
    let seen = |crop: &str| colour(&folder.path().join("preview/640.webp"), 0.0, crop);
    assert!(near(seen("crop=100:40:500:260,"), [255; 3], 3), "{:?}", seen("crop=100:40:500:260,"));
    assert!(seen("crop=240:60:64:96,")[0] < 240, "{:?}", seen("crop=240:60:64:96,"));
}

#[test]
fn documents_that_cannot_be_drawn_say_why() {
    let key = "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]";
    let secret = "00".repeat(32);
    let lock = format!("{key} /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{secret}> /U <{secret}> >>");
    let (_folder, locked) = written("locked.pdf", &pdf((595, 842), HALVES, &lock));
    let (code, reason) = make(&locked, PDF).unwrap_err();
    assert_eq!(code, "document_protected", "{reason}");
    assert!(reason.contains("password"), "{reason}");
    let whole = pdf((595, 842), HALVES, "");
    let line = pdf((14_400, 1), "", "");
    let cases: [(&str, &[u8]); 4] = [
        ("empty.pdf", b""),
        ("text.pdf", b"%PDF-1.7 and nothing else"),
        ("cut.pdf", &whole[..30]),
        ("line.pdf", &line),
    ];
    for (name, bytes) in cases {
        let (_folder, file) = written(name, bytes);
        let (code, reason) = make(&file, PDF).unwrap_err();
        assert_eq!(code, "document_unusable", "{name}: {reason}");
    }
}

#[test]
fn however_much_a_document_holds_it_ends() {
    let open = "q ".repeat(2_000_000);
    let nested = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let lines = |n: usize| format!("{} {} m {} {} l S\n", n % 595, n % 7, n * 31 % 595, 842 - n % 11);
    let many = (0..150_000).map(lines).collect::<String>();
    for drawn in [open, nested, many] {
        let (_folder, file) = written("deep.pdf", &pdf((595, 842), &drawn, ""));
        if let Err((code, reason)) = make(&file, PDF) {
            assert!(["document_unusable", "out_of_memory"].contains(&code.as_str()), "{code}: {reason}");
        }
    }
}

fn book(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut book = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        book.start_file(*name, SimpleFileOptions::default()).unwrap();
        book.write_all(bytes).unwrap();
    }
    book.finish().unwrap().into_inner()
}

const CONTAINER: &[u8] = br#"<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
    <rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"#;
const PACKAGE: &[u8] = br#"<package xmlns="http://www.idpf.org/2007/opf"><manifest>
    <item id="x" href="img/cover.png" media-type="image/png" properties="cover-image"/></manifest></package>"#;

#[test]
fn a_book_shows_its_cover() {
    let (_folder, cover) = clip("cover.png", &red_over_blue("600x900"));
    let cover = std::fs::read(cover).unwrap();
    let parts: [(&str, &[u8]); 3] =
        [("META-INF/container.xml", CONTAINER), ("OEBPS/book.opf", PACKAGE), ("OEBPS/img/cover.png", &cover)];
    let (_folder, file) = written("a.epub", &book(&parts));
    let (folder, made) = make(&file, EPUB).unwrap();
    assert_eq!(sizes(&folder, &made), [(320, 480), (600, 900)]);
    let (above, below) = halves(&folder.path().join("preview/320.webp"));
    assert!(near(above, RED, 30) && near(below, BLUE, 30), "{above:?} {below:?}");

    let huge = claimed_png(60_000, 60_000);
    let cases: [(&str, &str, Vec<u8>); 4] = [
        ("document_unusable", "no book", b"PK\x03\x04 and nothing".to_vec()),
        ("document_unusable", "no package", book(&parts[..1])),
        ("no_cover", "no picture", book(&parts[..2])),
        ("picture_too_large", "a bomb", book(&[parts[0], parts[1], ("OEBPS/img/cover.png", &huge)])),
    ];
    for (code, what, bytes) in cases {
        let (_folder, file) = written("a.epub", &bytes);
        assert_eq!(make(&file, EPUB).unwrap_err().0, code, "{what}");
    }
}
