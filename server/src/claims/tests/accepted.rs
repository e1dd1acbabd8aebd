//! What is taken, and how it is answered.

use super::*;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_node_founds_its_channel_once(owner: PgPool) {
    let test = node(&owner).await;
    let channel = test.app.identity.channel().unwrap();
    assert_eq!(crate::claims::found(&test.app).await.unwrap(), channel);
    let (_, log) = test.get("/api/v1/log").await;
    assert_eq!(log["size"], 1);
    let (_, entry) = test.get(&format!("/api/v1/log/{channel}")).await;
    assert_eq!(entry, log["entries"][0]);

    // Another data folder on the same database would sign with keys that this log doesn't know.
    let other = TestApp::new(&owner);
    assert!(matches!(crate::claims::found(&other.app).await, Err(crate::claims::FoundError::Foreign(_))));
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_channel_founds_itself_and_publishes(owner: PgPool) {
    let test = node(&owner).await;
    let mut creator = Creator::stranger(1);
    let key = creator.author.key().public();
    assert_eq!(test.get(&format!("/api/v1/keys/{key}")).await.0, StatusCode::NOT_FOUND);

    let genesis = creator.author.genesis(test.app.identity.home());
    let channel = creator.publish(&test, &genesis).await;
    let (_, state) = test.get(&format!("/api/v1/keys/{key}")).await;
    let head = json!({ "id": channel, "seq": 0 });
    assert_eq!(state, json!({ "channel": channel, "handle": null, "keys": channel, "head": head }));

    creator.publish(&test, &Body::Profile(Profile::new(name("ann"), "Ann"))).await;
    let file = public_file(&test, b"a film");
    let claim = creator.publish(&test, &claim("first", &file)).await;
    let (_, state) = test.get(&format!("/api/v1/keys/{key}")).await;
    assert_eq!(state["handle"], "ann");
    assert_eq!(state["head"], json!({ "id": claim, "seq": 2 }));
    let (_, log) = test.get("/api/v1/log?from=3").await;
    assert_eq!(log["size"], 4);
    assert_eq!(log["entries"][0]["state"], "present");
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_retry_is_answered_as_the_first_time(owner: PgPool) {
    let test = node(&owner).await;
    let mut creator = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let signed = creator.sign(&claim("first", &file));
    let (status, first) = send(&test, &signed).await;
    assert_eq!(status, StatusCode::CREATED);
    // Also much later, when the record's time is no fresh one any more.
    test.advance_ms(3_600_000);
    let (status, again) = send(&test, &signed).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    assert_eq!(log_size(&test).await, 4);
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_update_replaces_what_is_shown_but_not_its_place(owner: PgPool) {
    let test = node(&owner).await;
    let mut creator = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = creator.publish(&test, &claim("first", &file)).await;
    let (_, before) = test.get(&format!("/api/v1/claims/{id}")).await;
    test.advance_ms(60_000);
    let mut better = stream("better", &file);
    better.title = "Better".into();
    let version = creator.publish(&test, &update(id, id, better)).await;

    let (_, after) = test.get(&format!("/api/v1/claims/{id}")).await;
    assert_eq!(after["title"], "Better");
    assert_eq!(after["record"]["id"], json!(version));
    assert_eq!(after["created"], before["created"]);
    assert_eq!((&after["index"], &after["received_ms"]), (&before["index"], &before["received_ms"]));
    let (status, _) = test.get("/api/v1/resolve?url=@ann/better").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(test.get("/api/v1/resolve?url=@ann/first").await.0, StatusCode::NOT_FOUND);
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_claim_is_erased_with_its_newest_version(owner: PgPool) {
    let test = node(&owner).await;
    let mut creator = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = creator.publish(&test, &claim("first", &file)).await;
    let version = creator.publish(&test, &update(id, id, stream("second", &file))).await;
    let tombstone = creator.publish(&test, &erase(version)).await;
    // What the older version said can go as well, also afterwards.
    creator.publish(&test, &erase(id)).await;

    for record in [id, version] {
        let (status, entry) = test.get(&format!("/api/v1/log/{record}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&entry["state"], &entry["body"]), (&json!("erased"), &Value::Null));
        assert!(entry["header"].is_string());
    }
    for path in [
        format!("/api/v1/claims/{id}"),
        format!("/api/v1/resolve?url=/c/{id}"),
        "/api/v1/resolve?url=@ann/second".into(),
    ] {
        let (status, answer) = test.get(&path).await;
        assert_eq!((status, &answer["code"]), (StatusCode::GONE, &json!("erased")), "{path}");
        assert_eq!(answer["tombstone"]["id"], json!(tombstone));
        assert_eq!(answer["reason"], "withdrawn");
    }
    assert_eq!(test.get("/api/v1/publications").await.1["items"], json!([]));
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_old_version_and_a_profile_can_be_erased_alone(owner: PgPool) {
    let test = node(&owner).await;
    let mut creator = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let id = creator.publish(&test, &claim("first", &file)).await;
    let second = creator.publish(&test, &update(id, id, stream("first", &file))).await;
    creator.publish(&test, &update(id, second, stream("first", &file))).await;
    creator.publish(&test, &erase(second)).await;
    // The first version's words can go, too: the claim keeps its name and its place.
    creator.publish(&test, &erase(id)).await;
    let (status, watch) = test.get(&format!("/api/v1/claims/{id}")).await;
    assert_eq!((status, &watch["created"]["body"]), (StatusCode::OK, &Value::Null));

    let mut words = Profile::new(name("ann"), "Ann's full name");
    words.about = Some("Where she lives".into());
    let profile = creator.publish(&test, &Body::Profile(words)).await;
    creator.publish(&test, &erase(profile)).await;
    let (_, channel) = test.get("/api/v1/channels/ann").await;
    assert_eq!((&channel["name"], &channel["about"]), (&json!("ann"), &Value::Null));
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_channel_keeps_every_handle_it_had(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "paypal").await;
    // One's own look-alike is free to oneself.
    ann.publish(&test, &Body::Profile(Profile::new(name("paypa1"), "Ann"))).await;
    ann.publish(&test, &Body::Profile(Profile::new(name("ann"), "Ann"))).await;
    for handle in ["paypal", "paypa1", "ann"] {
        let (status, channel) = test.get(&format!("/api/v1/channels/{handle}")).await;
        assert_eq!((status, &channel["handle"]), (StatusCode::OK, &json!("ann")), "{handle}");
    }
    ann.publish(&test, &Body::Profile(Profile::new(name("paypal"), "Ann"))).await;
    assert_verifies(&test).await;
}
