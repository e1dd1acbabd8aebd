//! `/metrics` through the real router, read as a Prometheus reads it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use sqlx::PgPool;

use crate::http::Peer;
use crate::testing::TestApp;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A family as the text format has it.
#[derive(Debug, Default)]
struct Family {
    help: String,
    kind: String,
    /// By what stands before the value.
    samples: BTreeMap<String, f64>,
}

/// Reads the text format (version 0.0.4), and fails on what a Prometheus would refuse.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'));
    let (mut families, mut now) = (BTreeMap::<String, Family>::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!families.contains_key(name), "{name} comes twice");
            families.insert(name.to_owned(), Family { help: help.to_owned(), ..Family::default() });
            now = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, now, "TYPE stands below its HELP");
            families.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            assert!(bare && (!sample.contains('{') || sample.ends_with("\"}")), "{line}");
            let family = families.get_mut(&now).unwrap();
            let parts = if family.kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
            assert!(parts.iter().any(|part| name == format!("{now}{part}")), "{line} stands under {now}");
            let before = family.samples.insert(sample.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{sample} comes twice");
        }
    }
    families
}

async fn ask(test: &TestApp, from: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::get("/metrics").extension(Peer(from.parse::<IpAddr>().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    test.send(request.body(Body::empty()).unwrap()).await
}

async fn read(test: &TestApp) -> BTreeMap<String, Family> {
    let response = ask(test, "127.0.0.1", &[("host", "127.0.0.1:8080")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    parse(std::str::from_utf8(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

fn sample(families: &BTreeMap<String, Family>, sample: &str) -> f64 {
    let name = sample.split('{').next().unwrap();
    let family = families.get(name).or_else(|| families.get(name.rsplit_once('_').unwrap().0));
    family.and_then(|family| family.samples.get(sample)).copied().unwrap_or_else(|| panic!("there is no {sample}"))
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn every_number_is_named_explained_and_documented(owner: PgPool) {
    let test = TestApp::new(&owner);
    test.get("/api/v1/node").await;
    let families = read(&test).await;
    let documented = include_str!("../../../docs/metrics.md");
    for (name, family) in &families {
        assert!(name.starts_with("pinreel_") || name.starts_with("process_"), "{name}");
        assert!(family.help.len() > 10 && !family.samples.is_empty(), "{name}");
        assert!(documented.contains(&format!("`{name}`")), "docs/metrics.md says nothing of {name}");
        assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name} is a {}", family.kind);
    }
    for line in documented.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap();
        assert!(families.contains_key(name), "docs/metrics.md speaks of {name}");
    }
    for part in ["store", "database"] {
        assert_eq!(sample(&families, &format!("pinreel_measured{{part=\"{part}\"}}")), 1.0);
    }
    assert!(sample(&families, "process_resident_memory_bytes") > 1e6);
    assert!(sample(&families, "pinreel_store_free_bytes") > 0.0);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn requests_and_content_are_counted(owner: PgPool) {
    let test = TestApp::new(&owner);
    let file = test.app.store.put_bytes(&vec![7; 100_000]).unwrap();
    test.app.store.publish(&file.cid).unwrap();
    let get = |path: String| Request::get(path).body(Body::empty()).unwrap();
    let path = format!("/ipfs/{}", file.cid);
    let whole = test.send(get(path.clone())).await.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(whole.len(), 100_000);
    let part = Request::get(&path).header(header::RANGE, "bytes=10-19").body(Body::empty()).unwrap();
    test.send(part).await.into_body().collect().await.unwrap();
    test.send(Request::head(&path).body(Body::empty()).unwrap()).await;
    test.send(get("/ipfs/nonsense".to_owned())).await;
    test.get("/api/v1/uploads/5/events").await;
    test.get("/api/v1/uploads/6/events").await;
    test.send(Request::builder().method("BREW").uri("/healthz").body(Body::empty()).unwrap()).await;
    let families = read(&test).await;
    let total = |route: &str, method: &str, status: &str| {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        sample(&families, &format!("pinreel_http_requests_total{{{labels}}}"))
    };
    assert_eq!(total("/ipfs/{*path}", "GET", "2xx"), 2.0);
    assert_eq!(total("/ipfs/{*path}", "HEAD", "2xx"), 1.0);
    assert_eq!(total("/ipfs/{*path}", "GET", "4xx"), 1.0);
    assert_eq!(total("/api/v1/uploads/{id}/events", "GET", "4xx"), 2.0);
    assert_eq!(total("/healthz", "other", "4xx"), 1.0);
    assert_eq!(sample(&families, "pinreel_http_request_seconds_count{route=\"/ipfs/{*path}\"}"), 4.0);
    assert_eq!(sample(&families, "pinreel_http_request_seconds_bucket{route=\"/ipfs/{*path}\",le=\"+Inf\"}"), 4.0);
    // And the two sentences about what isn't a CID.
    let sent = sample(&families, "pinreel_gateway_sent_bytes_total");
    assert!((100_010.0..101_000.0).contains(&sent), "{sent}");
    assert_eq!(sample(&families, "pinreel_gateway_broken_answers_total"), 0.0);
    assert_eq!(sample(&families, "pinreel_store_files"), 1.0);
    assert_eq!(sample(&families, "pinreel_store_file_bytes"), 100_000.0);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn answers_that_break_off_are_counted(owner: PgPool) {
    let test = TestApp::new(&owner);
    let held = test.app.store.put_bytes(&[1; 10]).unwrap();
    let absent = pinreel_content::hash_bytes(b"nobody has this");
    let folder = [("a", held.into()), ("b", absent.into())];
    let folder = test.app.store.put_directory(folder).unwrap();
    test.app.store.publish(&folder.cid).unwrap();
    let response =
        test.send(Request::get(format!("/ipfs/{}?format=car", folder.cid)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(sample(&read(&test).await, "pinreel_gateway_broken_answers_total"), 1.0);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_queues_are_told(owner: PgPool) {
    let test = TestApp::new(&owner);
    let job = "insert into job (id, source, recipe, source_bytes, file_name, media_type, state, created_ms, updated_ms)
               values (gen_random_uuid(), $1, 'r', 1, 'a', 'video/mp4', 'queued', $2, $2)";
    let now_ms = test.app.clock.now_ms();
    for (source, at_ms) in [("a", now_ms - 90_000), ("b", now_ms - 1_000)] {
        sqlx::query(job).bind(source).bind(at_ms).execute(&owner).await.unwrap();
    }
    let pin = "insert into pin (root, role, name, state, next_try_ms, created_ms, updated_ms)
               values ($1, 'hls', 'n', $1, 0, $2, $2)";
    for state in ["pending", "failed"] {
        sqlx::query(pin).bind(state).bind(now_ms - 5_000).execute(&owner).await.unwrap();
    }
    let upload = "insert into upload (id, channel, file_name, media_type, size_bytes, created_ms, expires_ms)
                  values (gen_random_uuid(), 'c', 'f', 'video/mp4', 700, 0, 1)";
    sqlx::query(upload).execute(&owner).await.unwrap();
    let families = read(&test).await;
    for (name, value) in [
        ("pinreel_transcoding_jobs{state=\"queued\"}", 2.0),
        ("pinreel_transcoding_jobs{state=\"running\"}", 0.0),
        ("pinreel_transcoding_oldest_queued_seconds", 90.0),
        ("pinreel_kubo_pins{state=\"pending\"}", 1.0),
        ("pinreel_kubo_pins{state=\"failed\"}", 1.0),
        ("pinreel_kubo_oldest_pending_seconds", 5.0),
        ("pinreel_uploads{state=\"receiving\"}", 1.0),
        ("pinreel_upload_size_bytes{state=\"receiving\"}", 700.0),
        ("pinreel_kubo_known", 0.0),
    ] {
        assert_eq!(sample(&families, name), value, "{name}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn without_the_database_the_rest_is_still_told(owner: PgPool) {
    let test = TestApp::new(&owner);
    test.app.database.close().await;
    let families = read(&test).await;
    assert_eq!(sample(&families, "pinreel_measured{part=\"database\"}"), 0.0);
    assert_eq!(sample(&families, "pinreel_measured{part=\"store\"}"), 1.0);
    assert!(!families.contains_key("pinreel_uploads") && families.contains_key("pinreel_store_files"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn strangers_and_pages_of_other_sites_read_nothing(owner: PgPool) {
    let test = TestApp::new(&owner);
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("192.0.2.1", &[]),
        ("192.0.2.1", &[("x-forwarded-for", "127.0.0.1")]),
        ("127.0.0.1", &[("x-forwarded-for", "192.0.2.1")]),
        ("127.0.0.1", &[("origin", "https://elsewhere.example")]),
        ("127.0.0.1", &[("host", "rebound.example:8080")]),
        ("192.0.2.1", &[("authorization", "Bearer 0123456789abcdef0123456789abcdef")]),
    ];
    for (from, headers) in cases {
        let response = ask(&test, from, headers).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{from} {headers:?}");
        let problem = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!(problem["code"], "metrics_private");
        assert!(problem["detail"].as_str().unwrap().contains("PINREEL_METRICS_TOKEN"));
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn whoever_has_the_token_reads_from_anywhere(owner: PgPool) {
    let test = TestApp::with_flags(&owner, &["--metrics-token", TOKEN]);
    let right = format!("Bearer {TOKEN}");
    assert_eq!(ask(&test, "192.0.2.1", &[("authorization", &right)]).await.status(), StatusCode::OK);
    for wrong in ["Bearer 0123456789abcdef0123456789abcdee", "Bearer ", "Basic x"] {
        let response = ask(&test, "192.0.2.1", &[("authorization", wrong)]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{wrong}");
    }
    assert_eq!(ask(&test, "127.0.0.1", &[]).await.status(), StatusCode::OK);
}
