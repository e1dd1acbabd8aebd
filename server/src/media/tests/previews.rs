//! Previews: made by a job of their own, shown once their source is published, gone with it or with their maker.

use axum::http::StatusCode;
use pinreel_content::parse_cid;
use pinreel_runner::{Document, Kind, Lease, Preview, PreviewSize, Task, Transcoded};
use serde_json::Value;
use sqlx::PgPool;

use super::fake::{Made, Worker, job, upload};
use crate::claims::tests::{Creator, claim, is_public, node, public_file};
use crate::media::announce::announce_due;
use crate::media::{self, JobState};
use crate::testing::TestApp;

const PICTURE: &[u8] = b"a picture";

fn worker(test: &TestApp) -> Worker<'_> {
    let mut worker = Worker::new(test);
    worker.capabilities.kinds = vec![Kind::Preview];
    worker
}

/// Three sizes of a picture of 1000 by 500.
fn made(mark: &str) -> (Transcoded, Vec<Made>) {
    let files: Vec<Made> = [320, 640, 1000]
        .iter()
        .map(|width| Made::new(&format!("preview/{width}.webp"), format!("{width}{mark}")))
        .collect();
    let size = |(file, width): (&Made, u32)| PreviewSize { width, height: width / 2, file: file.reference() };
    let sizes = files.iter().zip([320, 640, 1000]).map(size).collect();
    let preview = Some(Preview { width: 1000, height: 500, sizes });
    (Transcoded { preview, ..Transcoded::default() }, files)
}

async fn deliver(worker: &Worker<'_>, lease: &Lease) -> Transcoded {
    deliver_marked(worker, lease, "").await
}

async fn deliver_marked(worker: &Worker<'_>, lease: &Lease, mark: &str) -> Transcoded {
    let (result, files) = made(mark);
    for file in &files {
        assert_eq!(worker.put(lease, file).await.0, StatusCode::NO_CONTENT);
    }
    result
}

async fn page(test: &TestApp, claim: &str) -> Value {
    test.get(&format!("/api/v1/claims/{claim}")).await.1
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_picture_is_published_as_it_is_and_its_preview_follows(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, PICTURE);
    let source = upload(&test, PICTURE, "image/png").await;
    assert_eq!(job(&test, &source).await.state, JobState::None);
    assert!(Worker::new(&test).lease().await.is_none(), "it is no film");
    let worker = worker(&test);
    let lease = worker.lease().await.unwrap();
    assert_eq!(lease.task, Task::Preview { of: Document::Picture });
    assert_eq!(lease.recipe, "preview-1.picture");
    let id = ann.publish(&test, &claim("film", &file)).await.to_string();
    let before = page(&test, &id).await;
    assert_eq!((&before["preview"]["state"], &before["poster"]), (&"running".into(), &Value::Null));

    let result = deliver(&worker, &lease).await;
    for _ in 0..2 {
        assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    }
    // Made, but not to be fetched yet: a page that named it would show nothing.
    let between = page(&test, &id).await;
    assert_eq!((&between["preview"]["state"], &between["preview"]["root"]), (&"running".into(), &Value::Null));
    for _ in 0..2 {
        announce_due(&test.app).await.unwrap();
    }
    let after = page(&test, &id).await;
    let preview = &after["preview"];
    assert_eq!(
        (&preview["state"], &preview["width"], &preview["height"]),
        (&"complete".into(), &1000.into(), &500.into())
    );
    let root = preview["root"].as_str().unwrap();
    assert!(is_public(&test, &parse_cid(root).unwrap()));
    assert_eq!(after["poster"], format!("/ipfs/{root}/1000.webp"), "the widest there is, for others' previews");
    let (_, list) = test.get("/api/v1/publications").await;
    assert_eq!(list["items"][0]["poster"], format!("/ipfs/{root}/640.webp"), "{list}");
    let pins: Vec<String> = sqlx::query_scalar("select name from pin order by name").fetch_all(&owner).await.unwrap();
    assert_eq!(pins, ["pinreel/preview/clip.mp4", "pinreel/source/clip.mp4"]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn one_that_was_erased_keeps_no_other_back(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let mut roots = Vec::new();
    for (slug, bytes) in [("first", &b"one"[..]), ("second", b"another")] {
        let file = public_file(&test, bytes);
        let source = upload(&test, bytes, "image/png").await;
        let worker = worker(&test);
        let lease = worker.lease().await.unwrap();
        let result = deliver_marked(&worker, &lease, slug).await;
        assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
        let preview = media::preview_of(&test.app.database, &source).await.unwrap().unwrap();
        roots.push(parse_cid(preview.root.as_deref().unwrap()).unwrap());
        ann.publish(&test, &claim(slug, &file)).await;
    }
    test.app.store.erase(&roots[0], 1).unwrap();
    assert!(announce_due(&test.app).await.is_err());
    assert_eq!((is_public(&test, &roots[0]), is_public(&test, &roots[1])), (false, true));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nobody_learns_of_a_picture_before_it_is_published(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, PICTURE);
    let source = upload(&test, PICTURE, "image/png").await;
    let worker = worker(&test);
    let lease = worker.lease().await.unwrap();
    let result = deliver(&worker, &lease).await;
    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    announce_due(&test.app).await.unwrap();
    let preview = media::preview_of(&test.app.database, &source).await.unwrap().unwrap();
    let root = parse_cid(preview.root.as_deref().unwrap()).unwrap();
    assert_eq!((preview.is_shown, is_public(&test, &root)), (false, false));
    ann.publish(&test, &claim("film", &file)).await;
    announce_due(&test.app).await.unwrap();
    assert!(is_public(&test, &root));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_of_which_none_can_be_made_says_why_and_can_be_tried_again(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, PICTURE);
    let source = upload(&test, PICTURE, "application/pdf").await;
    let worker = worker(&test);
    let lease = worker.lease().await.unwrap();
    assert_eq!(lease.task, Task::Preview { of: Document::Pdf });
    assert_eq!(worker.fail(&lease, "document_unusable", false).await.0, StatusCode::NO_CONTENT);
    let id = ann.publish(&test, &claim("film", &file)).await.to_string();
    let shown = page(&test, &id).await;
    let preview = &shown["preview"];
    assert_eq!((&preview["state"], &preview["reason"]), (&"failed".into(), &"The file holds no picture.".into()));
    let mut transaction = test.app.database.begin().await.unwrap();
    assert!(media::retry(&mut transaction, &source, 1).await.unwrap());
    transaction.commit().await.unwrap();
    assert!(worker.lease().await.is_some());
    // Of texts, archives and pictures that can run nothing is made.
    for (bytes, media_type) in [(b"a", "text/plain"), (b"b", "application/zip"), (b"c", "image/svg+xml")] {
        let source = upload(&test, bytes, media_type).await;
        assert_eq!(media::preview_of(&test.app.database, &source).await.unwrap(), None, "{media_type}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_is_no_preview_is_refused(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, PICTURE, "image/png").await;
    let worker = worker(&test);
    let lease = worker.lease().await.unwrap();
    let good = deliver(&worker, &lease).await;
    type Spoil = fn(&mut Transcoded);
    let cases: [(&str, Spoil); 8] = [
        ("nothing", |result| result.preview = None),
        ("no sizes", |result| result.preview.as_mut().unwrap().sizes.clear()),
        ("out of order", |result| result.preview.as_mut().unwrap().sizes.reverse()),
        ("twice", |result| {
            let sizes = &mut result.preview.as_mut().unwrap().sizes;
            sizes.push(sizes[2].clone());
        }),
        ("no height", |result| result.preview.as_mut().unwrap().sizes[0].height = 0),
        ("no width", |result| result.preview.as_mut().unwrap().width = 0),
        ("another name", |result| result.preview.as_mut().unwrap().sizes[0].file.name = "preview/321.webp".into()),
        ("a poster beside it", |result| {
            result.poster = Some(result.preview.as_ref().unwrap().sizes[0].file.clone());
        }),
    ];
    for (name, spoil) in cases {
        let mut spoiled = good.clone();
        spoil(&mut spoiled);
        let (status, body) = worker.complete(&lease, &spoiled).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("result_unfit")), "{name}");
    }
    let mut other = good.clone();
    other.preview.as_mut().unwrap().sizes[0].file.bytes += 1;
    assert_eq!(worker.complete(&lease, &other).await.1["code"], "file_missing");
    for name in ["preview/0320.webp", "preview/x.webp", "preview/320.svg", "preview/1000000.webp"] {
        assert_eq!(worker.put(&lease, &Made::new(name, "x")).await.1["code"], "name_refused", "{name}");
    }
    assert_eq!(worker.complete(&lease, &good).await.0, StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_withdrawn_workers_previews_are_made_again(owner: PgPool) {
    let test = TestApp::new(&owner);
    let source = upload(&test, PICTURE, "image/png").await;
    let worker = worker(&test);
    let lease = worker.lease().await.unwrap();
    let result = deliver(&worker, &lease).await;
    worker.complete(&lease, &result).await;
    let state = async || media::preview_of(&test.app.database, &source).await.unwrap().unwrap();
    let root = state().await.root.unwrap();
    sqlx::query("update worker set key_hash = $1 where name = 'fake-1'")
        .bind([9u8; 32].as_slice())
        .execute(&owner)
        .await
        .unwrap();
    assert_eq!(media::withdraw(&test.app, "fake-1").await.unwrap(), 1);
    assert_eq!((state().await.state, state().await.root), (JobState::Queued, None));
    assert_eq!(media::withdrawn(&test.app.database).await.unwrap(), std::slice::from_ref(&root));
    let mut other = Worker::new(&test);
    (other.name, other.capabilities.kinds) = ("other".into(), vec![Kind::Preview]);
    let lease = other.lease().await.unwrap();
    let result = deliver(&other, &lease).await;
    assert_eq!(other.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    assert_eq!(state().await.root, Some(root));
    assert!(media::withdrawn(&test.app.database).await.unwrap().is_empty(), "another makes the same");
}
