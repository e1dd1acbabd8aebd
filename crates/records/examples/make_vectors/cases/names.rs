//! Names, slugs and addresses with their normal forms, and what is refused.

use pinreel_records::{Address, Located, Name, RecordId, slug_from_title};
use serde_json::{Value as Json, json};

pub fn cases() -> Json {
    json!({
        "names": {
            "valid": VALID.iter().map(|input| json!({ "input": input, "normal": Name::parse(input).expect(input) })).collect::<Vec<_>>(),
            "invalid": invalid_names().into_iter().map(|input| {
                json!({ "error": Name::parse(&input).expect_err(&input).code(), "input": input })
            }).collect::<Vec<_>>(),
        },
        "slugs": titles().into_iter().map(|title| json!({ "slug": slug_from_title(&title), "title": title })).collect::<Vec<_>>(),
        "addresses": {
            "valid": valid_addresses().into_iter().map(|input| address(&input)).collect::<Vec<_>>(),
            "invalid": invalid_addresses().into_iter().map(|input| {
                json!({ "error": Located::parse(&input).expect_err(&input).code(), "input": input })
            }).collect::<Vec<_>>(),
        },
    })
}

const VALID: &[&str] = &[
    "a",
    "alice",
    "ALICE",
    "Alice_B-2",
    "_a-",
    "7",
    "٣",
    "straße",
    "STRASSE",
    "ẞ",
    "Σίσυφος",
    "ΣΊΣΥΦΟΣ",
    "İstanbul",
    "ısırgan",
    "ﬁlm",
    "Ａｌｉｃｅ",
    "é",
    "e\u{301}",
    "日本語",
    "한국어",
    "हिन्दी",
    "ไทย",
    "العربية",
    "עברית",
    "ᏣᎳᎩ",
    "ꮳꮃꭹ",
    "x²",
    "ⅷ",
    "①",
    "Ǆ",
    "ᾳ",
    "ŉ",
    "ſ",
    "𝓐lice",
    "தமிழ்",
];

fn invalid_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        " ",
        "a b",
        "a.b",
        ".",
        "a/b",
        "a@b",
        "a:b",
        "a\u{200b}b",
        "a\u{200d}b",
        "\u{feff}a",
        "a\u{ad}b",
        "\u{3164}",
        "a\u{fe0f}",
        "a\u{202e}b",
        "😀",
        "a\nb",
        "a\0",
        "\u{301}a",
        "---",
        "_-_",
        "a%20b",
        "a+b",
        "ａ．ｂ",
        "½",
        "℀",
        "ﷺ",
        "a!",
    ]
    .map(str::to_owned)
    .into();
    names.extend(["a".repeat(81), "ﬃ".repeat(27), "ß".repeat(41), "x".repeat(3000)]);
    names
}

fn titles() -> Vec<String> {
    let mut titles: Vec<String> = [
        "First",
        "Big Buck Bunny",
        "  Hello,   World!  ",
        "A - B -- C",
        "--x--",
        "snake_case stays",
        "Straße nach Süden",
        "Σίσυφος",
        "日本語 のタイトル",
        "हिन्दी शीर्षक",
        "e\u{301}tude",
        "\u{301}mark first",
        "a \u{301}b",
        "100% pure; 50/50",
        "C:\\path\\file.mp4",
        "😀",
        "...",
        "",
        "½ price",
        "ＦＵＬＬ　ＷＩＤＴＨ",
        "zero\u{200b}width",
        "ﷺ",
    ]
    .map(str::to_owned)
    .into();
    titles.extend(["x".repeat(100), format!("{} y z", "x".repeat(78)), "ab ".repeat(60), "ﷺ".repeat(30)]);
    titles
}

fn address(input: &str) -> Json {
    let located = Located::parse(input).expect(input);
    let text = located.address.to_string();
    let mut json = json!({ "input": input, "text": text, "path": located.address.path() });
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            json[name] = json!(value);
        }
    };
    put("node", located.node);
    match located.address {
        Address::Claim(claim) => put("claim", Some(claim.to_string())),
        Address::Named { handle, origin, slug, prefix } => {
            put("handle", Some(handle.to_string()));
            put("origin", origin.map(|origin| origin.to_string()));
            put("slug", slug.map(|slug| slug.to_string()));
            put("prefix", prefix.map(|prefix| prefix.as_str().to_owned()));
        }
    }
    json
}

fn valid_addresses() -> Vec<String> {
    let claim = RecordId::of(b"claim").to_string();
    let mut addresses: Vec<String> = [
        "@alice",
        "/@alice",
        "@Alice",
        "@alice/first",
        "/@alice/First",
        "@alice@pinreel.example",
        "@alice@Pinreel.Example/first",
        "@alice@node-0123abcd.local/first:0",
        "@alice/first:00ff",
        "@alice/first:00FF",
        "@alice:9a",
        "/@alice:9a",
        "@alice@pinreel.example:9a",
        "/@alice/first%3A00ff",
        "/%40alice/first",
        "@stra%C3%9Fe/%E6%97%A5%E6%9C%AC",
        "@straße/日本",
        "/@alice/caf%C3%A9",
        "/@alice/cafe%CC%81",
        "http://127.0.0.1:8080/@alice/first",
        "https://Pinreel.Example/@alice/first?t=10#comments",
        "http://[::1]:8080/@alice",
        "https://pinreel.example/@alice@elsewhere.example/first:ab",
    ]
    .map(str::to_owned)
    .into();
    addresses.extend([
        format!("/c/{claim}"),
        format!("https://pinreel.example/c/{claim}?t=1"),
        format!("@alice/first:{}", RecordId::of(b"claim").digest_hex()),
    ]);
    addresses
}

fn invalid_addresses() -> Vec<String> {
    let claim = RecordId::of(b"claim").to_string();
    let file = pinreel_records::content_cid(0x55, b"file").to_string();
    let mut addresses: Vec<String> = [
        "",
        "/",
        "alice",
        "/alice",
        "//@alice",
        "@",
        "@/first",
        "@alice/",
        "/@alice/first/",
        "@alice/first/more",
        "@alice/:00",
        "@alice//first",
        "@alice/first:",
        "@alice/first:xyz",
        "@alice/first:00:11",
        "@alice:",
        "@alice:00/first",
        "@alice@",
        "@alice@/first",
        "@alice@host:8080/first",
        "@alice@a@b",
        "@alice@ho_st",
        "@alice/a.b",
        "@al ice",
        "@alice%2Ffirst",
        "@alice/%zz",
        "@alice/%",
        "@alice/%ff",
        "@alice/first?t=1",
        "@alice/first#x",
        "/c",
        "/c/",
        "/c/x",
        "https://pinreel.example",
        "https://pinreel.example/",
        "https://user@pinreel.example/@alice",
        "https:///@alice",
        "ftp://pinreel.example/@alice",
        "HTTPS://pinreel.example/@alice",
        "lbry://@alice/first",
    ]
    .map(str::to_owned)
    .into();
    addresses.extend([
        format!("c/{claim}"),
        format!("/c/{claim}/more"),
        format!("/c/{}", claim.to_uppercase()),
        format!("/c/{file}"),
        format!("/c/{claim}a"),
        format!("@alice/first:{}", "0".repeat(65)),
        format!("@{}", "a".repeat(81)),
        format!("@alice/{}", "a".repeat(5000)),
    ]);
    addresses
}
