//! The gateway through the real router: a small site, its ranges, conditions, fences, and what it keeps to itself.

mod car;
mod denied;
mod known;
mod lost;
mod pages;
mod parts;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use pinreel_content::{Cid, LEAF_BYTES, Stored};
use sqlx::PgPool;

use crate::testing::TestApp;

struct Site {
    test: TestApp,
    root: Cid,
    /// The folder `site` in it.
    site: Cid,
    hello: Stored,
    big: Stored,
    big_bytes: Vec<u8>,
}

const HELLO: &[u8] = b"hello, gateway\n";

/// A folder with a text, a playlist, a file of several leaves, and a folder that has an index page.
fn site(owner: &PgPool) -> Site {
    let test = TestApp::new(owner);
    let store = &test.app.store;
    let big_bytes: Vec<u8> = (0..3 * LEAF_BYTES + 12_345).map(|i| (i % 251) as u8).collect();
    let hello = store.put_bytes(HELLO).unwrap();
    let big = store.put_bytes(&big_bytes).unwrap();
    let list = store.put_bytes(b"#EXTM3U\n").unwrap();
    let page = store.put_bytes(b"<h1>hi</h1>").unwrap();
    let inner = store.put_directory([("index.html", page.into())]).unwrap();
    let entries = [
        ("big.bin", big.into()),
        ("hello.txt", hello.into()),
        ("master.m3u8", list.into()),
        ("site", inner),
        ("ą b%.txt", hello.into()),
    ];
    let root = store.put_directory(entries).unwrap().cid;
    store.publish(&root).unwrap();
    Site { test, root, site: inner.cid, hello, big, big_bytes }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    /// Status, headers, and the body as far as it came, with whether it came whole.
    async fn ask_broken(&self, path: &str) -> (Answer, bool) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, mut body) = self.test.send(request).await.into_parts();
        let (mut bytes, mut is_whole) = (Vec::new(), true);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => is_whole = false,
            }
        }
        (Answer { status: parts.status, headers: parts.headers, body: bytes.into() }, is_whole)
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.test.send(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/ipfs/{}{rest}", self.root)
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn files_come_whole_and_typed(owner: PgPool) {
    let site = site(&owner);
    for (path, content_type, body) in [
        (site.path("/hello.txt"), "text/plain; charset=utf-8", HELLO),
        (site.path("/%C4%85%20b%25.txt"), "text/plain; charset=utf-8", HELLO),
        (site.path("/master.m3u8"), "application/vnd.apple.mpegurl", b"#EXTM3U\n".as_slice()),
        (format!("/ipfs/{}", site.hello.cid), "text/plain; charset=utf-8", HELLO),
        (site.path("/big.bin"), "application/octet-stream", &site.big_bytes),
        (format!("/ipfs/{}", site.big.cid), "application/octet-stream", &site.big_bytes),
        (site.path("/site/"), "text/html", b"<h1>hi</h1>"),
        (site.path("/site/index.html"), "text/html", b"<h1>hi</h1>"),
    ] {
        let answer = site.get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("content-length"), body.len().to_string(), "{path}");
        assert!(answer.body == body, "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=29030400, immutable", "{path}");
        assert_eq!(answer.header("x-ipfs-path"), path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("content-security-policy").starts_with("sandbox;"), "{path}");
        assert!(!answer.headers.contains_key("last-modified") && !answer.headers.contains_key("set-cookie"));

        let head = site.ask(Method::HEAD, &path, &[]).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(head.header("content-length"), body.len().to_string(), "HEAD {path}");
    }
    let answer = site.get(&site.path("/hello.txt"), &[]).await;
    assert_eq!(answer.header("etag"), format!("\"{}\"", site.hello.cid));
    assert_eq!(answer.header("x-ipfs-roots"), format!("{},{}", site.root, site.hello.cid));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn ranges_are_exact(owner: PgPool) {
    let site = site(&owner);
    let size = site.big_bytes.len();
    let path = site.path("/big.bin");
    let leaf = usize::try_from(LEAF_BYTES).unwrap();
    for (range, first, last) in [
        ("bytes=0-0".to_owned(), 0, 0),
        (format!("bytes={}-{}", leaf - 2, leaf + 2), leaf - 2, leaf + 2),
        (format!("bytes={}-", size - 5), size - 5, size - 1),
        ("bytes=-7".to_owned(), size - 7, size - 1),
        (format!("bytes=1-{}", size * 2), 1, size - 1),
        ("bytes=100-200,3-9".to_owned(), 100, 200),
    ] {
        let answer = site.get(&path, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/{size}"));
        assert!(answer.body == site.big_bytes[first..=last], "{range}");
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
    }
    let outside = site.get(&path, &[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header("content-range"), format!("bytes */{size}"));

    let etag = format!("\"{}\"", site.big.cid);
    let same = site.get(&path, &[("range", "bytes=0-1"), ("if-range", &etag)]).await;
    assert_eq!(same.status, StatusCode::PARTIAL_CONTENT);
    let other = site.get(&path, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (StatusCode::OK, size));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn blocks_come_raw(owner: PgPool) {
    let site = site(&owner);
    let by_query = site.get(&site.path("?format=raw"), &[]).await;
    assert_eq!(by_query.header("content-type"), "application/vnd.ipld.raw");
    assert_eq!(by_query.header("etag"), format!("\"{}.raw\"", site.root));
    assert!(by_query.header("content-disposition").starts_with("attachment;"));
    assert_eq!(by_query.body, site.test.app.store.block(&site.root).unwrap().unwrap());

    let path = site.path("/hello.txt");
    let by_accept = site.get(&path, &[("accept", "application/vnd.ipld.raw"), ("range", "bytes=7-9")]).await;
    assert_eq!(by_accept.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(by_accept.body, HELLO[7..=9]);
    assert_eq!(by_accept.header("content-location"), format!("{path}?format=raw"));

    for (query, status, code) in [
        ("?format=dag-json", StatusCode::NOT_ACCEPTABLE, "format_not_acceptable"),
        ("?format=zip", StatusCode::BAD_REQUEST, "format_unknown"),
        ("?format=ipns-record", StatusCode::BAD_REQUEST, "format_unknown"),
    ] {
        let answer = site.get(&site.path(&format!("/hello.txt{query}")), &[]).await;
        assert_eq!(answer.status, status);
        assert!(std::str::from_utf8(&answer.body).unwrap().contains(code), "{query}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn folders_redirect_then_list(owner: PgPool) {
    let site = site(&owner);
    let bare = site.get(&site.path("/site?download=true"), &[]).await;
    assert_eq!(bare.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(bare.header("location"), site.path("/site/?download=true"));
    let listing = site.get(&site.path("/"), &[]).await;
    let page = String::from_utf8(listing.body.to_vec()).unwrap();
    assert_eq!(listing.header("content-type"), "text/html; charset=utf-8");
    assert!(page.contains("hello.txt") && page.contains(&site.hello.cid.to_string()));
    let again = site.get(&site.path("/"), &[("if-none-match", listing.header("etag"))]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn unchanged_content_isn_t_sent_again(owner: PgPool) {
    let site = site(&owner);
    let etag = format!("\"{}\"", site.hello.cid);
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"a\", {etag}"), "*".to_owned()] {
        let answer = site.get(&site.path("/hello.txt"), &[("if-none-match", &tags)]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!(answer.header("etag"), etag);
    }
    for (tags, status) in
        [(etag.as_str(), StatusCode::OK), ("*", StatusCode::OK), ("\"other\"", StatusCode::PRECONDITION_FAILED)]
    {
        let answer = site.get(&site.path("/hello.txt"), &[("if-match", tags)]).await;
        assert_eq!(answer.status, status, "{tags}");
    }
    // A list may come in several lines.
    for path in ["/hello.txt", "/hello.txt", "/big.bin?format=raw", "/"] {
        let etag = site.get(&site.path(path), &[]).await.header("etag").to_owned();
        let known = site.get(&site.path(path), &[("if-none-match", "\"a\""), ("if-none-match", &etag)]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
        let wanted = site.get(&site.path(path), &[("if-match", "\"a\""), ("if-match", &etag)]).await;
        assert_eq!(wanted.status, StatusCode::OK, "{path}");
    }
    let raw = site.get(&site.path("/hello.txt?format=raw"), &[("if-none-match", &etag)]).await;
    assert_eq!(raw.status, StatusCode::OK, "another form has another tag");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn programs_are_fenced_out(owner: PgPool) {
    let site = site(&owner);
    for dest in ["script", "worker", "sharedworker", "serviceworker", "style", "object", "embed"] {
        let answer = site.get(&site.path("/hello.txt"), &[("sec-fetch-dest", dest)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{dest}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains("destination_refused"));
    }
    let video = site.get(&site.path("/hello.txt"), &[("sec-fetch-dest", "video")]).await;
    assert_eq!(video.status, StatusCode::OK);
    assert!(video.header("vary").contains("sec-fetch-dest"), "or a cache would undo the fence");
    let preflight = site.ask(Method::OPTIONS, &site.path("/hello.txt"), &[("origin", "https://a.example")]).await;
    assert_eq!(preflight.status, StatusCode::OK);
    assert!(preflight.header("access-control-allow-headers").contains("range"));
    let worker = site.get(&site.path("/site/"), &[("service-worker", "script")]).await;
    assert_eq!(worker.status, StatusCode::BAD_REQUEST, "as the specification has it");
    let post = site.ask(Method::POST, &site.path("/hello.txt"), &[]).await;
    assert_eq!((post.status, post.header("cache-control")), (StatusCode::METHOD_NOT_ALLOWED, "no-cache"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_isn_t_published_isn_t_there(owner: PgPool) {
    let site = site(&owner);
    let secret = site.test.app.store.put_bytes(b"not yet").unwrap();
    let never = "bafkreiag3th2aaxi4vm7gnt62ntw224brzkrxraok7v4mlfy4ogs223s64";
    let mut told = Vec::new();
    for path in [format!("/ipfs/{}", secret.cid), format!("/ipfs/{never}"), format!("/ipfs/{}/x", secret.cid)] {
        for query in ["", "?format=raw"] {
            let answer = site.get(&format!("{path}{query}"), &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}{query}");
            assert_eq!(answer.header("cache-control"), "no-cache");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            told.push(answer.body);
        }
    }
    assert!(told.iter().all(|body| *body == told[0]), "private and absent look the same");
    for path in [site.path("/nothing"), site.path("/hello.txt/x")] {
        let answer = site.get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains("not_there"), "what a public folder lacks is told");
    }
    for lines in [&["only-if-cached"][..], &["Only-If-Cached, max-age=0"], &["no-store", "only-if-cached"]] {
        let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
        let cached = site.get(&format!("/ipfs/{never}"), &lines).await;
        assert_eq!(cached.status, StatusCode::PRECONDITION_FAILED, "{lines:?}");
    }
    site.test.app.store.publish(&secret.cid).unwrap();
    assert_eq!(site.get(&format!("/ipfs/{}", secret.cid), &[]).await.body, b"not yet".as_slice());
}

/// A published folder can name a private file's CID without making the file public.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_link_to_a_secret_doesn_t_open_it(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let secret = store.put_bytes(b"a private upload").unwrap();
    let trap = store.put_directory([("index.html", secret.into()), ("loot.bin", secret.into())]).unwrap();
    let block = store.block(&trap.cid).unwrap().unwrap();
    let car = [pinreel_content::car::header(&[trap.cid]), pinreel_content::car::frame(&trap.cid, &block)].concat();
    store.import_car(car.as_slice(), pinreel_content::Visibility::Public).unwrap();
    let loot = site.get(&format!("/ipfs/{}/loot.bin", trap.cid), &[]).await;
    assert_eq!(loot.status, StatusCode::NOT_FOUND);
    let index = site.get(&format!("/ipfs/{}/", trap.cid), &[]).await;
    assert!(
        index.header("content-type").starts_with("text/html; charset") && index.body != b"a private upload".as_slice()
    );
}

/// Nor can a published file be made of a private one's leaves.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_of_secret_leaves_stays_closed(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let secret = store.put_bytes(b"a private upload").unwrap();
    let mut block = Vec::new();
    pinreel_content::dagpb::push_link(&mut block, &secret.cid, "", 16);
    pinreel_content::dagpb::push_data(&mut block, &[0x08, 0x02, 0x18, 16, 0x20, 16]);
    let file = pinreel_content::dag_pb_cid(pinreel_content::sha256(&block));
    let car = [pinreel_content::car::header(&[file]), pinreel_content::car::frame(&file, &block)].concat();
    store.import_car(car.as_slice(), pinreel_content::Visibility::Public).unwrap();
    let path = format!("/ipfs/{file}");
    assert_eq!(site.get(&path, &[]).await.status, StatusCode::NOT_FOUND);
    let (tar, is_whole) = site.ask_broken(&format!("{path}?format=tar")).await;
    assert!(!is_whole && !tar.body.windows(7).any(|window| window == b"private"));
    store.publish(&secret.cid).unwrap();
    assert_eq!(site.get(&path, &[]).await.body, b"a private upload".as_slice());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nonsense_is_refused(owner: PgPool) {
    let site = site(&owner);
    for path in ["/ipfs/hello", "/ipfs/bafy", &site.path("/%ff"), "/ipfs/Qm/x"] {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains("path_invalid"), "{path}");
    }
}
