//! What every request meets, whatever it asks for.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Version, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Peer;
use super::guard::check_host;
use crate::testing::{ORIGIN, TestApp};

#[test]
fn http_1_1_names_one_host() {
    let request = |version: Version, hosts: &[&str]| {
        let request = Request::get("/").version(version);
        hosts.iter().fold(request, |request, host| request.header(header::HOST, *host)).body(()).unwrap()
    };
    for (version, hosts, is_right) in [
        (Version::HTTP_11, &["a.example"][..], true),
        (Version::HTTP_11, &[], false),
        (Version::HTTP_11, &["a.example", "b.example"], false),
        (Version::HTTP_10, &[], true),
        (Version::HTTP_2, &[], true),
    ] {
        assert_eq!(check_host(&request(version, hosts)).is_ok(), is_right, "{version:?} {hosts:?}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn rejections_are_problem_documents(owner: PgPool) {
    let test = TestApp::new(&owner);
    let post = |path: &str, kind: &str, body: String| {
        Request::post(path).header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
    };
    let of_worker = |path: &str, body: String| {
        let request = Request::post(path).header(header::AUTHORIZATION, "Bearer of-nobody");
        request.body(Body::from(body)).unwrap()
    };
    let long = json!({ "statement": "A".repeat(300 * 1024), "sig": "" }).to_string();
    let cases = [
        (Request::get("/api/v1/nothing").body(Body::empty()).unwrap(), 404, "not_found"),
        (Request::patch("/api/v1/node").body(Body::empty()).unwrap(), 405, "method_not_allowed"),
        (post("/upload", "text/plain", String::new()), 405, "method_not_allowed"),
        (post("/api/v1/session", "text/plain", "{}".into()), 415, "content_type_wrong"),
        (post("/api/v1/session", "application/json", "{".into()), 400, "body_malformed"),
        (post("/api/v1/session", "application/json", long.clone()), 413, "body_too_large"),
        (of_worker("/runner/v1/register", long.clone()), 413, "body_too_large"),
        (of_worker("/runner/v1/lease", long), 413, "body_too_large"),
        (of_worker("/runner/v1/lease", "{".into()), 400, "request_malformed"),
        (Request::get("/api/v1/session").body(Body::empty()).unwrap(), 401, "session_needed"),
    ];
    for (request, status, code) in cases {
        let asked = format!("{} {}", request.method(), request.uri());
        let response = test.send(request).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{asked}");
        assert!(response.headers().contains_key("x-request-id"), "{asked}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{asked}");
        assert!(problem["detail"].as_str().unwrap().ends_with('.'), "{problem}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn other_sites_may_read_without_credentials_and_not_write(owner: PgPool) {
    let test = TestApp::new(&owner);
    let read = Request::get("/api/v1/node").header(header::ORIGIN, "https://elsewhere.example");
    let response = test.send(read.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let ask = Request::builder().method(Method::OPTIONS).uri("/api/v1/session");
    let ask = ask.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST").header(header::ORIGIN, ORIGIN);
    let response = test.send(ask.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn database_away_is_said_and_pages_still_say_it(owner: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<!--head--><!--data-->").unwrap();
    let mut test = TestApp::with_flags(&owner, &["--web", folder.path().to_str().unwrap()]);
    test.app.database.close().await;
    test.answers = crate::router::Answers::of(test.app.clone());
    let (status, problem) = test.get("/api/v1/node").await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("database_away")));
    let response = test.send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let html = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&html).contains("database_away"));
    let health = test.send(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!(health.status(), StatusCode::OK);
}

fn from(address: &str, request: axum::http::request::Builder) -> Request<Body> {
    request.extension(Peer(address.parse().unwrap())).body(Body::empty()).unwrap()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn who_asks_too_often_is_told_when_to_come_again(owner: PgPool) {
    let test = TestApp::with_flags(&owner, &["--read-rate", "1", "--write-rate", "1", "--sign-in-rate", "2"]);
    let health = || from("192.0.2.1", Request::get("/healthz"));
    for _ in 0..10 {
        assert_eq!(test.send(health()).await.status(), StatusCode::OK);
    }
    let refused = test.send(health()).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(refused.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "pages elsewhere may know why");
    let problem = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&problem).unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(429), &json!("too_many_requests")));

    // The other budgets, other visitors, and this machine's own programs go on.
    assert_eq!(test.send(from("192.0.2.1", Request::post("/api/v1/uploads"))).await.status(), StatusCode::UNAUTHORIZED);
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        let ask = from("192.0.2.1", Request::post("/api/v1/session/challenge"));
        assert_eq!(test.send(ask).await.status(), status);
    }
    assert_eq!(test.send(from("192.0.2.2", Request::get("/healthz"))).await.status(), StatusCode::OK);
    for _ in 0..50 {
        assert_eq!(test.send(from("127.0.0.1", Request::get("/healthz"))).await.status(), StatusCode::OK);
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn behind_a_proxy_each_visitor_has_a_budget(owner: PgPool) {
    let test = TestApp::with_flags(&owner, &["--read-rate", "1", "--trusted-proxy", "172.18.0.0/16"]);
    let through = |proxy: &str, visitor: &str| from(proxy, Request::get("/healthz").header("x-forwarded-for", visitor));
    for proxy in ["127.0.0.1", "172.18.0.2"] {
        // Another address of the same household each time, and an invented hop before it.
        for number in 0..10 {
            let visitor = format!("192.0.2.{number}, 2001:db8:0:{}::{number}", proxy.len());
            assert_eq!(test.send(through(proxy, &visitor)).await.status(), StatusCode::OK);
        }
        let visitor = format!("2001:db8:0:{}::77", proxy.len());
        assert_eq!(test.send(through(proxy, &visitor)).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(test.send(through(proxy, "2001:db8:1::1")).await.status(), StatusCode::OK);
    }
    // A stranger's header changes nothing.
    let statuses = (0..11).map(|number| through("198.51.100.1", &format!("192.0.2.{number}")));
    let mut last = StatusCode::OK;
    for request in statuses {
        last = test.send(request).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
