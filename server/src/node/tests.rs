//! What a node says of itself, through the real router.

use axum::http::StatusCode;
use sqlx::PgPool;

use crate::testing::TestApp;

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
