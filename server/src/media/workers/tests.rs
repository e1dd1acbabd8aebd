//! Invitations, keys, and being rid of a worker.

use axum::http::StatusCode;
use pinreel_runner::{PROTOCOL, Register};
use serde_json::json;
use sqlx::PgPool;

use super::{Invite, invite, list, revoke, withdraw};
use crate::media::tests::fake::{Worker, job, upload};
use crate::media::{self, JobState};
use crate::testing::TestApp;

const HOUR_MS: i64 = 3_600_000;

fn named(name: &str) -> Register {
    Register { protocol: PROTOCOL, worker: name.into(), software: "fake/1".into() }
}

/// A worker with a key of its own.
async fn registered<'t>(test: &'t TestApp, name: &str) -> Worker<'t> {
    let invitation = invite(&test.app, Invite::default()).await.unwrap();
    let (status, body) = Worker::new(test).post("register", &invitation.token, &named(name)).await;
    assert_eq!((status, &body["worker"]), (StatusCode::CREATED, &json!(name)), "{body}");
    // Whatever it calls itself afterwards, its key says who it is.
    Worker::by(test, body["key"].as_str().unwrap(), "somebody-else")
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_invitation_buys_one_key_and_its_name_stands_in_what_it_makes(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let gpu = registered(&test, "gpu-1").await;
    gpu.work().await;
    let made = media::rendition_for(&test.app.database, &film).await.unwrap().unwrap();
    assert_eq!(made.worker, "gpu-1");
    let known = list(&test.app).await.unwrap();
    assert_eq!((known.len(), known[0].renditions, known[0].registered), (1, 1, true));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn used_and_expired_and_invented_invitations_are_refused(owner: PgPool) {
    let test = TestApp::new(&owner);
    let door = Worker::new(&test);
    let once = invite(&test.app, Invite::default()).await.unwrap().token;
    let many = invite(&test.app, Invite { hours: Some(2), reusable: true }).await.unwrap().token;
    let old = invite(&test.app, Invite { hours: Some(1), reusable: true }).await.unwrap().token;
    test.advance_ms(HOUR_MS);
    assert_eq!(door.post("register", &once, &named("one")).await.0, StatusCode::CREATED);
    assert_eq!(door.post("register", &many, &named("two")).await.0, StatusCode::CREATED);
    assert_eq!(door.post("register", &many, &named("three")).await.0, StatusCode::CREATED);
    for token in [&once, &old, &door.token, &"x".to_owned()] {
        let (status, body) = door.post("register", token, &named("four")).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("invitation_wrong")));
    }
    assert!(invite(&test.app, Invite { hours: Some(0), reusable: false }).await.is_err());
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from worker_invitation").fetch_all(&owner).await.unwrap();
    assert!(hashes.iter().all(|hash| hash.len() == 32 && hash != many.as_bytes()));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn of_two_who_use_an_invitation_at_once_one_comes_in(owner: PgPool) {
    let test = TestApp::new(&owner);
    let door = Worker::new(&test);
    let token = invite(&test.app, Invite::default()).await.unwrap().token;
    let (one, two) = (named("one"), named("two"));
    let (first, second) = tokio::join!(door.post("register", &token, &one), door.post("register", &token, &two));
    let mut statuses = [first.0.as_u16(), second.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_name_is_one_workers_and_a_refused_one_costs_no_invitation(owner: PgPool) {
    let test = TestApp::new(&owner);
    registered(&test, "gpu-1").await;
    let door = Worker::new(&test);
    let token = invite(&test.app, Invite::default()).await.unwrap().token;
    for name in ["gpu-1", "GPU 1", "local", ""] {
        let (status, body) = door.post("register", &token, &named(name)).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::CONFLICT, Some("worker_name_taken")), "{name}");
    }
    // Nor can one with the node's token pass for it.
    let posing = Worker::by(&test, &door.token, "gpu-1");
    let (status, body) = posing.post("lease", &posing.token, &posing.asks()).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::CONFLICT, Some("worker_name_taken")));
    assert_eq!(door.post("register", &token, &named("gpu-2")).await.0, StatusCode::CREATED);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_revoked_worker_gets_no_job_and_loses_the_one_it_has(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let gpu = registered(&test, "gpu-1").await;
    let lease = gpu.lease().await.unwrap();
    let result = gpu.deliver(&lease).await;
    revoke(&test.app, "gpu-1").await.unwrap();
    revoke(&test.app, "gpu-1").await.unwrap();

    assert_eq!(gpu.complete(&lease, &result).await.1["code"], "lease_lost");
    assert_eq!(gpu.source(&lease, None).await.status(), StatusCode::CONFLICT);
    let (status, body) = gpu.post("lease", &gpu.token, &gpu.asks()).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("worker_revoked")));
    assert!(body["detail"].as_str().unwrap().contains("gpu-1 was revoked"));

    // It cost no try.
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
    let attempts: i32 = sqlx::query_scalar("select attempts from job").fetch_one(&owner).await.unwrap();
    assert_eq!(attempts, 0);
    assert!(Worker::new(&test).lease().await.is_some());

    let unknown = revoke(&test.app, "nobody").await.unwrap_err().to_string();
    assert!(unknown.starts_with("No worker is called nobody"), "{unknown}");
    let unregistered = revoke(&test.app, "fake-1").await.unwrap_err().to_string();
    assert!(unregistered.contains("no key of its own"), "{unregistered}");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn workers_of_other_versions_hear_which_of_the_two_is_older(owner: PgPool) {
    let test = TestApp::new(&owner);
    let worker = Worker::new(&test);
    // Of a future version whose other words aren't ours.
    for (theirs, advice) in [(PROTOCOL - 1, "update the worker"), (PROTOCOL + 1, "update the node")] {
        for path in ["lease", "register"] {
            let (status, body) = worker.post(path, &worker.token, &json!({ "protocol": theirs, "new": [] })).await;
            assert_eq!((status, body["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("protocol_unknown")));
            assert!(body["detail"].as_str().unwrap().contains(advice), "{body}");
        }
    }
    let (status, body) = worker.post("lease", &worker.token, &json!({ "protocol": PROTOCOL })).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("request_malformed")));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_a_worker_made_is_withdrawn_and_made_again(owner: PgPool) {
    let test = TestApp::new(&owner);
    let (film, other) = (upload(&test, b"film", "video/mp4").await, upload(&test, b"other", "video/mp4").await);
    let gpu = registered(&test, "gpu-1").await;
    gpu.work().await;
    Worker::new(&test).work().await;
    let root = media::root_of(&test.app.database, "nobody", &film).await.unwrap().unwrap();
    revoke(&test.app, "gpu-1").await.unwrap();

    assert_eq!(withdraw(&test.app, "gpu-1").await.unwrap(), 1);
    assert_eq!(withdraw(&test.app, "gpu-1").await.unwrap(), 0);
    assert_eq!(media::root_of(&test.app.database, "nobody", &film).await.unwrap(), None);
    assert!(media::rendition_at(&test.app.database, &root).await.unwrap().is_none());
    let withdrawn = media::withdrawn_among(&test.app.database, std::slice::from_ref(&root)).await.unwrap();
    assert_eq!(withdrawn, std::slice::from_ref(&root));
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
    assert_eq!(job(&test, &other).await.state, JobState::Complete);

    // The same bytes from an honest worker are right.
    Worker::new(&test).work().await;
    assert_eq!(media::root_of(&test.app.database, "nobody", &film).await.unwrap().as_ref(), Some(&root));
    assert!(media::withdrawn_among(&test.app.database, &[root]).await.unwrap().is_empty());
}
