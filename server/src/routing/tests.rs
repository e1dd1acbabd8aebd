//! The routing API through the real router.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use pinreel_content::LEAF_BYTES;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::TestApp;

async fn ask(test: &TestApp, method: Method, path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty()).unwrap();
    let (parts, body) = test.send(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn providers(test: &TestApp, cid: &str) -> Vec<Value> {
    let (status, headers, body) = ask(test, Method::GET, &format!("/routing/v1/providers/{cid}"), "*/*").await;
    assert_eq!(status, StatusCode::OK, "{cid}: {body}");
    let value: Value = serde_json::from_str(&body).unwrap();
    let list = value["Providers"].as_array().unwrap().clone();
    let age = if list.is_empty() { "public, max-age=15," } else { "public, max-age=300," };
    assert!(headers["cache-control"].to_str().unwrap().starts_with(age));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["vary"], "Accept");
    assert_eq!(headers["last-modified"], "Fri, 15 Jan 2027 08:00:00 GMT");
    assert_eq!(headers["access-control-allow-origin"], "*");
    list
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_is_published_has_this_node_as_its_provider(owner: PgPool) {
    let test = TestApp::with_flags(&owner, &["--url", "https://video.example"]);
    let store = &test.app.store;
    let bytes = vec![7; 2 * LEAF_BYTES as usize + 5];
    let file = store.put_bytes(&bytes).unwrap();
    let leaf = pinreel_content::raw_cid(pinreel_content::sha256(&bytes[2 * LEAF_BYTES as usize..]));
    let root = store.put_directory([("a", file.into())]).unwrap().cid;
    assert_eq!(
        providers(&test, &root.to_string()).await,
        Vec::<Value>::new(),
        "nothing is told before it is published"
    );
    store.publish(&root).unwrap();
    for cid in [root, file.cid, leaf] {
        let found = providers(&test, &cid.to_string()).await;
        let id = found[0]["ID"].as_str().unwrap();
        assert!(id.starts_with("12D3KooW"));
        let expected = json!({
            "Schema": "peer", "ID": id, "Addrs": ["/dns/video.example/tcp/443/https"],
            "Protocols": ["transport-ipfs-gateway-http"],
        });
        assert_eq!(found, [expected], "{cid}");
    }
    for nothing in ["bafkreiag3th2aaxi4vm7gnt62ntw224brzkrxraok7v4mlfy4ogs223s64", "bafkqaaa"] {
        assert_eq!(providers(&test, nothing).await, Vec::<Value>::new());
    }
    assert_eq!(providers(&test, &format!("{root}?filter-addrs=webtransport")).await, Vec::<Value>::new());
    assert_eq!(
        providers(&test, &format!("{root}?filter-addrs=https&filter-protocols=transport-ipfs-gateway-http"))
            .await
            .len(),
        1
    );

    std::fs::write(test.app.data.denylists().join("a.deny"), format!("/ipfs/{root}\n")).unwrap();
    test.app.denylists.refresh();
    assert_eq!(providers(&test, &root.to_string()).await, Vec::<Value>::new(), "what is denied isn't announced");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn lines_come_only_when_asked_for(owner: PgPool) {
    let test = TestApp::new(&owner);
    let file = test.app.store.put_bytes(b"x").unwrap().cid;
    let path = format!("/routing/v1/providers/{file}");
    let (status, headers, body) = ask(&test, Method::GET, &path, "application/x-ndjson").await;
    assert_eq!(
        (status, &headers["content-type"], body.as_str()),
        (StatusCode::OK, &"application/x-ndjson".parse().unwrap(), "")
    );
    test.app.store.publish(&file).unwrap();
    let (_, _, body) = ask(&test, Method::GET, &path, "application/json;q=0.1, application/x-ndjson").await;
    assert_eq!(body.lines().count(), 1);
    let (_, headers, _) = ask(&test, Method::GET, &path, "application/json, application/x-ndjson;q=0.1").await;
    assert_eq!(headers["content-type"], "application/json");
    let record: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(record["Addrs"], json!(["/ip4/127.0.0.1/tcp/8080/http"]));

    let id = record["ID"].as_str().unwrap();
    let (_, _, body) = ask(&test, Method::GET, &format!("/routing/v1/peers/{id}"), "*/*").await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({ "Peers": [record] }));
    let other = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
    let (status, _, body) = ask(&test, Method::GET, &format!("/routing/v1/peers/{other}"), "*/*").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"Peers":[]}"#));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_isn_t_done_is_said(owner: PgPool) {
    let test = TestApp::new(&owner);
    for (method, path, status, code) in [
        (Method::GET, "/routing/v1/providers/hello", StatusCode::UNPROCESSABLE_ENTITY, "cid_invalid"),
        (Method::GET, "/routing/v1/peers/hello", StatusCode::UNPROCESSABLE_ENTITY, "peer_invalid"),
        (Method::PUT, "/routing/v1/providers", StatusCode::NOT_IMPLEMENTED, "routing_not_supported"),
        (Method::PUT, "/routing/v1/providers/bafkqaaa", StatusCode::NOT_IMPLEMENTED, "routing_not_supported"),
        (Method::GET, "/routing/v1/ipns/k51q", StatusCode::NOT_IMPLEMENTED, "routing_not_supported"),
        (Method::GET, "/routing/v1/nonsense", StatusCode::BAD_REQUEST, "routing_path_unknown"),
    ] {
        let (got, headers, body) = ask(&test, method, path, "*/*").await;
        assert_eq!(got, status, "{path}");
        assert!(body.contains(code), "{path}: {body}");
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
    }
    let (status, headers, _) = ask(&test, Method::OPTIONS, "/routing/v1/providers/bafkqaaa", "*/*").await;
    assert!(status.is_success());
    assert_eq!(headers["access-control-allow-methods"], "GET, OPTIONS");
}
