//! The first operator: by a link that works once.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::super::offer_link;
use super::{call, found, node, person};
use crate::testing::TestApp;

const TAKE: &str = "/api/v1/operator";
const STATUS: &str = "/api/v1/operator/status";

async fn link_token(test: &TestApp) -> String {
    let link = offer_link(&test.app).await.unwrap().unwrap();
    link.split_once("/operator?token=").unwrap().1.to_owned()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn link_makes_one_operator(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let first = person(&test, 1).await.sign_in(&test).await;
    let second = person(&test, 2).await.sign_in(&test).await;
    let link = json!({ "token": link_token(&test).await });
    assert_eq!(call(&test, Method::GET, STATUS, &first, Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(call(&test, Method::POST, TAKE, &first, link.clone()).await.0, StatusCode::NO_CONTENT);
    let (status, answer) = call(&test, Method::POST, TAKE, &second, link).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("link_used")));

    let (status, shown) = call(&test, Method::GET, STATUS, &first, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!((&shown["channels"], &shown["records"]), (&json!(3), &json!(3)));
    assert_eq!(shown["jobs"], json!({ "waiting": 0, "running": 0, "failed": 0 }));
    let (status, answer) = call(&test, Method::GET, STATUS, &second, Value::Null).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("operator_needed")));
    let (_, session) = call(&test, Method::GET, "/api/v1/session", &first, Value::Null).await;
    assert_eq!(session["operator"], json!(true));
    assert_eq!(offer_link(&test.app).await.unwrap(), None, "the next start offers none");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn newer_link_ends_the_one_before(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let session = person(&test, 1).await.sign_in(&test).await;
    let (old, new) = (link_token(&test).await, link_token(&test).await);
    for (token, expected) in
        [(old.as_str(), StatusCode::FORBIDDEN), ("guess", StatusCode::FORBIDDEN), (&new, StatusCode::NO_CONTENT)]
    {
        assert_eq!(call(&test, Method::POST, TAKE, &session, json!({ "token": token })).await.0, expected);
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn link_needs_a_session(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let token = link_token(&test).await;
    let (status, _) = test.post(TAKE, &json!({ "token": token })).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let session = person(&test, 1).await.sign_in(&test).await;
    assert_eq!(
        call(&test, Method::POST, TAKE, &session, json!({ "token": token })).await.0,
        StatusCode::NO_CONTENT,
        "it wasn't used up"
    );
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn link_lets_its_opener_found_a_channel(owner: PgPool) {
    let test = node(&owner, &["--registration", "closed"]).await;
    let token = link_token(&test).await;
    assert_eq!(found(&test, 1, None).await.1, StatusCode::FORBIDDEN);
    let (person, status, answer) = found(&test, 1, Some(&token)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let session = person.sign_in(&test).await;
    assert_eq!(call(&test, Method::POST, TAKE, &session, json!({ "token": token })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(found(&test, 2, Some(&token)).await.1, StatusCode::FORBIDDEN, "it ended with its use");
}
