//! What a node says of itself, through the real router.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use pinreel_content::Cid;
use pinreel_records::base64url;
use sha2::{Digest, Sha256};
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

/// Without a Kubo pins wait for ever: the page has to know, or it would offer to try again.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn status_tells_whether_there_is_a_kubo(owner: PgPool) {
    let (secret, channel) = ([7u8; 32], pinreel_content::hash_bytes(b"operator").cid);
    let channel = Cid::new_v1(pinreel_content::DAG_CBOR, *channel.hash()).to_string();
    let session = sqlx::query(
        "insert into session (token_hash, channel, key, created_ms, expires_ms) values ($1, $2, $3, 0, $4)",
    );
    session
        .bind(Sha256::digest(secret).as_slice())
        .bind(&channel)
        .bind([7u8; 32].as_slice())
        .bind(i64::MAX)
        .execute(&owner)
        .await
        .unwrap();
    sqlx::query("insert into operator (channel, since_ms) values ($1, 0)")
        .bind(&channel)
        .execute(&owner)
        .await
        .unwrap();
    for (flags, pins) in [(&[][..], false), (&["--kubo-api", "http://127.0.0.1:5001"], true)] {
        let test = TestApp::with_flags(&owner, flags);
        let request = Request::get("/api/v1/operator/status")
            .header("authorization", format!("Bearer {}", base64url::encode(&secret)))
            .body(Body::empty())
            .unwrap();
        let (status, shown) = test.json(request).await;
        assert_eq!((status, &shown["pinning"]), (StatusCode::OK, &pins.into()));
    }
}
