//! When the world hears of a rendition: once its source is published, whichever was first, and exactly once.

use axum::http::StatusCode;
use pinreel_content::parse_cid;
use sqlx::PgPool;

use super::fake::{Worker, job, upload};
use crate::claims::tests::{Creator, claim, is_public, log_size, node, public_file};
use crate::media::announce::announce_due;
use crate::testing::TestApp;

async fn records(test: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from rendition_record").fetch_one(&test.app.database).await.unwrap()
}

async fn pins(test: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select role, name from pin order by role").fetch_all(&test.app.database).await.unwrap()
}

/// That the film is out, with its rendition, once.
async fn check_logged(test: &TestApp, claim: &str, source: &str) {
    for _ in 0..2 {
        announce_due(&test.app).await.unwrap();
    }
    assert_eq!(records(test).await, 1);
    let root = job(test, source).await.root.unwrap();
    assert!(is_public(test, &parse_cid(&root).unwrap()));
    let (status, page) = test.get(&format!("/api/v1/claims/{claim}")).await;
    assert_eq!((status, page["root"].as_str()), (StatusCode::OK, Some(root.as_str())));
    assert_eq!(page["root_by"], "node");
    assert_eq!((&page["renditions"][0]["height"], &page["job"]["state"]), (&720.into(), &"complete".into()));
    assert_eq!(page["rendition"]["worker"], "fake-1");
    let kept: Vec<String> = pins(test).await.into_iter().map(|(role, name)| format!("{role} {name}")).collect();
    assert_eq!(kept, ["hls pinreel/hls/clip.mp4", "source pinreel/source/clip.mp4"]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn complete_before_publish(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let source = upload(&test, b"a film", "video/mp4").await;
    Worker::new(&test).work().await;

    // Nobody may learn from the log or from Kubo that somebody works on this film.
    let before = log_size(&test).await;
    announce_due(&test.app).await.unwrap();
    assert_eq!((log_size(&test).await, pins(&test).await.len()), (before, 0));
    assert!(!is_public(&test, &parse_cid(&job(&test, &source).await.root.unwrap()).unwrap()));

    let id = ann.publish(&test, &claim("film", &file)).await;
    check_logged(&test, &id.to_string(), &source).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn publish_before_complete(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let source = upload(&test, b"a film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    let id = ann.publish(&test, &claim("film", &file)).await;
    announce_due(&test.app).await.unwrap();
    assert_eq!(records(&test).await, 0);

    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    check_logged(&test, &id.to_string(), &source).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn publish_before_upload(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    // As `pinreel import` leaves it: held, public, and no job's.
    let file = public_file(&test, b"a film");
    let id = ann.publish(&test, &claim("film", &file)).await;
    let source = upload(&test, b"a film", "video/mp4").await;
    Worker::new(&test).work().await;
    check_logged(&test, &id.to_string(), &source).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn publish_while_completing(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let worker = Worker::new(&test);
    for round in 1..=4 {
        let bytes = format!("film {round}");
        let file = public_file(&test, bytes.as_bytes());
        upload(&test, bytes.as_bytes(), "video/mp4").await;
        let lease = worker.lease().await.unwrap();
        let result = worker.deliver(&lease).await;
        let body = claim(&format!("film-{round}"), &file);
        let (_, (status, _)) = tokio::join!(ann.publish(&test, &body), worker.complete(&lease, &result));
        assert_eq!(status, StatusCode::NO_CONTENT);
        // Two servers of one node would look at the same time.
        let (one, two) = tokio::join!(announce_due(&test.app), announce_due(&test.app));
        one.unwrap();
        two.unwrap();
        assert_eq!(records(&test).await, round);
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_second_claim_of_the_same_source_needs_no_second_record(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let mut bob = Creator::new(&test, 2, "bob").await;
    let file = public_file(&test, b"a film");
    let source = upload(&test, b"a film", "video/mp4").await;
    Worker::new(&test).work().await;
    ann.publish(&test, &claim("film", &file)).await;
    let id = bob.publish(&test, &claim("film", &file)).await;
    check_logged(&test, &id.to_string(), &source).await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_background_task_logs_without_being_asked(owner: PgPool) {
    let test = node(&owner).await;
    let mut signals = test.app.signals.subscribe();
    test.app.tasks.spawn(crate::signals::run(test.app.clone()));
    signals.recv().await.unwrap();
    crate::media::start(&test.app);
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let source = upload(&test, b"a film", "video/mp4").await;
    Worker::new(&test).work().await;
    ann.publish(&test, &claim("film", &file)).await;
    // Its transaction signals that the job has changed; only that can end this wait.
    let logged = async {
        while records(&test).await == 0 {
            crate::signals::wait_for(&mut signals, |signal| *signal == crate::signals::Signal::Job(source.clone()))
                .await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), logged).await.expect("the rendition is logged");
    test.app.tasks.finish().await;
}
