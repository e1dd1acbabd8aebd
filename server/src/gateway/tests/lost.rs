//! A file that somebody took away from under the running node.

use axum::http::{Method, StatusCode};
use pinreel_content::Error;
use sqlx::PgPool;

use super::site;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_that_was_taken_away_is_answered_as_damaged(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    for cid in [site.hello.cid, site.big.cid] {
        let name = cid.to_string();
        let shard = &name[name.len() - 3..name.len() - 1];
        std::fs::remove_file(site.test.app.data.content().join("blobs").join(shard).join(&name)).unwrap();
    }
    let hello = site.hello.cid;
    for path in [
        site.path("/hello.txt"),
        site.path("/big.bin"),
        format!("/ipfs/{hello}"),
        format!("/ipfs/{hello}?format=raw"),
        format!("/ipfs/{hello}?format=car"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = site.ask(method.clone(), &path, &[]).await;
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
            let says = std::str::from_utf8(&answer.body).unwrap();
            assert!(method == Method::HEAD || says.contains("content_damaged"), "{path}: {says}");
        }
    }
    assert_eq!(store.stats().unwrap().damaged, 5, "counted, and to be repaired");
    let mut export = store.car(&hello);
    export.next_piece().unwrap();
    assert!(matches!(export.next_piece(), Err(Error::Damaged(cid)) if cid == hello));

    site.test.app.store.put_bytes(super::HELLO).unwrap();
    assert_eq!(site.get(&site.path("/hello.txt"), &[]).await.body, super::HELLO);
}
