//! What the operator erases: nothing more is made of it, and what was made before is named.

use axum::http::StatusCode;
use pinreel_content::parse_cid;
use sqlx::PgPool;

use super::fake::{Worker, job, upload};
use crate::media::{self, JobState};
use crate::retention;
use crate::testing::TestApp;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn jobs_of_erased_sources_end(owner: PgPool) {
    let test = TestApp::new(&owner);
    let worker = Worker::new(&test);
    let running = upload(&test, b"film", "video/mp4").await;
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    let waiting = upload(&test, b"another film", "video/mp4").await;
    let other = upload(&test, b"a third", "video/mp4").await;
    for source in [&running, &waiting] {
        test.app.store.erase(&parse_cid(source).unwrap(), 1).unwrap();
    }
    retention::reconcile(&test.app).await.unwrap();
    for source in [&running, &waiting] {
        let job = job(&test, source).await;
        assert_eq!((job.state, job.code.as_deref()), (JobState::Failed, Some("content_erased")));
        assert!(media::made_of(&test.app.database, source).await.unwrap().is_empty());
    }
    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::CONFLICT, "too late");
    assert_eq!(job(&test, &other).await.state, JobState::Queued);
    assert!(media::made_of(&test.app.database, &running).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_made_of_a_source_is_known(owner: PgPool) {
    let test = TestApp::new(&owner);
    let source = upload(&test, b"film", "video/mp4").await;
    Worker::new(&test).work().await;
    let root = job(&test, &source).await.root.unwrap();
    assert_eq!(media::made_of(&test.app.database, &source).await.unwrap(), [root]);
}
