//! A file that somebody took away from under the running node.

use axum::http::{Method, StatusCode};
use pinreel_content::Error;
use sqlx::PgPool;

use super::super::known::When;
use super::site;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_that_was_taken_away_is_answered_as_damaged(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    for cid in [site.hello.cid, site.big.cid] {
        std::fs::remove_file(site.test.blob_file(&cid)).unwrap();
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

/// An answer in several parts that can't be finished says so before it begins, as one in one part does.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn several_ranges_of_a_damaged_file_are_refused_in_words(owner: PgPool) {
    let site = site(&owner);
    let blob = site.test.blob_file(&site.big.cid);
    let mut damaged = site.big_bytes.clone();
    damaged[2_500_000] ^= 1;
    std::fs::write(blob, damaged).unwrap();
    assert_eq!(site.test.app.store.scrub(&site.big.cid, |_| ()).unwrap().damaged, 1);
    let path = site.path("/big.bin");
    let over = [("range", "bytes=0-100,2500000-2500010")];
    let answer = site.get(&path, &over).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(std::str::from_utf8(&answer.body).unwrap().contains("content_damaged"));
    let beside = [("range", "bytes=0-100,200-300")];
    assert_eq!(site.get(&path, &beside).await.status, StatusCode::PARTIAL_CONTENT);
}

/// A file that is open takes its room, removed or not.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_known_before_a_change_is_let_go(owner: PgPool) {
    let site = site(&owner);
    let app = &site.test.app;
    let path = site.path("/big.bin");
    site.get(&path, &[]).await;
    let now = || When::now(&app.store, &app.denylists.current());
    app.known.forget_before(&now());
    assert_eq!(app.known.count(), 1);
    app.store.erase(&site.big.cid, 1).unwrap();
    app.known.forget_before(&now());
    assert_eq!(app.known.count(), 0);
}
