//! What connections, crashes and rivals do to an upload.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};

use super::{Answer, Node, bytes, cid_of, stream_body};
use crate::uploads::sweep;

/// A body that sends what it is given, and tells when it has been asked for more.
pub fn fed() -> (mpsc::Sender<Bytes>, Arc<Notify>, Body) {
    let (sender, receiver) = mpsc::channel(16);
    let hungry = Arc::new(Notify::new());
    let body = stream::unfold((receiver, hungry.clone()), |(mut receiver, hungry)| async move {
        hungry.notify_one();
        let chunk: Bytes = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(chunk), (receiver, hungry)))
    });
    (sender, hungry, stream_body(body))
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_broken_connection_loses_nothing(owner: PgPool) {
    let node = Node::new(&owner).await;
    let file = bytes(3_300_000);
    let path = node.create(file.len(), "").await;
    let broken = stream::iter([
        Ok(Bytes::copy_from_slice(&file[..1_200_000])),
        Ok(Bytes::copy_from_slice(&file[1_200_000..1_234_567])),
        Err(std::io::Error::other("the cable was pulled")),
    ]);
    let answer = node.patch(&path, 0, stream_body(broken)).await;
    assert_eq!(answer.code(), "body_broken_off");
    assert_eq!(node.head(&path).await.offset(), 1_234_567);
    let rest = node.patch(&path, 1_234_567, file[1_234_567..].to_vec()).await;
    assert_eq!(rest.status, StatusCode::NO_CONTENT);
    assert_eq!(node.show(&path).await["source"], cid_of(&file));
}

/// hyper drops a request whose client has gone. What came is still put down, before anybody else may write.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_vanished_client_loses_nothing(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.create(100, "").await;
    let (feed, hungry, body) = fed();
    {
        let request = node.patch(&path, 0, body);
        tokio::pin!(request);
        feed.send("0123456789".into()).await.unwrap();
        let taken = async {
            // Asked for the first piece, then for the second: the first was taken.
            hungry.notified().await;
            hungry.notified().await;
        };
        tokio::select! {
            _ = &mut request => panic!("the body hasn't ended"),
            () = taken => {}
        }
    }
    drop(feed);
    assert_eq!(node.head(&path).await.offset(), 10);
    assert_eq!(node.patch(&path, 10, vec![b'x'; 90]).await.status, StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn one_writer_at_a_time(owner: PgPool) {
    let node = Arc::new(Node::new(&owner).await);
    let path = node.create(6, "").await;
    let (feed, hungry, body) = fed();
    let first = tokio::spawn({
        let (node, path) = (node.clone(), path.clone());
        async move { node.patch(&path, 0, body).await }
    });
    feed.send("abc".into()).await.unwrap();
    hungry.notified().await;
    hungry.notified().await;
    let second: Answer = node.patch(&path, 0, "xyz").await;
    assert_eq!((second.status, second.code().as_str()), (StatusCode::LOCKED, "upload_locked"));
    feed.send("def".into()).await.unwrap();
    drop(feed);
    assert_eq!(first.await.unwrap().offset(), 6);
    assert_eq!(node.show(&path).await["source"], cid_of(b"abcdef"));
}

/// Termination wins over a writer whose bytes flow, even if all of them have come.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn deleting_ends_the_writer(owner: PgPool) {
    let node = Arc::new(Node::new(&owner).await);
    for sent in ["abc", "abcdef"] {
        let path = node.create(6, "").await;
        let (feed, hungry, body) = fed();
        let writing = tokio::spawn({
            let (node, path) = (node.clone(), path.clone());
            async move { node.patch(&path, 0, body).await }
        });
        feed.send(sent.into()).await.unwrap();
        hungry.notified().await;
        hungry.notified().await;
        let delete = node.tus(Method::DELETE, &path, &[], "").await;
        assert_eq!(delete.status, StatusCode::NO_CONTENT, "{:?}", delete.body);
        let ended = writing.await.unwrap();
        assert_eq!((ended.status, ended.code().as_str()), (StatusCode::GONE, "upload_gone"));
        assert_eq!(node.head(&path).await.status, StatusCode::NOT_FOUND);
    }
    assert!(node.test.app.store.partials().unwrap().is_empty());
    let jobs: i64 = sqlx::query_scalar("select count(*) from job").fetch_one(&owner).await.unwrap();
    assert_eq!(jobs, 0, "what was given up isn't transcoded");
}

/// The node stops while bytes flow: they are put down, and the sender is told to come back.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn stopping_keeps_what_came(owner: PgPool) {
    let node = Arc::new(Node::new(&owner).await);
    let path = node.create(100, "").await;
    let (feed, hungry, body) = fed();
    let sending = tokio::spawn({
        let (node, path) = (node.clone(), path.clone());
        async move { node.patch(&path, 0, body).await }
    });
    feed.send("0123456789".into()).await.unwrap();
    hungry.notified().await;
    hungry.notified().await;
    node.test.app.tasks.finish().await;
    let answer = sending.await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "node_stopping"));
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(node.test.app.store.partial_arrived_bytes(id).unwrap(), Some(10));
}

/// The crash points between the last byte and the row: the file is complete, or already in its place.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_crash_before_the_row_is_mended(owner: PgPool) {
    let node = Node::new(&owner).await;
    let store = node.test.app.store.clone();
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let crash = |path: &str, bytes: &[u8], placed: bool| {
        let mut partial = store.open_partial(&id(path)).unwrap().unwrap();
        partial.append(bytes).unwrap();
        if placed {
            partial.finish().unwrap();
        }
    };
    for (round, placed) in [(0, false), (1, true)] {
        let (asked, started) = (node.create(6, "").await, node.create(6, "").await);
        let (a, b) = (format!("asked{round}"), format!("start{round}"));
        crash(&asked, a.as_bytes(), placed);
        crash(&started, b.as_bytes(), placed);
        let head = node.head(&asked).await;
        assert_eq!((head.status, head.offset()), (StatusCode::OK, 6));
        assert_eq!(node.show(&asked).await["source"], cid_of(a.as_bytes()), "the next request finishes it");
        assert_eq!(node.show(&started).await["state"], "receiving");
        sweep::mend(&node.test.app).await.unwrap();
        let shown = node.show(&started).await;
        assert_eq!((&shown["state"], &shown["source"]), (&"stored".into(), &cid_of(b.as_bytes()).into()));
        assert_eq!(shown["job"]["state"], "none", "text isn't transcoded, but its job says so");
    }
    assert!(store.partials().unwrap().is_empty());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_start_tidies_up(owner: PgPool) {
    let node = Node::new(&owner).await;
    let store = &node.test.app.store;
    let (going_on, lost) = (node.create(6, "").await, node.create(6, "").await);
    assert_eq!(node.patch(&going_on, 0, "abc").await.status, StatusCode::NO_CONTENT);
    store.create_partial("00000000000000000000000000000001", 9).unwrap();
    store.remove_partial(lost.rsplit('/').next().unwrap()).unwrap();
    sweep::mend(&node.test.app).await.unwrap();
    assert_eq!(store.partials().unwrap().len(), 1, "a file without a row goes");
    assert_eq!(node.head(&lost).await.status, StatusCode::NOT_FOUND, "a row without a file goes");
    assert_eq!(node.head(&going_on).await.offset(), 3);
}

/// The offset is what the disk says, also when a leaf's hash was still on its way.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_disk_knows_the_offset(owner: PgPool) {
    let node = Node::new(&owner).await;
    let file = bytes(2_200_000);
    let path = node.create(file.len(), "").await;
    assert_eq!(node.patch(&path, 0, file[..1_500_000].to_vec()).await.offset(), 1_500_000);
    // A killed process may have written a part of a piece that it never acknowledged.
    let id = path.rsplit('/').next().unwrap();
    let part = node.test.app.data.content().join("partial").join(format!("{id}.part"));
    let mut bytes_there = std::fs::OpenOptions::new().append(true).open(part).unwrap();
    std::io::Write::write_all(&mut bytes_there, &file[1_500_000..1_500_123]).unwrap();
    assert_eq!(node.head(&path).await.offset(), 1_500_123);
    assert_eq!(node.patch(&path, 1_500_123, file[1_500_123..].to_vec()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(node.show(&path).await["source"], cid_of(&file));
}
