//! What can be watched while a job runs: signed, only added to, and never another than what was played.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use pinreel_records::growing::{EMPTY_CHAIN, extend};
use pinreel_records::{Growing, Piece, RecordId, base64url};
use pinreel_runner::Transcoded;
use serde_json::Value;
use sqlx::PgPool;

use super::fake::{Made, Worker, job, made, upload};
use crate::claims::tests::{Creator, claim, is_public, node, public_file};
use crate::media::announce::announce_due;
use crate::media::model::LEASE_MS;
use crate::media::{self, JobState};
use crate::retention::reconcile;
use crate::testing::TestApp;

/// A published film that isn't transcoded yet: its claim and its source.
async fn published(test: &TestApp) -> (RecordId, String) {
    let mut ann = Creator::new(test, 1, "ann").await;
    let file = public_file(test, b"a film");
    let source = upload(test, b"a film", "video/mp4").await;
    (ann.publish(test, &claim("film", &file)).await, source)
}

async fn answer(test: &TestApp, claim: RecordId, after: u64) -> (StatusCode, Value) {
    test.get(&format!("/api/v1/claims/{claim}/growing?after={after}")).await
}

/// The newest revision, checked as a viewer who has seen nothing before checks it; and its steps.
async fn watch(test: &TestApp, claim: RecordId) -> (Growing, Vec<Vec<Piece>>) {
    let (status, answer) = answer(test, claim, 0).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let bytes = |name: &str| base64url::decode(answer[name].as_str().unwrap()).unwrap();
    let growing = Growing::verify(&bytes("statement"), &bytes("sig").try_into().unwrap()).unwrap();
    assert_eq!(growing.key, test.app.identity.node_key.public());
    let piece = |piece: &Value| Piece {
        cid: piece["cid"].as_str().unwrap().parse().unwrap(),
        ticks: piece["ticks"].as_u64().unwrap(),
    };
    let steps = answer["steps"].as_array().unwrap().iter();
    let steps: Vec<Vec<Piece>> = steps.map(|step| step.as_array().unwrap().iter().map(piece).collect()).collect();
    assert_eq!(steps.len() as u64, growing.segments);
    assert_eq!(steps.iter().fold(EMPTY_CHAIN, |chain, step| extend(&chain, step)), growing.chain);
    (growing, steps)
}

async fn is_gone(test: &TestApp, claim: RecordId) -> bool {
    answer(test, claim, 0).await.0 == StatusCode::NO_CONTENT
}

async fn file(test: &TestApp, claim: RecordId, name: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(format!("/api/v1/claims/{claim}/growing/{name}")).body(Body::empty()).unwrap();
    let response = test.send(request).await;
    (response.status(), response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

fn cids(result: &Transcoded) -> Vec<Vec<String>> {
    let pairs = result.video[0].segments.iter().zip(&result.audio[0].segments);
    pairs.map(|(video, audio)| vec![video.file.cid.clone(), audio.file.cid.clone()]).collect()
}

fn cids_of(steps: &[Vec<Piece>]) -> Vec<Vec<String>> {
    steps.iter().map(|step| step.iter().map(|piece| piece.cid.to_string()).collect()).collect()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn it_is_watched_step_by_step_and_then_as_a_whole(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, source) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    assert!(is_gone(&test, claim).await && !job(&test, &source).await.playable);
    let result = worker.deliver(&lease).await;

    assert_eq!(worker.grow(&lease, &result, (0, 1)).await.0, StatusCode::NO_CONTENT);
    assert!(job(&test, &source).await.playable);
    let (first, steps) = watch(&test, claim).await;
    assert_eq!((first.revision, first.segments, first.ended), (1, 1, false));
    assert_eq!((first.source.to_string(), first.recipe.as_str()), (source.clone(), pinreel_runner::RECIPE));
    let names: Vec<_> = first.renditions.iter().map(|one| (one.name.as_str(), one.height)).collect();
    assert_eq!(names, [("v720", Some(720)), ("a0", None)]);
    assert_eq!(cids_of(&steps), cids(&result)[..1]);

    // The files, by their claim alone: nothing is public before the root is.
    let (_, files) = made(&source);
    let bytes = |name: &str| files.iter().find(|made| made.name == name).unwrap().bytes.clone();
    for name in ["v720/init.mp4", "v720/seg-00000.m4s", "a0/seg-00000.m4s"] {
        assert_eq!(file(&test, claim, name).await, (StatusCode::OK, bytes(name)), "{name}");
    }
    for name in ["v720/seg-00001.m4s", "v720/seg-0.m4s.m4s", "poster.jpg", "v480/init.mp4", "v720/media.m3u8"] {
        assert_eq!(file(&test, claim, name).await.0, StatusCode::NOT_FOUND, "{name}");
    }
    assert!(!is_public(&test, &steps[0][0].cid));

    // The same again is no new revision; more is.
    worker.grow(&lease, &result, (0, 1)).await;
    assert_eq!(watch(&test, claim).await.0, first);
    assert_eq!(worker.grow(&lease, &result, (0, 2)).await.0, StatusCode::NO_CONTENT);
    let (second, steps) = watch(&test, claim).await;
    assert!(second.adds_to(&first) && second.revision == 2);
    assert_eq!(cids_of(&steps), cids(&result));
    let (_, rest) = answer(&test, claim, 1).await;
    assert_eq!((rest["first"].as_u64(), rest["steps"].as_array().map(Vec::len)), (Some(1), Some(1)));
    assert_eq!(file(&test, claim, "v720/seg-00001.m4s?format=raw").await.0, StatusCode::OK, "a node above its leaves");

    // The end is signed with the result, and the stream goes when the root is there.
    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    let (third, _) = watch(&test, claim).await;
    assert!(third.adds_to(&second) && third.ended);
    announce_due(&test.app).await.unwrap();
    assert!(is_gone(&test, claim).await);
    let (_, page) = test.get(&format!("/api/v1/claims/{claim}")).await;
    assert!(page["root"].is_string() && page["job"]["playable"] == true);
    // Who hasn't heard of it yet isn't left alone in the middle.
    assert_eq!(file(&test, claim, "a0/seg-00001.m4s").await, (StatusCode::OK, bytes("a0/seg-00001.m4s")));
    assert_eq!(file(&test, claim, "a0/seg-00002.m4s").await.0, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nothing_is_shown_of_what_is_not_published(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let film = public_file(&test, b"a film");
    let source = upload(&test, b"a film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    assert!(job(&test, &source).await.playable, "its owner may know");
    let other = public_file(&test, b"another");
    let foreign = ann.publish(&test, &claim("other", &other)).await;
    assert!(is_gone(&test, foreign).await);
    let cid = &result.video[0].segments[0].file.cid;
    assert_eq!(test.get(&format!("/ipfs/{cid}")).await.0, StatusCode::NOT_FOUND);

    let id = ann.publish(&test, &claim("film", &film)).await;
    assert_eq!(watch(&test, id).await.0.segments, 1);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn only_what_was_delivered_in_order_by_the_holder_counts(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, _) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let (result, files) = made(&lease.source.cid);
    assert_eq!(worker.grow(&lease, &result, (0, 1)).await.1["code"], "file_missing");
    for made in &files[..5] {
        worker.put(&lease, made).await;
    }
    assert_eq!(worker.grow(&lease, &result, (0, 2)).await.1["code"], "file_missing");
    let mut shuffled = result.clone();
    shuffled.video[0].segments.swap(0, 1);
    assert_eq!(worker.grow(&lease, &shuffled, (0, 1)).await.1["code"], "result_unfit");
    worker.put(&lease, &files[5]).await;
    assert_eq!(worker.grow(&lease, &result, (1, 1)).await.1["code"], "result_unfit", "a gap");
    assert!(is_gone(&test, claim).await);

    test.advance_ms(LEASE_MS);
    let next = worker.lease().await.unwrap();
    assert_eq!(worker.grow(&lease, &result, (0, 1)).await.1["code"], "lease_lost");
    assert_eq!(worker.grow(&next, &result, (0, 1)).await.1["code"], "file_missing", "the other lease delivered them");
    assert!(is_gone(&test, claim).await);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_next_lease_goes_on_where_the_last_ended(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, source) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    let (before, steps) = watch(&test, claim).await;

    test.advance_ms(LEASE_MS);
    let lease = worker.lease().await.unwrap();
    assert!(job(&test, &source).await.playable);
    assert_eq!(watch(&test, claim).await.0, before, "what is there stays there");
    // Its files are kept, although the job's list is empty again.
    reconcile(&test.app).await.unwrap();
    let pinned: Vec<_> = test.app.store.pins().unwrap().into_iter().map(|pin| pin.cid).collect();
    for kept in steps[0].iter().map(|piece| piece.cid).chain(before.renditions.iter().map(|opening| opening.init)) {
        assert!(pinned.contains(&kept));
    }
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    assert_eq!(watch(&test, claim).await.0, before);
    worker.grow(&lease, &result, (1, 1)).await;
    assert!(watch(&test, claim).await.0.adds_to(&before));
    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    assert!(watch(&test, claim).await.0.ended);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn other_bytes_take_it_back_for_good(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, source) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;

    test.advance_ms(LEASE_MS);
    let lease = worker.lease().await.unwrap();
    let other = worker.deliver_of(&lease, "another encoder").await;
    assert_eq!(worker.grow(&lease, &other, (0, 1)).await.0, StatusCode::NO_CONTENT);
    assert!(is_gone(&test, claim).await && !job(&test, &source).await.playable);
    assert_eq!(file(&test, claim, "v720/seg-00000.m4s").await.0, StatusCode::NOT_FOUND);
    worker.grow(&lease, &other, (0, 2)).await;
    assert!(is_gone(&test, claim).await);

    assert_eq!(worker.complete(&lease, &other).await.0, StatusCode::NO_CONTENT);
    announce_due(&test.app).await.unwrap();
    assert!(job(&test, &source).await.playable);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_result_without_what_was_played_takes_it_back(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, source) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    let changed = Made::new("v720/seg-00000.m4s", "not what was played");
    worker.put(&lease, &changed).await;
    let mut other = result.clone();
    other.video[0].segments[0].file.cid = changed.cid();
    other.video[0].segments[0].file.bytes = changed.bytes.len() as u64;
    assert_eq!(worker.complete(&lease, &other).await.0, StatusCode::NO_CONTENT);
    assert!(is_gone(&test, claim).await);
    assert_eq!(job(&test, &source).await.state, JobState::Complete);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_failed_job_takes_it_back(owner: PgPool) {
    let test = node(&owner).await;
    let (claim, source) = published(&test).await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    worker.fail(&lease, "no_picture", false).await;
    assert!(is_gone(&test, claim).await);
    let (_, page) = test.get(&format!("/api/v1/claims/{claim}")).await;
    assert_eq!((&page["job"]["state"], &page["job"]["playable"]), (&"failed".into(), &false.into()));
    assert_eq!(page["job"]["reason"], "The file holds no picture.");

    // A new try is watched when it is complete.
    let mut connection = test.app.database.acquire().await.unwrap();
    assert!(media::retry(&mut connection, &source, test.app.clock.now_ms()).await.unwrap());
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    worker.grow(&lease, &result, (0, 1)).await;
    assert!(is_gone(&test, claim).await && !job(&test, &source).await.playable);
}
