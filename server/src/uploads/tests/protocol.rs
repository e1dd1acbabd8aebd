//! tus 1.0.0 to the letter.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use sqlx::PgPool;

use super::{Node, UPLOADS, bytes, channel, cid_of};
use crate::uploads::model::{EMPTY_LIFE_MS, LIFE_MS};
use crate::uploads::sweep;
use crate::uploads::tus::CHUNK_TYPE;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_in_three_pieces(owner: PgPool) {
    let node = Node::new(&owner).await;
    let file = bytes(2_500_000);
    let path = node.create(file.len(), "filename Y2F0Lm1wNA==,filetype dmlkZW8vbXA0").await;
    for (from, to) in [(0, 1), (1, 1_500_000), (1_500_000, file.len())] {
        let head = node.head(&path).await;
        assert_eq!((head.status, head.offset()), (StatusCode::OK, from as u64));
        assert_eq!(head.header("upload-length"), file.len().to_string());
        assert_eq!(head.header("cache-control"), "no-store");
        assert_eq!(head.header("upload-metadata"), "filename Y2F0Lm1wNA==,filetype dmlkZW8vbXA0");
        assert!(head.header("upload-expires").ends_with(" GMT"));
        let answer = node.patch(&path, from, file[from..to].to_vec()).await;
        assert_eq!((answer.status, answer.offset()), (StatusCode::NO_CONTENT, to as u64), "{:?}", answer.body);
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
    }
    let shown = node.show(&path).await;
    assert_eq!(shown["state"], "stored");
    assert_eq!(shown["source"], cid_of(&file));
    assert_eq!((&shown["size_bytes"], &shown["offset_bytes"]), (&file.len().into(), &file.len().into()));
    assert_eq!(shown["file_name"], "cat.mp4");
    assert_eq!(shown["job"]["state"], "queued", "transcoding starts with the last byte");
    assert_eq!(shown["claim"], serde_json::Value::Null);
    assert!(node.owns("ann", &cid_of(&file)).await && !node.owns("bob", &cid_of(&file)).await);
    let stored = pinreel_content::parse_cid(&cid_of(&file)).unwrap();
    assert!(!node.test.app.store.is_public(&stored).unwrap(), "an upload is private");
    let pins = node.test.app.store.pins().unwrap();
    assert_eq!(
        pins.iter().map(|pin| pin.cid).collect::<Vec<_>>(),
        [stored],
        "kept from the moment that it is acknowledged"
    );
    crate::retention::reconcile(&node.test.app).await.unwrap();
    assert_eq!(node.test.app.store.pins().unwrap(), pins, "and that is the retention's own pin");
    assert!(node.test.app.store.partials().unwrap().is_empty());

    let again = node.patch(&path, file.len(), "").await;
    assert_eq!(
        (again.status, again.offset()),
        (StatusCode::NO_CONTENT, file.len() as u64),
        "a retry of the end is fine"
    );
    assert_eq!(node.patch(&path, 0, "x").await.code(), "offset_conflict");
    let end = file.len().to_string();
    let more = [("upload-offset", end.as_str()), ("content-type", CHUNK_TYPE), ("content-length", "1")];
    assert_eq!(node.tus(Method::PATCH, &path, &more, "x").await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_the_server_can_do(owner: PgPool) {
    let node = Node::with_flags(&owner, &["--max-upload-bytes", "1000"]).await;
    let answer = node.test.send(Node::request(Method::OPTIONS, UPLOADS, &[], Body::empty())).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("tus-version"), "1.0.0");
    assert_eq!(header("tus-extension"), "creation,creation-with-upload,termination,expiration");
    assert_eq!(header("tus-max-size"), "1000");
    assert!(header("access-control-expose-headers").contains("upload-offset"));
}

/// Method, path, headers, body; then the status and the code.
type Refused<'a> = (Method, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16, &'a str);

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn refusals(owner: PgPool) {
    let node = Node::with_flags(&owner, &["--max-upload-bytes", "1000000000000000"]).await;
    let path = node.create(100, "").await;
    let v: (&str, &str) = ("tus-resumable", "1.0.0");
    let chunk = ("content-type", CHUNK_TYPE);
    let free = node.test.app.store.free_bytes().unwrap();
    let (huge, over) = ("1000000000000001", (free + 1).to_string());
    let gone = format!("{UPLOADS}/00000000000000000000000000000000");
    let cases: Vec<Refused> = vec![
        (Method::POST, UPLOADS, vec![("upload-length", "1")], "", 412, "tus_version"),
        (Method::POST, UPLOADS, vec![("tus-resumable", "0.2.2"), ("upload-length", "1")], "", 412, "tus_version"),
        (Method::POST, UPLOADS, vec![v], "", 400, "tus_header"),
        (Method::POST, UPLOADS, vec![v, ("upload-length", "-1")], "", 400, "tus_header"),
        (Method::POST, UPLOADS, vec![v, ("upload-defer-length", "1")], "", 400, "tus_header"),
        (Method::POST, UPLOADS, vec![v, ("upload-length", "1"), ("upload-metadata", "a !")], "", 400, "tus_header"),
        (Method::POST, UPLOADS, vec![v, ("upload-length", huge)], "", 413, "upload_too_large"),
        (Method::POST, UPLOADS, vec![v, ("upload-length", &over)], "", 507, "disk_full"),
        (Method::POST, UPLOADS, vec![v, ("upload-length", "1"), ("content-length", "1")], "x", 415, "content_type"),
        (
            Method::POST,
            UPLOADS,
            vec![v, ("upload-length", "1"), chunk, ("content-length", "2")],
            "xy",
            413,
            "upload_too_long",
        ),
        (Method::PATCH, &path, vec![("upload-offset", "0"), chunk], "x", 412, "tus_version"),
        (Method::PATCH, &path, vec![v, ("upload-offset", "0")], "x", 415, "content_type"),
        (
            Method::PATCH,
            &path,
            vec![v, ("upload-offset", "0"), ("content-type", "text/plain")],
            "x",
            415,
            "content_type",
        ),
        (Method::PATCH, &path, vec![v, chunk], "x", 400, "tus_header"),
        (Method::PATCH, &path, vec![v, chunk, ("upload-offset", "1")], "x", 409, "offset_conflict"),
        (
            Method::PATCH,
            &path,
            vec![v, chunk, ("upload-offset", "0"), ("content-length", "101")],
            "x",
            413,
            "upload_too_long",
        ),
        (Method::PATCH, &gone, vec![v, chunk, ("upload-offset", "0")], "x", 404, "upload_gone"),
        (Method::PATCH, "/api/v1/uploads/..", vec![v, chunk, ("upload-offset", "0")], "x", 404, "upload_gone"),
        (Method::DELETE, &path, vec![], "", 412, "tus_version"),
        (Method::DELETE, &gone, vec![v], "", 404, "upload_gone"),
        (Method::POST, &path, vec![v], "", 405, "method_not_allowed"),
        (Method::POST, &path, vec![v, ("x-http-method-override", "PUT")], "", 405, "method_not_allowed"),
    ];
    for (method, at, headers, body, status, code) in cases {
        let answer = node.plain("ann", method.clone(), at, &headers, Body::from(body.to_owned())).await;
        let what = format!("{method} {at} {headers:?}");
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{what}");
        assert_eq!(answer.header("tus-resumable"), "1.0.0", "{what}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    }
    let head = node.plain("ann", Method::HEAD, &path, &[], Body::empty()).await;
    assert_eq!(head.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(node.head(&path).await.offset(), 0, "none of these left anything");
    let items = node.show(UPLOADS).await["items"].as_array().unwrap().len();
    assert_eq!(items, 1, "a refused creation makes nothing");
    assert_eq!(node.test.app.store.partials().unwrap().len(), 1);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn bytes_beyond_the_length_are_not_taken(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.create(10, "").await;
    let chunks = [Ok("01234567".into()), Ok("89ab".into())];
    let answer = node.patch(&path, 0, super::stream_body(futures_util::stream::iter(chunks))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "upload_too_long"));
    assert_eq!(node.head(&path).await.offset(), 8);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn creation_takes_first_bytes(owner: PgPool) {
    let node = Node::new(&owner).await;
    let file = bytes(5000);
    let headers = [("upload-length", "5000"), ("content-type", CHUNK_TYPE)];
    let some = node.tus(Method::POST, UPLOADS, &headers, file[..2000].to_vec()).await;
    assert_eq!((some.status, some.offset()), (StatusCode::CREATED, 2000));
    let rest = node.patch(some.header("location"), 2000, file[2000..].to_vec()).await;
    assert_eq!(rest.status, StatusCode::NO_CONTENT);
    assert_eq!(node.show(some.header("location")).await["source"], cid_of(&file));

    let all = node.tus(Method::POST, UPLOADS, &headers, file.clone()).await;
    assert_eq!((all.status, all.offset()), (StatusCode::CREATED, 5000));
    assert_eq!(node.show(all.header("location")).await["state"], "stored", "the same bytes twice are fine");
    let empty = node.create(0, "").await;
    let shown = node.show(&empty).await;
    assert_eq!((&shown["state"], &shown["source"]), (&"stored".into(), &cid_of(b"").into()));
    assert_eq!(shown["job"]["state"], "none", "nothing to transcode in an empty file");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn methods_by_header(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.create(4, "").await;
    let by = |method| ("x-http-method-override", method);
    let headers = [by("PATCH"), ("upload-offset", "0"), ("content-type", CHUNK_TYPE)];
    assert_eq!(node.tus(Method::POST, &path, &headers, "abc").await.offset(), 3);
    assert_eq!(node.tus(Method::POST, &path, &[by("HEAD")], "").await.offset(), 3);
    assert_eq!(node.tus(Method::POST, &path, &[by("DELETE")], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(node.head(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nobody_else_sees_it(owner: PgPool) {
    let node = Node::new(&owner).await;
    let path = node.upload(b"mine", "").await;
    let v = [("tus-resumable", "1.0.0")];
    for (method, rest) in [
        (Method::HEAD, ""),
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::GET, "/events"),
        (Method::GET, "/source"),
        (Method::GET, "/preview/master.m3u8"),
        (Method::POST, "/retry"),
    ] {
        let at = format!("{path}{rest}");
        let other = node.plain("bob", method.clone(), &at, &v, Body::empty()).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{method} {at}");
        let nobody = node.plain("nobody", method.clone(), &at, &v, Body::empty()).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {at}");
    }
    let listed = node.plain("bob", Method::GET, UPLOADS, &[], Body::empty()).await;
    assert!(listed.json()["items"].as_array().unwrap().is_empty());
    let created = node.plain("nobody", Method::POST, UPLOADS, &[v[0], ("upload-length", "1")], Body::empty()).await;
    assert_eq!(created.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn unfinished_uploads_expire(owner: PgPool) {
    let node = Node::new(&owner).await;
    let (empty, done) = (node.create(10, "").await, node.upload(b"done", "").await);
    let (old, kept) = (node.create(10, "").await, node.create(10, "").await);
    for started in [&old, &kept] {
        assert_eq!(node.patch(started, 0, "a").await.status, StatusCode::NO_CONTENT);
    }
    node.test.advance_ms(EMPTY_LIFE_MS - 1);
    assert_eq!(sweep::sweep(&node.test.app).await.unwrap(), 0);
    node.test.advance_ms(1);
    assert_eq!(sweep::sweep(&node.test.app).await.unwrap(), 1, "what got no byte within an hour only held room");
    assert_eq!(node.head(&empty).await.status, StatusCode::NOT_FOUND);
    node.test.advance_ms(LIFE_MS - EMPTY_LIFE_MS - 1);
    assert_eq!(node.patch(&kept, 1, "bc").await.status, StatusCode::NO_CONTENT);
    assert_eq!(sweep::sweep(&node.test.app).await.unwrap(), 0);
    node.test.advance_ms(1);
    let expired = node.patch(&old, 1, "bc").await;
    assert_eq!((expired.status, expired.code().as_str()), (StatusCode::GONE, "upload_gone"));
    assert_eq!(sweep::sweep(&node.test.app).await.unwrap(), 1);
    assert_eq!(node.head(&old).await.status, StatusCode::NOT_FOUND);
    assert_eq!(node.head(&kept).await.offset(), 3, "a byte prolongs an upload's life");
    assert_eq!(node.show(&done).await["expires_ms"], serde_json::Value::Null);
    assert_eq!(node.test.app.store.partials().unwrap().len(), 1);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn deleting_frees_what_was_reserved(owner: PgPool) {
    let node = Node::new(&owner).await;
    let reserved = async || {
        let (room, _) = crate::uploads::create::room(&node.test.app, &channel("ann")).await.unwrap();
        let (of_nobody, _) = crate::uploads::create::room(&node.test.app, &channel("bob")).await.unwrap();
        assert_eq!((of_nobody.own_reserved_bytes, room.reserved_bytes), (0, room.own_reserved_bytes));
        room.reserved_bytes
    };
    let (a, b) = (node.create(5000, "").await, node.create(700, "").await);
    assert_eq!(reserved().await, 5700);
    assert_eq!(node.patch(&a, 0, bytes(1200)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(reserved().await, 4500, "what has arrived is on the disk already");
    assert_eq!(node.tus(Method::DELETE, &a, &[], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(reserved().await, 700);
    assert_eq!(node.patch(&b, 0, bytes(700)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(reserved().await, 0);
}

/// What `/api/v1/node` tells and what an upload is measured by are one number.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_channel_reserves_its_quota_and_no_more(owner: PgPool) {
    let node = Node::with_flags(&owner, &["--max-unfinished-bytes", "1000"]).await;
    let told = async |who: &str| {
        let answer = node.plain(who, Method::GET, "/api/v1/node", &[], Body::empty()).await;
        answer.json()["limits"]["free_bytes"].as_u64().unwrap()
    };
    let create = async |who: &str, size_bytes: u64| {
        let size = size_bytes.to_string();
        let headers = [("tus-resumable", "1.0.0"), ("upload-length", size.as_str())];
        node.plain(who, Method::POST, UPLOADS, &headers, Body::empty()).await
    };
    assert_eq!(told("ann").await, 1000);
    let path = node.create(600, "").await;
    assert_eq!((told("ann").await, told("bob").await, told("nobody").await), (400, 1000, 1000));
    let refused = create("ann", 401).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "upload_quota"));
    assert_eq!((&refused.json()["quota_bytes"], &refused.json()["reserved_bytes"]), (&1000.into(), &600.into()));
    assert_eq!(create("bob", 1000).await.status, StatusCode::CREATED, "others aren't concerned");
    assert_eq!(node.patch(&path, 0, bytes(500)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(told("ann").await, 900, "what has arrived is awaited no longer");
    assert_eq!(create("ann", 900).await.status, StatusCode::CREATED);
    assert_eq!(told("ann").await, 0);

    sqlx::query("insert into operator (channel, since_ms) values ($1, 0)")
        .bind(channel("ann"))
        .execute(&owner)
        .await
        .unwrap();
    let room = told("ann").await;
    assert!(room > 1_000_000, "the operator's room is the disk's: {room}");
    assert_eq!(create("ann", 1_000_000).await.status, StatusCode::CREATED);
}

/// A body may take longer than an upload without bytes lives.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_first_byte_prolongs_at_once(owner: PgPool) {
    let node = std::sync::Arc::new(Node::new(&owner).await);
    let path = node.create(6, "").await;
    let (feed, hungry, body) = super::resume::fed();
    let writing = tokio::spawn({
        let (node, path) = (node.clone(), path.clone());
        async move { node.patch(&path, 0, body).await }
    });
    feed.send("abc".into()).await.unwrap();
    hungry.notified().await;
    hungry.notified().await;
    node.test.advance_ms(2 * EMPTY_LIFE_MS);
    assert_eq!(node.show(&path).await["state"], "receiving");
    feed.send("def".into()).await.unwrap();
    drop(feed);
    assert_eq!(writing.await.unwrap().offset(), 6);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn bytes_that_were_erased_are_refused_by_name(owner: PgPool) {
    let node = Node::new(&owner).await;
    let erased = node.test.app.store.put_bytes(b"a film").unwrap().cid;
    node.test.app.store.erase(&erased, 1).unwrap();
    let path = node.create(6, "").await;
    let answer = node.patch(&path, 0, "a film").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (410, "content_erased"), "{:?}", answer.body);
    assert!(answer.json()["detail"].as_str().unwrap().contains(&erased.to_string()));
    assert!(node.test.app.store.partials().unwrap().is_empty(), "nothing of it is kept");
    assert_eq!(node.head(&path).await.status, StatusCode::NOT_FOUND);
}
