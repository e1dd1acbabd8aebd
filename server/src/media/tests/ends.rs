//! How leases end: words that come twice, and workers that are at fault themselves.

use axum::http::StatusCode;
use sqlx::PgPool;

use super::fake::{Worker, job, upload};
use crate::media::model::{FAULT_PAUSES_MS, LEASE_MS};
use crate::media::{self, JobState, operate};
use crate::testing::TestApp;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_completion_that_comes_twice_is_answered_twice_also_at_the_same_time(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    let both = tokio::join!(worker.complete(&lease, &result), worker.complete(&lease, &result));
    let statuses = [both.0.0, both.1.0, worker.complete(&lease, &result).await.0];
    assert_eq!(statuses, [StatusCode::NO_CONTENT; 3], "{both:?}");
    assert_eq!(job(&test, &film).await.state, JobState::Complete);
    assert_eq!(worker.fail(&lease, "worker_disk", true).await.1["code"], "lease_lost", "that is another word");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_failure_that_comes_twice_counts_once_and_is_answered_twice(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let first = worker.lease().await.unwrap();
    let crash = async || worker.fail(&first, "transcoder_crashed", true).await;
    let both = tokio::join!(crash(), crash());
    assert_eq!([both.0.0, both.1.0], [StatusCode::NO_CONTENT; 2], "{both:?}");
    let id = job(&test, &film).await.id.to_string();
    assert_eq!(operate::show(&test.app, &id).await.unwrap().listed.attempts, 1);
    assert_eq!(worker.release(&first).await.1["code"], "lease_lost", "that is another word");

    // The answer is the same when somebody else has the job by now, who doesn't notice.
    let second = worker.lease().await.unwrap();
    assert_eq!(crash().await.0, StatusCode::NO_CONTENT);
    assert_eq!(worker.progress(&second, 0.5).await.0, StatusCode::OK);
    test.advance_ms(LEASE_MS);
    media::lease::end_expired(&test.app).await.unwrap();
    assert_eq!(worker.fail(&second, "no_picture", false).await.1["code"], "lease_lost", "nobody heard it in time");
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_job_that_is_given_back_twice_goes_back_once(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let both = tokio::join!(worker.release(&lease), worker.release(&lease));
    let statuses = [both.0.0, both.1.0, worker.release(&lease).await.0];
    assert_eq!(statuses, [StatusCode::NO_CONTENT; 3], "{both:?}");
    let id = job(&test, &film).await.id.to_string();
    let shown = operate::show(&test.app, &id).await.unwrap();
    assert_eq!((shown.listed.job.state, shown.listed.attempts), (JobState::Queued, 0));
    assert_eq!(shown.log.iter().filter(|line| line.text.ends_with("gave it back")).count(), 1);
    assert_eq!(worker.lease().await.unwrap().epoch, 2);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_worker_at_fault_leaves_the_job_to_others_and_gets_it_back_after_ever_longer_pauses(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let broken = Worker::new(&test);
    let healthy = Worker::by(&test, &broken.token, "healthy");
    for pause_ms in &FAULT_PAUSES_MS[..2] {
        let lease = broken.lease().await.unwrap();
        assert_eq!(broken.fail(&lease, "worker_disk", true).await.0, StatusCode::NO_CONTENT);
        test.advance_ms(pause_ms - 1);
        assert!(broken.lease().await.is_none(), "within {pause_ms} ms");
        test.advance_ms(1);
    }
    let lease = broken.lease().await.unwrap();
    assert_eq!(broken.fail(&lease, "worker_disk", true).await.0, StatusCode::NO_CONTENT);
    let failed = job(&test, &film).await;
    assert_eq!((failed.state, failed.code.as_deref()), (JobState::Failed, Some("worker_disk")));

    // Asked for anew, it has no past.
    operate::retry(&test.app, &failed.id.to_string()).await.unwrap();
    let lease = broken.lease().await.unwrap();
    assert_eq!(broken.fail(&lease, "sandbox_failed", true).await.0, StatusCode::NO_CONTENT);
    assert!(broken.lease().await.is_none());
    assert_eq!(healthy.work().await, failed.id.to_string());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_worker_at_fault_may_do_other_jobs_and_a_file_that_breaks_it_is_tried_at_once(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    assert_eq!(worker.fail(&lease, "worker_disk", true).await.0, StatusCode::NO_CONTENT);
    let other = upload(&test, b"another", "video/mp4").await;
    for _ in 0..3 {
        let lease = worker.lease().await.unwrap();
        assert_eq!(lease.source.cid, other);
        assert_eq!(worker.fail(&lease, "transcoder_crashed", true).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(job(&test, &other).await.state, JobState::Failed);
}
