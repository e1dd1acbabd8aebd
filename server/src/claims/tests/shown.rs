//! When a version is shown: once its bytes are public, also after a crash in between.

use super::*;

/// The log's transaction alone, as if the process had died right after it.
async fn logged_only(test: &TestApp, creator: &mut Creator, body: &Body) -> RecordId {
    let signed = creator.sign(body);
    crate::claims::submit(&test.app, &signed, None).await.unwrap();
    creator.author.accepted(&signed);
    signed.id()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_a_crash_left_is_shown_at_the_next_start(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = logged_only(&test, &mut ann, &claim("film", &file)).await;

    let (status, answer) = test.get(&format!("/api/v1/claims/{id}")).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert_eq!(test.get("/api/v1/publications").await.1["items"], json!([]));

    crate::claims::announce_pending(&test.app).await.unwrap();
    assert_eq!(test.get(&format!("/api/v1/claims/{id}")).await.0, StatusCode::OK);
    crate::claims::announce_pending(&test.app).await.unwrap();
    assert_eq!(test.get("/api/v1/publications").await.1["items"].as_array().unwrap().len(), 1);
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_retry_also_shows(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let signed = ann.sign(&claim("film", &file));
    crate::claims::submit(&test.app, &signed, None).await.unwrap();
    assert_eq!(send(&test, &signed).await.0, StatusCode::OK);
    assert_eq!(test.get("/api/v1/resolve?url=@ann/film").await.0, StatusCode::OK);
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_erased_meanwhile_is_never_shown(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = logged_only(&test, &mut ann, &claim("film", &file)).await;
    logged_only(&test, &mut ann, &erase(id)).await;
    crate::claims::announce_pending(&test.app).await.unwrap();
    assert_eq!(test.get("/api/v1/publications").await.1["items"], json!([]));
    assert_eq!(test.get(&format!("/api/v1/claims/{id}")).await.0, StatusCode::GONE);
    let waiting: i64 = sqlx::query_scalar("select count(*) from unannounced").fetch_one(&owner).await.unwrap();
    assert_eq!(waiting, 0);
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_nodes_rendition_is_shown_with_its_record(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = ann.publish(&test, &claim("film", &file)).await;
    let (_, before) = test.get(&format!("/api/v1/claims/{id}")).await;
    assert_eq!((&before["root"], &before["root_by"], &before["rendition"]), (&Value::Null, &Value::Null, &Value::Null));

    let folder = test.app.store.put_directory([("poster.jpg", file.into())]).unwrap();
    let rendition = pinreel_records::Rendition {
        source: file.cid,
        recipe: "h264.1".into(),
        root: folder.cid,
        worker: "worker-1".into(),
        video: vec![],
        audio: vec![],
        duration_ms: 9_000,
        poster: Some(file.cid),
        storyboard: None,
    };
    let mut transaction = test.app.database.begin().await.unwrap();
    let record = crate::claims::append_node_record(&test.app, &mut transaction, rendition).await.unwrap();
    transaction.commit().await.unwrap();

    let (_, after) = test.get(&format!("/api/v1/claims/{id}")).await;
    let root = folder.cid.to_string();
    assert_eq!((&after["root"], &after["root_by"]), (&json!(root), &json!("node")));
    assert_eq!(after["rendition"]["id"], json!(record));
    assert_eq!(after["rendition"]["worker"], "worker-1");
    assert_eq!(after["poster"], json!(format!("/ipfs/{root}/poster.jpg")));
    assert_eq!(after["duration_ms"], 9_000);
    assert_eq!(after["node"]["channel"], json!(test.app.identity.channel()));
    let (_, list) = test.get("/api/v1/publications").await;
    assert_eq!(list["items"][0]["poster"], after["poster"]);
    assert_verifies(&test).await;
}
