//! What was asked for lately is answered the same way, and no longer once it may not be.

use axum::http::{HeaderName, Method, StatusCode, header};
use sqlx::PgPool;

use super::site;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_second_answer_is_like_the_first(owner: PgPool) {
    let site = site(&owner);
    let big = format!("/ipfs/{}/big.bin", site.root);
    let asked: [(Method, &[(&str, &str)]); 6] = [
        (Method::GET, &[]),
        (Method::HEAD, &[]),
        (Method::GET, &[("range", "bytes=100-70000")]),
        (Method::GET, &[("range", "bytes=1-2,9-10")]),
        (Method::GET, &[("range", "bytes=999999999-")]),
        (Method::GET, &[("if-none-match", "*")]),
    ];
    for (method, headers) in asked {
        // A query that means nothing is never answered from what is known.
        let looked_up = site.ask(method.clone(), &format!("{big}?x"), headers).await;
        for _ in 0..2 {
            let known = site.ask(method.clone(), &big, headers).await;
            assert_eq!((known.status, &known.body), (looked_up.status, &looked_up.body), "{headers:?}");
            for (name, value) in &looked_up.headers {
                // The router numbers its answers, and says of those without a body that they have none.
                let is_empty = looked_up.status == StatusCode::NOT_MODIFIED && name == header::CONTENT_LENGTH;
                let differs = name == "x-request-id" || is_empty;
                assert!(differs || known.headers.get(name) == Some(value), "{headers:?} {name}");
            }
            let more = |name: &HeaderName| !looked_up.headers.contains_key(name);
            assert_eq!(known.headers.keys().find(|name| more(name)), None, "{headers:?}");
        }
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_refusal_says_nothing_of_the_file(owner: PgPool) {
    let site = site(&owner);
    let hello = format!("/ipfs/{}/hello.txt", site.root);
    for (header, value, status) in [
        ("range", "bytes=999999999-", StatusCode::RANGE_NOT_SATISFIABLE),
        ("if-match", "\"other\"", StatusCode::PRECONDITION_FAILED),
    ] {
        assert_eq!(site.get(&hello, &[(header, value)]).await.status, status);
        let answer = site.get(&hello, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/plain; charset=utf-8"));
        site.deny(&format!("/ipfs/{}\n", site.site));
        site.deny("");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nothing_is_given_once_it_is_withdrawn_denied_or_damaged(owner: PgPool) {
    let site = site(&owner);
    let hello = format!("/ipfs/{}/hello.txt", site.root);
    let ask = async || site.ask(Method::GET, &hello, &[]).await.status;
    assert_eq!((ask().await, ask().await), (StatusCode::OK, StatusCode::OK));

    site.deny(&format!("/ipfs/{}\n", site.hello.cid));
    assert_eq!(ask().await, StatusCode::GONE);
    site.deny("");
    assert_eq!((ask().await, ask().await), (StatusCode::OK, StatusCode::OK));

    assert!(site.test.app.store.withdraw(&site.root).unwrap());
    assert_eq!(ask().await, StatusCode::NOT_FOUND);
    site.test.app.store.publish(&site.root).unwrap();
    assert_eq!((ask().await, ask().await), (StatusCode::OK, StatusCode::OK));

    site.test.app.store.erase(&site.hello.cid, 1).unwrap();
    assert_ne!(ask().await, StatusCode::OK);
}
