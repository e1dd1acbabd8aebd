//! What a worker may deliver, and what it may fetch.

use axum::body::Body;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use pinreel_content::{hash_bytes, parse_cid};
use pinreel_runner::FileKind;
use sqlx::PgPool;

use super::fake::{Made, Worker, upload};
use crate::testing::TestApp;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_source_is_served_by_ranges_for_its_job(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    upload(&test, &film, "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let whole = worker.source(&lease, None).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.into_body().collect().await.unwrap().to_bytes(), film);
    let part = worker.source(&lease, Some("bytes=1048570-1048585")).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 1048570-1048585/3000000");
    assert_eq!(part.into_body().collect().await.unwrap().to_bytes(), &film[1_048_570..1_048_586]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn names_that_lead_elsewhere_are_refused(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let cid = hash_bytes(b"x").cid.to_string();
    for name in [
        "master.m3u8",
        "v720/media.m3u8",
        "v720/seg-0.m4s",
        "..%2f..%2fetc%2fpasswd",
        "v720%2f..%2f..%2fkeys",
        "v720/%2e%2e/x",
        "/poster.jpg",
        "poster.jpg%00",
        "poster.jpg/",
        "v720/v720/init.mp4",
        "v0720/init.mp4",
    ] {
        let (status, body) = worker.put_as(&lease, name, &cid, Body::from("x")).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("name_refused")), "{name}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn bytes_must_be_those_announced(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let other = hash_bytes(b"other").cid.to_string();
    let (status, body) = worker.put_as(&lease, "poster.jpg", &other, Body::from("bytes")).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("cid_mismatch")));
    for cid in ["", "nonsense"] {
        let (_, body) = worker.put_as(&lease, "poster.jpg", cid, Body::from("bytes")).await;
        assert_eq!(body["code"], "cid_missing");
    }
    // Sent again, and then with other bytes: the last is what counts.
    for bytes in ["one", "one", "two"] {
        assert_eq!(worker.put(&lease, &Made::new("poster.jpg", bytes)).await.0, StatusCode::NO_CONTENT);
    }
    let kept: Vec<(String, i64)> =
        sqlx::query_as("select cid, size_bytes from job_file").fetch_all(&test.app.database).await.unwrap();
    assert_eq!(kept, [(hash_bytes(b"two").cid.to_string(), 3)]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_over_its_limit_is_cut_off_and_leaves_nothing(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let piece = Bytes::from(vec![7; 1 << 16]);
    let pieces = FileKind::Picture.max_bytes() / piece.len() as u64 + 1;
    let endless = stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let cid = hash_bytes(b"x").cid.to_string();
    let (status, body) = worker.put_as(&lease, "poster.jpg", &cid, Body::from_stream(endless)).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("file_too_large")));
    assert_eq!(test.app.store.stats().unwrap().blobs, 1, "only the source is there");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_job_over_its_limit_is_told_so(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    // As if nearly everything that it may deliver were there.
    sqlx::query(
        "insert into job_file (job, name, epoch, cid, size_bytes, tsize_bytes)
         select id, 'v720/seg-00000.m4s', epoch, 'x', 8 * source_bytes + (256 << 20) - 2, 0 from job",
    )
    .execute(&owner)
    .await
    .unwrap();
    assert_eq!(worker.put(&lease, &Made::new("poster.jpg", "12")).await.0, StatusCode::NO_CONTENT);
    let (status, body) = worker.put(&lease, &Made::new("poster.jpg", "123")).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("job_too_large")));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_that_breaks_off_leaves_nothing(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("cable"))]);
    let cid = hash_bytes(b"half").cid.to_string();
    let (status, body) = worker.put_as(&lease, "poster.jpg", &cid, Body::from_stream(broken)).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("interrupted")));
    assert!(!test.app.store.holds(&parse_cid(&cid).unwrap()).unwrap());
}
