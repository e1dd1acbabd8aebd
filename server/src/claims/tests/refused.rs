//! What is refused: each reason has its own code, and nothing is left behind.

use super::*;

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap())
}

/// Sends bytes as they are; what is answered, and that nothing was stored.
async fn send_refused(test: &TestApp, signed: &Signed) -> (StatusCode, Value) {
    let before = log_size(test).await;
    let answer = send(test, signed).await;
    assert_eq!(log_size(test).await, before, "{answer:?}");
    answer
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn broken_records(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let right = ann.sign(&claim("first", &file));

    let mut cut = right.clone();
    cut.header_bytes.pop();
    assert_eq!(code(&send_refused(&test, &cut).await), (400, "record_malformed"));

    let mut other_body = right.clone();
    other_body.body_bytes = ann.sign(&claim("other", &file)).body_bytes;
    assert_eq!(code(&send_refused(&test, &other_body).await), (422, "body_mismatch"));

    // The last bytes of a header's map are its `sig` or one of the fields after it; flipping any bit must be noticed.
    let at = right.header_bytes.windows(4).position(|bytes| bytes == b"csig").unwrap() + 8;
    let mut flipped = right.clone();
    flipped.header_bytes[at] ^= 1;
    assert_eq!(code(&send_refused(&test, &flipped).await), (422, "signature_wrong"));

    let (status, answer) = test.post("/api/v1/records", &json!({ "header": "!", "body": "" })).await;
    assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("record_malformed")));
    assert_eq!(send(&test, &right).await.0, StatusCode::CREATED);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn broken_chains(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let mut fork = Creator { author: ann.author.clone(), salt: 100 };
    let first = ann.publish(&test, &claim("first", &file)).await;

    let answer = fork.refused(&test, &claim("fork", &file)).await;
    assert_eq!(code(&answer), (409, "chain_conflict"));
    assert_eq!(answer.1["head"], json!({ "id": first, "seq": 2 }));

    // One record is skipped.
    let skipped = ann.sign(&claim("skipped", &file));
    ann.author.accepted(&skipped);
    let answer = ann.refused(&test, &claim("after", &file)).await;
    assert_eq!(code(&answer), (409, "chain_broken"));
    assert_eq!(answer.1["head"], json!({ "id": first, "seq": 2 }));
    assert_eq!(send(&test, &skipped).await.0, StatusCode::CREATED);

    // The key state is another record's id.
    let stale = Author::of(ann.author.key().clone(), ann.channel(), first, ann.author.head());
    let stale = stale.sign(&claim("stale", &file), &[7; 16], NOW).unwrap();
    let answer = send_refused(&test, &stale).await;
    assert_eq!(code(&answer), (409, "keys_stale"));
    assert_eq!(answer.1["keys"], json!(ann.channel()));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn strangers_and_replays(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let bob = Creator::new(&test, 2, "bob").await;
    let file = public_file(&test, b"a film");

    // Bob's key for Ann's channel.
    let foreign = Author::of(bob.author.key().clone(), ann.channel(), ann.channel(), bob.author.head());
    let foreign = foreign.sign(&claim("theft", &file), &[1; 16], NOW).unwrap();
    assert_eq!(code(&send_refused(&test, &foreign).await), (422, "key_unknown"));

    // A channel that is at home nowhere here.
    let mut elsewhere = test.app.identity.home();
    elsewhere.origin = "elsewhere.example".parse().unwrap();
    let mut eve = Creator::stranger(3);
    let genesis = eve.author.genesis(elsewhere);
    assert_eq!(code(&eve.refused(&test, &genesis).await), (422, "home_wrong"));

    // A key that belongs to a channel founds no other.
    let mut again = Creator { author: Author::new(ann.author.key().clone()), salt: 50 };
    let genesis = again.author.genesis(test.app.identity.home());
    assert_eq!(code(&again.refused(&test, &genesis).await), (409, "chain_conflict"));

    for (by_ms, expected) in [(-300_001, 422), (300_001, 422), (300_000, 201)] {
        let signed = ann.sign_at(&claim("clock", &file), NOW.saturating_add_signed(by_ms));
        let (status, answer) = send(&test, &signed).await;
        assert_eq!(status.as_u16(), expected, "{by_ms}: {answer}");
        if expected == 422 {
            assert_eq!(answer["code"], "clock_skew");
            assert_eq!(answer["now_ms"], json!(NOW));
        }
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_the_operator_has_erased(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    test.app.store.erase(&file.cid, NOW).unwrap();
    let answer = ann.refused(&test, &claim("first", &file)).await;
    assert_eq!(code(&answer), (410, "content_erased"));
    assert!(answer.1["detail"].as_str().unwrap().contains(&file.cid.to_string()), "{answer:?}");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_record_of_one_node_is_none_of_another(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let signed = ann.sign(&claim("first", &file));
    let other = TestApp::new(&owner);
    // The other node's log, with the same channel's genesis replayed into it.
    let genesis = test.get(&format!("/api/v1/log/{}", ann.channel())).await.1;
    let bytes = |part: &str| base64url::decode(genesis[part].as_str().unwrap()).unwrap();
    let genesis = Signed { header_bytes: bytes("header"), body_bytes: bytes("body") };
    // The same database stands behind it, so the genesis is a retry there, but the home isn't its own.
    assert!(crate::claims::submit(&other.app, &genesis, None).await.unwrap().is_retry);
    assert_eq!(code(&send_refused(&other, &signed).await), (422, "home_wrong"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn kinds_that_are_not_for_everybody(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let unknown =
        Body::Unknown { kind: "hologram".into(), fields: pinreel_records::cbor::Value::Map(Default::default()) };
    assert_eq!(code(&ann.refused(&test, &unknown).await), (422, "kind_unsupported"));

    let file = public_file(&test, b"a film");
    let folder = test.app.store.put_directory([("film", file.into())]).unwrap();
    let rendition = pinreel_records::Rendition {
        source: file.cid,
        recipe: "mine".into(),
        root: folder.cid,
        worker: "me".into(),
        video: vec![],
        audio: vec![],
        duration_ms: 1,
        poster: None,
        storyboard: None,
    };
    assert_eq!(code(&ann.refused(&test, &Body::Rendition(rendition)).await), (422, "kind_unsupported"));

    let mut unlisted = stream("quiet", &file);
    unlisted.visibility = pinreel_records::Visibility::Unlisted;
    let answer = ann.refused(&test, &Body::Stream(Box::new(unlisted))).await;
    assert_eq!(code(&answer), (422, "visibility_unsupported"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn names_that_are_not_free(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "paypal").await;
    let mut bob = Creator::new(&test, 2, "bob").await;
    // The same, look-alikes in Latin and Cyrillic: all of them are Ann's.
    for handle in ["paypal", "paypa1", "раураl"] {
        let answer = bob.refused(&test, &Body::Profile(Profile::new(name(handle), "Bob"))).await;
        assert_eq!(code(&answer), (409, "handle_taken"), "{handle}");
        let asked = test.get(&format!("/api/v1/handles/{}", urlencoded(handle))).await;
        assert_eq!(
            asked,
            (StatusCode::OK, json!({ "handle": handle, "free": false })),
            "told before anything is signed"
        );
    }
    assert_eq!(test.get("/api/v1/handles/Carol").await.1, json!({ "handle": "carol", "free": true }));
    assert_eq!(code(&test.get("/api/v1/handles/a%2Fb").await), (400, "handle_malformed"));
    // Also after she has left it.
    ann.publish(&test, &Body::Profile(Profile::new(name("ann"), "Ann"))).await;
    let answer = bob.refused(&test, &Body::Profile(Profile::new(name("paypal"), "Bob"))).await;
    assert_eq!(code(&answer), (409, "handle_taken"));

    let file = public_file(&test, b"a film");
    let first = ann.publish(&test, &claim("film", &file)).await;
    let answer = ann.refused(&test, &claim("film", &file)).await;
    assert_eq!((code(&answer), &answer.1["suggestion"]), ((409, "slug_taken"), &json!("film-2")));
    let second = ann.publish(&test, &claim("film-2", &file)).await;
    let answer = ann.refused(&test, &update(second, second, stream("film", &file))).await;
    assert_eq!((code(&answer), &answer.1["suggestion"]), ((409, "slug_taken"), &json!("film-3")));
    // An erased claim's address goes on answering that it is erased.
    ann.publish(&test, &erase(first)).await;
    assert_eq!(code(&ann.refused(&test, &claim("film", &file)).await), (409, "slug_taken"));
    // Slugs are a channel's own.
    bob.publish(&test, &claim("film", &file)).await;
    assert_verifies(&test).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn bytes_that_are_not_the_channels_to_publish(owner: PgPool) {
    let test = node(&owner).await;
    let mut stranger = Creator::stranger(9);
    let genesis = stranger.author.genesis(test.app.identity.home());
    stranger.publish(&test, &genesis).await;
    let file = public_file(&test, b"a film");
    assert_eq!(code(&stranger.refused(&test, &claim("film", &file)).await), (422, "profile_needed"));

    let mut ann = Creator::new(&test, 1, "ann").await;
    let absent = pinreel_content::hash_bytes(b"nobody has this");
    assert_eq!(code(&ann.refused(&test, &claim("film", &absent)).await), (422, "source_missing"));
    let private = test.app.store.put_bytes(b"somebody's secret upload").unwrap();
    assert_eq!(code(&ann.refused(&test, &claim("film", &private)).await), (422, "source_missing"));
    assert!(!is_public(&test, &private.cid));

    let lost = public_file(&test, b"a film that the disk has lost");
    std::fs::remove_file(test.blob_file(&lost.cid)).unwrap();
    assert_eq!(code(&ann.refused(&test, &claim("lost", &lost)).await), (422, "source_damaged"));
    public_file(&test, b"a film that the disk has lost");
    let id = ann.publish(&test, &claim("lost", &lost)).await;
    std::fs::remove_file(test.blob_file(&lost.cid)).unwrap();
    let mut renamed = stream("lost", &lost);
    renamed.title = "Lost".to_owned();
    ann.publish(&test, &update(id, id, renamed)).await;

    let mut wrong_size = stream("film", &file);
    wrong_size.source.bytes += 1;
    assert_eq!(code(&ann.refused(&test, &Body::Stream(Box::new(wrong_size))).await), (422, "source_size_wrong"));
    let mut poster = stream("film", &file);
    poster.poster = Some(private.cid);
    assert_eq!(code(&ann.refused(&test, &Body::Stream(Box::new(poster))).await), (422, "source_missing"));

    let folder = test.app.store.put_directory([("master.m3u8", file.into())]).unwrap();
    test.app.store.publish(&folder.cid).unwrap();
    let mut with_root = stream("film", &file);
    with_root.root = Some(folder.cid);
    assert_eq!(code(&ann.refused(&test, &Body::Stream(Box::new(with_root))).await), (422, "root_mismatch"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn updates_and_tombstones_out_of_place(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let mut bob = Creator::new(&test, 2, "bob").await;
    let file = public_file(&test, b"a film");
    let first = ann.publish(&test, &claim("film", &file)).await;
    let nobody = RecordId::from_digest([7; 32]);

    let answer = ann.refused(&test, &update(nobody, nobody, stream("film", &file))).await;
    assert_eq!(code(&answer), (422, "target_unknown"));
    assert_eq!(code(&bob.refused(&test, &update(first, first, stream("x", &file))).await), (403, "claim_foreign"));
    assert_eq!(code(&bob.refused(&test, &erase(first)).await), (403, "claim_foreign"));
    assert_eq!(code(&ann.refused(&test, &erase(nobody)).await), (422, "target_unknown"));
    let own = ann.channel();
    assert_eq!(code(&ann.refused(&test, &erase(own)).await), (422, "target_unknown"));

    // An old update can't be played over a newer one.
    let second = ann.publish(&test, &update(first, first, stream("film", &file))).await;
    let answer = ann.refused(&test, &update(first, first, stream("film", &file))).await;
    assert_eq!((code(&answer), &answer.1["newest"]), ((409, "claim_stale"), &json!(second)));

    ann.publish(&test, &erase(second)).await;
    assert_eq!(code(&ann.refused(&test, &erase(second)).await), (422, "target_unknown"));
    let answer = ann.refused(&test, &update(first, second, stream("film", &file))).await;
    assert_eq!(code(&answer), (410, "erased"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn channels_where_they_are_not_wanted(owner: PgPool) {
    for (registration, expected) in [("invitation", "invitation_needed"), ("closed", "registration_closed")] {
        let test = node_with(&owner, &["--registration", registration]).await;
        let mut ann = Creator::stranger(1);
        let genesis = ann.author.genesis(test.app.identity.home());
        let answer = ann.refused(&test, &genesis).await;
        assert_eq!(code(&answer), (403, expected));
        // The database is shared, the node isn't: the next one brings keys of its own.
        sqlx::query("truncate log_head, log_entry cascade").execute(&owner).await.unwrap();
        sqlx::query("insert into log_head (size, received_ms) values (0, 0)").execute(&owner).await.unwrap();
    }
}

fn urlencoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
