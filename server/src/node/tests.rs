//! What a node says of itself, through the real router.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use sqlx::PgPool;

use crate::testing::{TestApp, operator_session};

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn node_names_its_log_keys_and_channel(owner: PgPool) {
    let test = TestApp::with_flags(&owner, &["--max-upload-bytes", "1000"]);
    let channel = crate::claims::found(&test.app).await.unwrap();
    let (status, node) = test.get("/api/v1/node").await;
    let identity = &test.app.identity;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(node["origin"], identity.origin.as_str());
    assert_eq!(node["log_key"], identity.log_key.public().to_string());
    assert_eq!(node["node_key"], identity.node_key.public().to_string());
    assert_eq!(node["channel"], channel.to_string());
    assert_eq!(node["url"], "http://127.0.0.1:8080");
    assert_eq!(node["limits"]["upload_bytes"], 1000);
    assert!(node["limits"]["free_bytes"].as_u64().unwrap() > 0);
    assert!(node["signed_in"].is_null());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn status_is_for_operators(owner: PgPool) {
    let test = TestApp::new(&owner);
    assert_eq!(test.get("/api/v1/operator/status").await.0, StatusCode::UNAUTHORIZED);
}

/// Without a Kubo pins wait for ever: the page has to know, or it would offer to try again.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn status_tells_whether_there_is_a_kubo(owner: PgPool) {
    let token = operator_session(&owner).await;
    for (flags, pins) in [(&[][..], false), (&["--kubo-api", "http://127.0.0.1:5001"], true)] {
        let test = TestApp::with_flags(&owner, flags);
        let request = Request::get("/api/v1/operator/status")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let (status, shown) = test.json(request).await;
        assert_eq!((status, &shown["pinning"]), (StatusCode::OK, &pins.into()));
    }
}
