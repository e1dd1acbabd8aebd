//! Whose job is next: urgency, the channels' shares, and what a worker can do.

use pinreel_runner::Kind;
use sqlx::PgPool;

use super::fake::{Worker, job, upload, upload_of};
use crate::media::model::{KEPT_FOR_FAST_MS, LARGE_BYTES, LEASE_MS};
use crate::media::{self, JobState, operate};
use crate::testing::TestApp;

async fn next(worker: &Worker<'_>) -> Option<String> {
    worker.lease().await.map(|lease| lease.source.cid)
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_hundred_uploads_of_one_channel_do_not_starve_anothers_single_one(owner: PgPool) {
    let test = TestApp::new(&owner);
    for n in 0..100 {
        upload_of(&test, format!("a {n}").as_bytes(), "video/mp4", Some("ann")).await;
        test.advance_ms(1);
    }
    let worker = Worker::new(&test);
    // The first is done already, so that ann has none running: her turn was, all the same.
    worker.work().await;
    let single = upload_of(&test, b"b", "video/mp4", Some("bob")).await;
    assert_eq!(next(&worker).await, Some(single));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn channels_take_turns_and_each_gets_its_share_of_the_workers(owner: PgPool) {
    let test = TestApp::new(&owner);
    let mut sent = std::collections::HashMap::new();
    for channel in ["ann", "bob", "cyd"] {
        for n in 0..4 {
            let cid = upload_of(&test, format!("{channel} {n}").as_bytes(), "video/mp4", Some(channel)).await;
            sent.insert(cid, channel);
            test.advance_ms(1);
        }
    }
    let worker = Worker::new(&test);
    let mut order = Vec::new();
    for _ in 0..6 {
        order.push(sent[&next(&worker).await.unwrap()]);
        test.advance_ms(1);
    }
    assert_eq!(order, ["ann", "bob", "cyd", "ann", "bob", "cyd"]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_operators_priority_goes_before_shares(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"one", "video/mp4").await;
    let two = upload(&test, b"two", "video/mp4").await;
    let id = job(&test, &two).await.id.to_string();
    operate::prioritise(&test.app, &id, 5).await.unwrap();
    let refused = operate::prioritise(&test.app, &id, 11).await.unwrap_err();
    assert_eq!(refused.to_string(), "A priority is from -10 to 10.");
    assert_eq!(next(&Worker::new(&test)).await, Some(two));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_worker_gets_only_the_kinds_that_it_does(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let song = upload(&test, b"song", "audio/mpeg").await;
    let mut worker = Worker::new(&test);
    worker.capabilities.kinds = vec![Kind::Audio];
    assert_eq!(next(&worker).await, Some(song));
    assert_eq!(next(&worker).await, None);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_codec_that_one_worker_lacks_is_tried_by_one_that_has_it(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let (plain, mut able) = (Worker::new(&test), Worker::by(&test, &Worker::new(&test).token, "able"));
    able.capabilities.codecs.push("vvc".into());
    assert!(able.lease().await.is_some_and(|lease| lease.source.cid == film));
    test.advance_ms(LEASE_MS);

    let lease = plain.lease().await.unwrap();
    assert_eq!(plain.fail_for_want_of(&lease, "vvc").await.0, 204);
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
    assert_eq!(next(&plain).await, None, "it went back to the one that can't");
    assert_eq!(next(&able).await, Some(film));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_codec_that_nobody_has_fails_with_its_reason(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    worker.fail_for_want_of(&lease, "vvc").await;
    let failed = job(&test, &film).await;
    assert_eq!((failed.state, failed.code.as_deref()), (JobState::Failed, Some("codec_unsupported")));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn large_sources_are_kept_for_faster_workers_for_a_while(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    sqlx::query("update job set source_bytes = $1").bind(LARGE_BYTES).execute(&owner).await.unwrap();
    let (mut slow, mut fast) = (Worker::new(&test), Worker::by(&test, &Worker::new(&test).token, "fast"));
    slow.capabilities.speed = Some(0.5);
    assert_eq!(next(&slow).await.as_ref(), Some(&film), "alone it takes everything");
    test.advance_ms(LEASE_MS);

    fast.capabilities.speed = Some(8.0);
    assert_eq!(next(&fast).await.as_ref(), Some(&film));
    test.advance_ms(LEASE_MS);
    media::lease::end_expired(&test.app).await.unwrap();
    assert_eq!(next(&slow).await, None);
    test.advance_ms(KEPT_FOR_FAST_MS);
    assert_eq!(next(&slow).await, Some(film), "it waits for ever");
}
