//! Who gets a job, for how long, and what becomes of late answers.

use std::time::Duration;

use axum::http::StatusCode;
use sqlx::PgPool;

use super::fake::{Worker, job, upload};
use crate::media::model::LEASE_MS;
use crate::media::{self, JobState};
use crate::testing::TestApp;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn only_the_worker_token_leases(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    for token in ["", "x", &worker.token[1..]] {
        let (status, body) = worker.post("lease", token, &worker.asks()).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("token_wrong")), "{token:?}");
    }
    assert!(worker.lease().await.is_some());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn workers_of_another_version_or_recipe_are_told_so(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let mut asked = worker.asks();
    asked.protocol += 1;
    assert_eq!(worker.post("lease", &worker.token, &asked).await.1["code"], "protocol_unknown");
    let mut asked = worker.asks();
    asked.recipes = vec!["vp8-1".into()];
    assert_eq!(worker.post("lease", &worker.token, &asked).await.1["code"], "recipe_unknown");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_same_bytes_are_one_job_and_other_types_none(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    upload(&test, b"film", "video/mp4").await;
    let book = upload(&test, b"book", "application/pdf").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    assert_eq!((lease.source.cid.as_str(), lease.source.bytes, lease.epoch), (film.as_str(), 4, 1));
    assert!(worker.lease().await.is_none());
    assert_eq!(job(&test, &book).await.state, JobState::None);
    assert_eq!(job(&test, &film).await.state, JobState::Running);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn concurrent_workers_get_distinct_jobs(owner: PgPool) {
    let test = TestApp::new(&owner);
    for n in 0..6 {
        upload(&test, format!("film {n}").as_bytes(), "video/mp4").await;
    }
    let worker = Worker::new(&test);
    let leases = futures_util::future::join_all((0..8).map(|_| worker.lease())).await;
    let mut jobs: Vec<String> = leases.into_iter().flatten().map(|lease| lease.job).collect();
    // A worker that meets a locked row at the queue's end may go away empty; it asks again.
    while let Some(lease) = worker.lease().await {
        jobs.push(lease.job);
    }
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 6);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_waiting_worker_is_woken_by_an_upload(owner: PgPool) {
    let test = TestApp::new(&owner);
    let mut signals = test.app.signals.subscribe();
    test.app.tasks.spawn(crate::signals::run(test.app.clone()));
    // It says every kind once when it listens.
    signals.recv().await.unwrap();
    let worker = Worker { patience: Duration::from_secs(20), ..Worker::new(&test) };
    let began = std::time::Instant::now();
    let (lease, ()) = tokio::join!(worker.lease(), async {
        upload(&test, b"film", "video/mp4").await;
    });
    assert!(lease.is_some());
    assert!(began.elapsed() < Duration::from_secs(15), "the wait went to its end: {:?}", began.elapsed());
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_idle_node_answers_when_it_stops(owner: PgPool) {
    let test = TestApp::new(&owner);
    let worker = Worker { patience: Duration::from_secs(20), ..Worker::new(&test) };
    let began = std::time::Instant::now();
    let (lease, ()) = tokio::join!(worker.lease(), async { test.app.tasks.stop.cancel() });
    assert!(lease.is_none() && began.elapsed() < Duration::from_secs(15));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn progress_renews_and_is_shown(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    for _ in 0..3 {
        test.advance_ms(LEASE_MS - 1);
        let (status, body) = worker.progress(&lease, 0.5).await;
        assert_eq!((status, body["lease_ms"].as_i64()), (StatusCode::OK, Some(LEASE_MS)));
        assert!(worker.lease().await.is_none(), "a renewed lease was given away");
    }
    let shown = job(&test, &film).await;
    assert_eq!((shown.state, shown.stage.as_str(), shown.fraction), (JobState::Running, "transcoding", 0.5));
    assert_eq!((shown.speed, shown.left_ms, shown.rungs[0].height), (Some(2.5), Some(1_200), Some(720)));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_lost_lease_goes_on_elsewhere_and_its_late_answers_change_nothing(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let old = worker.lease().await.unwrap();
    let result = worker.deliver(&old).await;
    test.advance_ms(LEASE_MS);
    let new = worker.lease().await.unwrap();
    assert_eq!((new.job.clone(), new.epoch), (old.job.clone(), 2));

    let late = [
        worker.progress(&old, 0.9).await,
        worker.complete(&old, &result).await,
        worker.fail(&old, "source_unreadable", false).await,
        worker.put(&old, &super::fake::Made::new("poster.jpg", "late")).await,
    ];
    for (status, body) in late {
        assert_eq!((status, body["code"].as_str()), (StatusCode::CONFLICT, Some("lease_lost")));
    }
    assert_eq!(worker.source(&old, None).await.status(), StatusCode::CONFLICT);
    assert_eq!(job(&test, &film).await.state, JobState::Running);

    // What the old lease delivered doesn't count for the new one.
    let (_, body) = worker.complete(&new, &result).await;
    assert_eq!(body["code"], "file_missing");
    let result = worker.deliver(&new).await;
    assert_eq!(worker.complete(&new, &result).await.0, StatusCode::NO_CONTENT);
    assert_eq!(worker.complete(&old, &result).await.1["code"], "lease_lost");
    assert_eq!(job(&test, &film).await.state, JobState::Complete);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_nodes_own_worker_started_anew_gets_its_job_back_at_once(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"one", "video/mp4").await;
    let worker = Worker::new(&test);
    let mut asked = worker.asks();
    asked.worker = media::LOCAL_WORKER.into();
    for epoch in 1..=3 {
        let (status, lease) = worker.post("lease", &worker.token, &asked).await;
        assert_eq!((status, lease["epoch"].as_i64()), (StatusCode::OK, Some(epoch)));
        // Nobody else's lease ends by asking.
        assert!(worker.lease().await.is_none());
    }
    assert_eq!(worker.post("lease", &worker.token, &asked).await.0, StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_worker_outlives_a_node_that_was_away(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    test.advance_ms(10 * LEASE_MS);
    let now_ms = test.app.clock.now_ms();
    media::store::extend_leases(&test.app.database, now_ms + LEASE_MS).await.unwrap();
    assert!(worker.lease().await.is_none());
    assert_eq!(worker.progress(&lease, 0.5).await.0, StatusCode::OK);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn token_and_epoch_must_fit_the_job(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"one", "video/mp4").await;
    upload(&test, b"two", "video/mp4").await;
    let worker = Worker::new(&test);
    let (one, two) = (worker.lease().await.unwrap(), worker.lease().await.unwrap());

    let mut foreign = one.clone();
    foreign.token = two.token.clone();
    assert_eq!(worker.progress(&foreign, 0.1).await.0, StatusCode::UNAUTHORIZED);
    foreign.token = worker.token.clone();
    assert_eq!(worker.progress(&foreign, 0.1).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(worker.source(&foreign, None).await.status(), StatusCode::UNAUTHORIZED);
    let mut wrong_epoch = one.clone();
    wrong_epoch.epoch = 2;
    assert_eq!(worker.progress(&wrong_epoch, 0.1).await.1["code"], "lease_lost");
    assert_eq!(worker.progress(&one, 0.1).await.0, StatusCode::OK);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn three_silent_workers_end_it_and_the_owner_may_try_again(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    for epoch in 1..=3 {
        assert_eq!(worker.lease().await.unwrap().epoch, epoch);
        test.advance_ms(LEASE_MS);
    }
    assert!(worker.lease().await.is_none());
    let failed = job(&test, &film).await;
    assert_eq!((failed.state, failed.code.as_deref()), (JobState::Failed, Some("worker_lost")));
    assert!(failed.reason.unwrap().contains("three times"));

    let mut connection = test.app.database.acquire().await.unwrap();
    assert!(media::retry(&mut connection, &film, test.app.clock.now_ms()).await.unwrap());
    assert!(!media::retry(&mut connection, &film, test.app.clock.now_ms()).await.unwrap());
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
    assert_eq!(worker.lease().await.unwrap().epoch, 4);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_final_failure_ends_it_at_once_and_a_passing_one_does_not(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    for _ in 0..2 {
        let lease = worker.lease().await.unwrap();
        assert_eq!(worker.fail(&lease, "transcoder_crashed", true).await.0, StatusCode::NO_CONTENT);
        assert_eq!(job(&test, &film).await.state, JobState::Queued);
    }
    let lease = worker.lease().await.unwrap();
    assert_eq!(worker.fail(&lease, "no_picture", false).await.0, StatusCode::NO_CONTENT);
    let failed = job(&test, &film).await;
    assert_eq!((failed.state, failed.code.as_deref()), (JobState::Failed, Some("no_picture")));
    assert_eq!(failed.reason.as_deref(), Some("The file holds no picture."));
}
