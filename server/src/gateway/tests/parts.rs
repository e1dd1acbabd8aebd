//! Several ranges of one file in one answer.

use axum::http::StatusCode;
use sqlx::PgPool;

use super::{Answer, HELLO, Site, site};

/// Takes a multipart body apart: content range and bytes of each part.
fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let media_type = answer.header("content-type");
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let at = |from: usize, what: &[u8]| {
        answer.body[from..].windows(what.len()).position(|window| window == what).map(|found| from + found)
    };
    let mut found = Vec::new();
    let mut place = at(0, &delimiter).unwrap() + delimiter.len();
    while let Some(next) = at(place, &delimiter) {
        let part = &answer.body[place..next];
        let head_end = part.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&part[..head_end]).unwrap();
        let range = head.lines().find_map(|line| line.strip_prefix("Content-Range: ")).unwrap().to_owned();
        assert!(head.contains("Content-Type: "), "{head}");
        found.push((range, part[head_end + 4..].to_vec()));
        place = next + delimiter.len();
    }
    assert_eq!(&answer.body[place..], b"--\r\n");
    found
}

async fn ask(site: &Site, path: &str, range: &str) -> Answer {
    let answer = site.get(&site.path(path), &[("range", range)]).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{range}");
    let head = site.ask(axum::http::Method::HEAD, &site.path(path), &[("range", range)]).await;
    assert_eq!(head.header("content-length"), answer.header("content-length"), "HEAD {range}");
    answer
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn ranges_in_order_all_come(owner: PgPool) {
    let site = site(&owner);
    let size = site.big_bytes.len();
    let answer = ask(&site, "/big.bin", "bytes=0-0,1000-1300000,2000000-2000001,-5").await;
    let expected: Vec<(String, Vec<u8>)> = [(0, 0), (1000, 1_300_000), (2_000_000, 2_000_001), (size - 5, size - 1)]
        .map(|(first, last)| (format!("bytes {first}-{last}/{size}"), site.big_bytes[first..=last].to_vec()))
        .into();
    assert!(parts(&answer) == expected);

    let raw = ask(&site, "/hello.txt?format=raw", "bytes=0-1,3-4").await;
    let expected = [("bytes 0-1/15", &HELLO[..2]), ("bytes 3-4/15", &HELLO[3..5])];
    assert_eq!(parts(&raw), expected.map(|(range, bytes)| (range.to_owned(), bytes.to_vec())));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn odd_sets_get_one_range_or_everything(owner: PgPool) {
    let site = site(&owner);
    for range in ["bytes=3-9,1-2", "bytes=3-9,5-12", "bytes=3-9,3-9", "bytes=99-,3-9", "bytes=3-9, 99-"] {
        let answer = ask(&site, "/hello.txt", range).await;
        assert_eq!(answer.header("content-range"), "bytes 3-9/15", "{range}");
        assert_eq!(answer.body, HELLO[3..=9], "{range}");
    }
    let many: Vec<String> = (0..40).map(|i| format!("{}-{}", i * 100, i * 100 + 1)).collect();
    let answer = site.get(&site.path("/big.bin"), &[("range", &format!("bytes={}", many.join(",")))]).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, site.big_bytes.len()), "too many parts");
}
