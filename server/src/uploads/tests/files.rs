//! What the owner may look at: names, types, the source, the preview, and the stream of events.

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request, StatusCode};
use futures_util::StreamExt;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Node, UPLOADS, bytes, cid_of, token};

const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41 and so on";

fn named(name: &str) -> String {
    format!("filename {}", data_encoding::BASE64.encode(name.as_bytes()))
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn names_are_cleaned_and_types_are_seen(owner: PgPool) {
    let node = Node::new(&owner).await;
    for (name, content, clean, media_type, job) in [
        ("../../etc/passwd", b"root:x".as_slice(), "passwd", "text/plain", "none"),
        ("C:\\clips\\cat.mp4", MP4, "cat.mp4", "video/mp4", "queued"),
        ("photo.jpg", &[MP4, b"!"].concat(), "photo.jpg", "video/mp4", "queued"),
        ("clip.mp4", b"\x7fnothing that anybody knows\0", "clip.mp4", "video/mp4", "queued"),
        ("", b"\0\x01", "upload", "application/octet-stream", "none"),
    ] {
        let path = node.upload(content, &named(name)).await;
        let shown = node.show(&path).await;
        assert_eq!((&shown["file_name"], &shown["media_type"]), (&clean.into(), &media_type.into()), "{name}");
        assert_eq!(shown["job"]["state"], job, "{name}");
    }
    let items = node.show(UPLOADS).await["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 5);
    assert_eq!(items[0]["file_name"], "upload", "newest first");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_source_comes_back_in_ranges(owner: PgPool) {
    let node = Node::new(&owner).await;
    let file = bytes(1_300_000);
    let unfinished = node.create(5, "").await;
    let early = node.plain("ann", Method::GET, &format!("{unfinished}/source"), &[], Body::empty()).await;
    assert_eq!(early.code(), "upload_incomplete");
    let at = format!("{}/source", node.upload(&file, &named("a.mp4")).await);
    let whole = node.plain("ann", Method::GET, &at, &[], Body::empty()).await;
    assert!(whole.status == StatusCode::OK && whole.body == file);
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(whole.header("cache-control"), "private, no-cache");
    assert!(whole.header("content-disposition").starts_with("inline; filename=\"a.mp4\""));
    let part = node.plain("ann", Method::GET, &at, &[("range", "bytes=1048570-1048590")], Body::empty()).await;
    assert_eq!((part.status, part.body.as_ref()), (StatusCode::PARTIAL_CONTENT, &file[1_048_570..=1_048_590]));
    let public = node.plain("ann", Method::GET, &format!("/ipfs/{}", cid_of(&file)), &[], Body::empty()).await;
    assert_eq!(public.status, StatusCode::NOT_FOUND, "not even its owner finds it at its public address");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_preview_is_the_root(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.upload(MP4, &named("a.mp4")).await;
    let get =
        async |rest: &str| node.plain("ann", Method::GET, &format!("{path}/preview{rest}"), &[], Body::empty()).await;
    assert_eq!(get("/master.m3u8").await.code(), "preview_missing");
    let store = &node.test.app.store;
    let list = store.put_bytes(b"#EXTM3U\n").unwrap();
    let inner = store.put_directory([("media.m3u8", list.into())]).unwrap();
    let root = store.put_directory([("master.m3u8", list.into()), ("v240", inner)]).unwrap();
    complete(&node, &cid_of(MP4), &root.cid.to_string()).await;
    assert_eq!(node.show(&path).await["root"], root.cid.to_string());
    let master = get("/master.m3u8").await;
    assert_eq!((master.status, master.body.as_ref()), (StatusCode::OK, b"#EXTM3U\n".as_slice()));
    assert_eq!(master.header("content-type"), "application/vnd.apple.mpegurl");
    assert_eq!(master.header("cache-control"), "private, no-cache");
    assert_eq!(get("?format=raw").await.body, store.block(&root.cid).unwrap().unwrap());
    assert_eq!(get("/v240?format=raw").await.body, store.block(&inner.cid).unwrap().unwrap());
    assert_eq!(get("/v240/media.m3u8").await.status, StatusCode::OK);
    assert_eq!(get("/v240/nothing").await.status, StatusCode::NOT_FOUND);
    let retry = node.plain("ann", Method::POST, &format!("{path}/retry"), &[], Body::empty()).await;
    assert_eq!(retry.code(), "nothing_to_retry");
}

/// As a worker's last word would have it.
async fn complete(node: &Node, source: &str, root: &str) {
    let job: Uuid = sqlx::query_scalar("update job set state = 'complete' where source = $1 returning id")
        .bind(source)
        .fetch_one(&node.owner)
        .await
        .unwrap();
    sqlx::query(
        "insert into rendition (job, root, source, recipe, worker, duration_ms, rungs, warnings, state, created_ms)
         values ($1, $2, $3, $4, 'test', 1, '[]', '[]', 'private', 0)",
    )
    .bind(job)
    .bind(root)
    .bind(source)
    .bind(pinreel_runner::RECIPE)
    .execute(&node.owner)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_failed_job_can_be_tried_again(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.upload(MP4, &named("a.mp4")).await;
    sqlx::query("update job set state = 'failed', failure_code = 'x', failure_reason = 'No picture in it.'")
        .execute(&node.owner)
        .await
        .unwrap();
    assert_eq!(node.show(&path).await["job"]["reason"], "No picture in it.");
    let retry = node.plain("ann", Method::POST, &format!("{path}/retry"), &[], Body::empty()).await;
    assert_eq!(retry.status, StatusCode::NO_CONTENT);
    assert_eq!(node.show(&path).await["job"]["state"], "queued");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn events_tell_each_change(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.create(6, "").await;
    let request = Request::get(format!("{path}/events"))
        .header("authorization", format!("Bearer {}", token("ann")))
        .body(Body::empty())
        .unwrap();
    let response = node.test.send(request).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    assert_eq!(next_event(&mut events).await["offset_bytes"], 0);
    assert_eq!(node.patch(&path, 0, "abc").await.status, StatusCode::NO_CONTENT);
    assert_eq!(next_event(&mut events).await["offset_bytes"], 3);
    assert_eq!(node.patch(&path, 3, "def").await.status, StatusCode::NO_CONTENT);
    let mut stored = next_event(&mut events).await;
    while stored["state"] == "receiving" {
        stored = next_event(&mut events).await;
    }
    assert_eq!((&stored["state"], &stored["source"]), (&"stored".into(), &cid_of(b"abcdef").into()));
    node.test.app.tasks.stop.cancel();
    assert!(events.next().await.is_none(), "a stopping node ends the stream");
}

async fn next_event(events: &mut BodyDataStream) -> Value {
    let chunk = events.next().await.unwrap().unwrap();
    let text = std::str::from_utf8(&chunk).unwrap();
    assert!(text.starts_with("event: upload\n"), "{text}");
    serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap()
}
