//! Who may found a channel.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::super::model::INVITATION_LIFE_MS;
use super::super::offer_link;
use super::{Person, call, found, node, person};
use crate::testing::TestApp;

/// A node whose operator is signed in, and the operator's token.
async fn run_by_operator(owner: &PgPool) -> (TestApp, String) {
    let test = node(owner, &[]).await;
    let session = person(&test, 1).await.sign_in(&test).await;
    let link = offer_link(&test.app).await.unwrap().unwrap();
    let token = json!({ "token": link.split_once("token=").unwrap().1 });
    assert_eq!(call(&test, Method::POST, "/api/v1/operator", &session, token).await.0, StatusCode::NO_CONTENT);
    (test, session)
}

async fn set_mode(test: &TestApp, session: &str, mode: &str) -> StatusCode {
    call(test, Method::PUT, "/api/v1/operator/registration", session, json!({ "registration": mode })).await.0
}

async fn invite(test: &TestApp, session: &str) -> String {
    let (status, answer) = call(test, Method::POST, "/api/v1/operator/invitations", session, Value::Null).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert!(answer["url"].as_str().unwrap().ends_with(answer["token"].as_str().unwrap()));
    answer["token"].as_str().unwrap().to_owned()
}

async fn code(founding: impl Future<Output = (Person, StatusCode, Value)>) -> String {
    let (_, status, answer) = founding.await;
    if status == StatusCode::CREATED { "created".into() } else { answer["code"].as_str().unwrap().to_owned() }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn default_is_by_address(owner: PgPool) {
    let mode = async |flags: &[&str]| {
        let test = TestApp::with_flags(&owner, flags);
        test.get("/api/v1/node").await.1["registration"].as_str().unwrap().to_owned()
    };
    assert_eq!(mode(&[]).await, "open");
    assert_eq!(mode(&["--url", "https://media.example"]).await, "invitation");
    assert_eq!(mode(&["--url", "https://media.example", "--registration", "open"]).await, "open");
    assert_eq!(mode(&["--registration", "closed"]).await, "closed");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn invitation_founds_one_channel(owner: PgPool) {
    let (test, session) = run_by_operator(&owner).await;
    assert_eq!(set_mode(&test, &session, "invitation").await, StatusCode::NO_CONTENT);
    let invitation = invite(&test, &session).await;
    assert_eq!(code(found(&test, 2, None)).await, "invitation_needed");
    assert_eq!(code(found(&test, 2, Some("made-up"))).await, "invitation_needed");
    assert_eq!(code(found(&test, 2, Some(&invitation))).await, "created");
    assert_eq!(code(found(&test, 3, Some(&invitation))).await, "invitation_needed");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn invitation_expires(owner: PgPool) {
    let (test, session) = run_by_operator(&owner).await;
    assert_eq!(set_mode(&test, &session, "invitation").await, StatusCode::NO_CONTENT);
    let invitation = invite(&test, &session).await;
    test.advance_ms(INVITATION_LIFE_MS);
    assert_eq!(code(found(&test, 2, Some(&invitation))).await, "invitation_needed");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn closed_is_closed_also_to_the_invited(owner: PgPool) {
    let (test, session) = run_by_operator(&owner).await;
    let invitation = invite(&test, &session).await;
    assert_eq!(set_mode(&test, &session, "closed").await, StatusCode::NO_CONTENT);
    assert_eq!(code(found(&test, 2, Some(&invitation))).await, "registration_closed");
    assert_eq!(set_mode(&test, &session, "open").await, StatusCode::NO_CONTENT);
    assert_eq!(code(found(&test, 2, None)).await, "created");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn only_an_operator_decides(owner: PgPool) {
    let (test, _) = run_by_operator(&owner).await;
    let other = person(&test, 2).await.sign_in(&test).await;
    assert_eq!(set_mode(&test, &other, "closed").await, StatusCode::FORBIDDEN);
    let invitations = call(&test, Method::POST, "/api/v1/operator/invitations", &other, Value::Null).await;
    assert_eq!(invitations.0, StatusCode::FORBIDDEN);
}
