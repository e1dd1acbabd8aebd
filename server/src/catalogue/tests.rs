//! Lists, addresses and pages through the real router.

use std::collections::HashMap;

use axum::body::Body as HttpBody;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use pinreel_records::{Body, Profile, RecordId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::claims::tests::{Creator, claim, erase, name, node, node_with, public_file, stream};
use crate::testing::TestApp;

async fn resolve(test: &TestApp, address: &str) -> (u16, Value) {
    let query: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
    let (status, answer) = test.get(&format!("/api/v1/resolve?url={query}")).await;
    (status.as_u16(), answer)
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn every_form_of_an_address_means_the_same(owner: PgPool) {
    let test = node(&owner).await;
    let origin = &test.app.identity.origin;
    let mut ann = Creator::new(&test, 1, "änne").await;
    let file = public_file(&test, b"a film");
    let id = ann.publish(&test, &claim("mein-film", &file)).await;
    let hex = id.digest_hex();

    let (_, first) = resolve(&test, "@änne/mein-film").await;
    assert_eq!(
        first,
        json!({
            "claim": id,
            "url": format!("@änne@{origin}/mein-film"),
            "title": "About mein-film",
            "source": { "cid": file.cid.to_string(), "bytes": 6, "media_type": "video/mp4" },
            "root": null,
            "renditions": [],
            "origins": ["http://127.0.0.1:8080"],
        })
    );
    for address in [
        "/@änne/mein-film".to_owned(),
        "/@%C3%A4nne/mein-film".to_owned(),
        "@ÄNNE/Mein-Film".to_owned(),
        format!("@änne@{origin}/mein-film"),
        format!("@änne/mein-film:{}", &hex[..6]),
        format!("@änne:{}", &hex[..12]),
        format!("@änne:{hex}"),
        format!("/c/{id}"),
        "http://127.0.0.1:8080/@änne/mein-film?t=7#top".to_owned(),
        format!("http://localhost:8080/c/{id}"),
    ] {
        assert_eq!(resolve(&test, &address).await, (200, first.clone()), "{address}");
    }
    let channel = json!({ "channel": ann.channel(), "url": format!("@änne@{origin}"), "name": "Somebody" });
    for address in ["@änne".to_owned(), format!("@änne@{origin}"), "http://127.0.0.1:8080/@änne".to_owned()] {
        assert_eq!(resolve(&test, &address).await, (200, channel.clone()), "{address}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn four_ways_to_lead_nowhere(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let mut ids: Vec<RecordId> = Vec::new();
    // Seventeen claims share a first digit at least once.
    for number in 0..17 {
        ids.push(ann.publish(&test, &claim(&format!("film-{number}"), &file)).await);
    }
    let mut by_digit: HashMap<String, Vec<RecordId>> = HashMap::new();
    for id in &ids {
        by_digit.entry(id.digest_hex()[..1].to_owned()).or_default().push(*id);
    }
    let (digit, sharing) = by_digit.iter().find(|(_, sharing)| sharing.len() > 1).unwrap();

    let (status, answer) = resolve(&test, &format!("@ann:{digit}")).await;
    assert_eq!((status, &answer["code"]), (409, &json!("ambiguous")));
    let candidates = answer["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), sharing.len().min(10));
    for candidate in candidates {
        let (status, found) = resolve(&test, candidate["url"].as_str().unwrap()).await;
        assert_eq!((status, &found["claim"]), (200, &candidate["claim"]));
    }

    let nobody = RecordId::from_digest([7; 32]);
    for address in [format!("/c/{nobody}"), "@ann/film-99".into(), format!("@ann/film-0:{}", wrong_digit(&ids[0]))] {
        let (status, answer) = resolve(&test, &address).await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{address}");
    }
    for address in ["@bob", "@bob/film-0", "@ann@elsewhere.example", "@ann@elsewhere.example/film-0"] {
        let (status, answer) = resolve(&test, address).await;
        assert_eq!((status, &answer["code"]), (404, &json!("channel_unknown")), "{address}");
    }
    let (status, answer) = resolve(&test, "https://elsewhere.example/@ann/film-0").await;
    assert_eq!((status, &answer["code"]), (404, &json!("not_found")));

    ann.publish(&test, &erase(ids[0])).await;
    for address in ["@ann/film-0".to_owned(), format!("/c/{}", ids[0]), format!("@ann:{}", ids[0].digest_hex())] {
        let (status, answer) = resolve(&test, &address).await;
        assert_eq!((status, &answer["code"]), (410, &json!("erased")), "{address}");
    }
    for address in ["", "ann", "@", "@ann/a/b", "@ann:xyz", "/c/nothing", "@ann%ZZ"] {
        let (status, answer) = resolve(&test, address).await;
        assert_eq!((status, &answer["code"]), (400, &json!("address_malformed")), "{address}");
    }
}

fn wrong_digit(id: &RecordId) -> &'static str {
    if id.digest_hex().starts_with('0') { "1" } else { "0" }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn lists_are_paged_newest_first(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let mut bob = Creator::new(&test, 2, "bob").await;
    let file = public_file(&test, b"a film");
    for number in 0..5 {
        ann.publish(&test, &claim(&format!("film-{number}"), &file)).await;
        bob.publish(&test, &claim(&format!("film-{number}"), &file)).await;
    }
    let mut path = "/api/v1/publications?limit=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let (_, page) = test.get(&path).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|card| card["url"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/publications?limit=3&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 10);
    assert!(seen[0].ends_with("/film-4") && seen[0].starts_with("@bob"), "{seen:?}");
    assert!(seen[9].ends_with("/film-0") && seen[9].starts_with("@ann"), "{seen:?}");

    let (_, channel) = test.get("/api/v1/channels/ann?limit=2").await;
    assert_eq!(channel["items"].as_array().unwrap().len(), 2);
    assert_eq!(channel["items"][0]["title"], "About film-4");
    let (status, answer) = test.get("/api/v1/channels/nobody").await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("channel_unknown")));
    // Limits out of range are brought into it.
    assert_eq!(test.get("/api/v1/publications?limit=-4").await.1["items"].as_array().unwrap().len(), 1);
    assert_eq!(test.get("/api/v1/publications?limit=9999").await.1["items"].as_array().unwrap().len(), 10);
}

/// A page's status and text, from a web app that is nothing but its shell.
async fn page(test: &TestApp, path: &str) -> (u16, String) {
    let response = test.send(Request::get(path).body(HttpBody::empty()).unwrap()).await;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn pages_tell_crawlers_what_they_show(owner: PgPool) {
    let web = tempfile::tempdir().unwrap();
    std::fs::write(web.path().join("index.html"), "<head><!--head--></head><body><!--data--></body>").unwrap();
    let test = node_with(&owner, &["--web", web.path().to_str().unwrap()]).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    ann.publish(&test, &Body::Profile(Profile::new(name("ann"), "Ann <3"))).await;
    let file = public_file(&test, b"a film");
    let mut film = stream("film", &file);
    film.title = "Tom & \"Jerry\" </title>".into();
    film.description = Some("# Hello\n\n*Words* <script>alert(1)</script>".into());
    film.poster = Some(file.cid);
    let id = ann.publish(&test, &Body::Stream(Box::new(film))).await;

    for path in ["/@ann/film".to_owned(), format!("/c/{id}")] {
        let (status, html) = page(&test, &path).await;
        assert_eq!(status, 200);
        assert!(html.contains("<title>Tom &amp; &quot;Jerry&quot; &lt;/title&gt; · Pinreel</title>"), "{html}");
        assert!(html.contains(r#"property="og:description" content="Hello Words"#), "{html}");
        let poster = format!(r#"property="og:image" content="http://127.0.0.1:8080/ipfs/{}""#, file.cid);
        assert!(html.contains(&poster), "{html}");
        assert!(html.contains(r#"<link rel="canonical" href="http://127.0.0.1:8080/@ann/film">"#), "{html}");
        assert!(html.contains(r#""kind":"watch""#) && !html.contains("<script>alert"), "{html}");
    }
    let (status, html) = page(&test, "/@ann").await;
    assert_eq!(status, 200);
    assert!(html.contains("Ann &lt;3 · Pinreel") && html.contains(r#""kind":"channel""#), "{html}");
    let (status, html) = page(&test, "/").await;
    assert_eq!((status, html.contains(r#""kind":"home""#)), (200, true), "{html}");

    for (path, code) in [("/@nobody", "channel_unknown"), ("/@ann/other", "not_found"), ("/@ann/a/b", "not_found")] {
        let (status, html) = page(&test, path).await;
        assert_eq!((status, html.contains(code)), (404, true), "{path}: {html}");
    }
    ann.publish(&test, &erase(id)).await;
    let (status, html) = page(&test, "/@ann/film").await;
    assert_eq!((status, html.contains(r#""code":"erased""#), html.contains("Jerry")), (410, true, false), "{html}");
}
