//! Opening, using and closing sessions; what opens none.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use pinreel_records::{Purpose, SigningKey};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::super::model::SESSION_LIFE_MS;
use super::{Person, call, node, nonce, person};
use crate::testing::{ORIGIN, TestApp};

const SESSION: &str = "/api/v1/session";

async fn refused(test: &TestApp, body: &Value) -> String {
    let (status, answer) = test.post(SESSION, body).await;
    assert!(status.is_client_error(), "{status} {answer}");
    answer["code"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn key_opens_a_session_that_ends_when_it_is_told_to(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let token = person(&test, 1).await.sign_in(&test).await;
    let (status, session) = call(&test, Method::GET, SESSION, &token, Value::Null).await;
    assert_eq!((status, &session["operator"]), (StatusCode::OK, &json!(false)));
    assert_eq!(session["token"], Value::Null, "told once");
    assert_eq!(call(&test, Method::DELETE, SESSION, &token, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(&test, Method::GET, SESSION, &token, Value::Null).await.0, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn session_ends_by_itself(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let token = person(&test, 1).await.sign_in(&test).await;
    test.advance_ms(SESSION_LIFE_MS - 1);
    assert_eq!(call(&test, Method::GET, SESSION, &token, Value::Null).await.0, StatusCode::OK);
    test.advance_ms(1);
    assert_eq!(call(&test, Method::GET, SESSION, &token, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    super::super::store::sweep(&test.app.database, test.app.clock.now_ms()).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from session").fetch_one(&owner).await.unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn statement_opens_one_session(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let body = person.signed(&person.statement(&test).await);
    assert_eq!(test.post(SESSION, &body).await.0, StatusCode::CREATED);
    assert_eq!(refused(&test, &body).await, "challenge_unknown");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn statement_for_another_site_opens_none(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let right = person.statement(&test).await;
    for origin in ["https://elsewhere.example", "http://127.0.0.1:8081", "https://127.0.0.1:8080"] {
        let lifted = pinreel_records::SessionStatement { origin: origin.into(), ..right.clone() };
        assert_eq!(refused(&test, &person.signed(&lifted)).await, "session_origin", "{origin}");
    }
    assert_eq!(test.post(SESSION, &person.signed(&right)).await.0, StatusCode::CREATED, "the nonce was left alone");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn statement_opens_none_outside_its_minute(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let mut statement = person.statement(&test).await;
    let now = test.app.clock.now_ms().unsigned_abs();
    for expires in [now - 1, now, now + 60_001] {
        statement.expires = expires;
        assert_eq!(refused(&test, &person.signed(&statement)).await, "session_expired", "{expires}");
    }
    test.advance_ms(60_000);
    statement.expires = now + 61_000;
    assert_eq!(refused(&test, &person.signed(&statement)).await, "challenge_unknown", "the nonce is too old");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn signature_for_another_purpose_or_by_another_key_opens_none(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let statement = person.statement(&test).await;
    assert_eq!(refused(&test, &person.signed_for(Purpose::Record, &statement)).await, "signature_wrong");
    let other = Person { key: SigningKey::from_seed([9; 32]), channel: person.channel };
    assert_eq!(refused(&test, &other.signed(&statement)).await, "signature_wrong");
    let own_key = other.statement(&test).await;
    assert_eq!(refused(&test, &other.signed(&own_key)).await, "key_unknown", "a key of no channel");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn key_acts_for_its_own_channel_only(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let (first, second) = (person(&test, 1).await, person(&test, 2).await);
    let mut statement = first.statement(&test).await;
    statement.channel = second.channel;
    assert_eq!(refused(&test, &first.signed(&statement)).await, "key_unknown");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn malformed_statements_are_said_to_be(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let right = person.signed(&person.statement(&test).await);
    for (field, value) in [("statement", "!"), ("sig", "AAAA"), ("statement", "oA")] {
        let mut body = right.clone();
        body[field] = value.into();
        assert_eq!(refused(&test, &body).await, "session_malformed", "{field} {value}");
    }
    assert_eq!(refused(&test, &json!({ "statement": "oA" })).await, "body_malformed");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn made_up_nonce_opens_none(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let person = person(&test, 1).await;
    let mut statement = person.statement(&test).await;
    statement.nonce = [7; 32];
    assert_eq!(refused(&test, &person.signed(&statement)).await, "challenge_unknown");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn cookie_writes_from_our_own_pages_only(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let token = person(&test, 1).await.sign_in(&test).await;
    let close = |origin: Option<&str>| {
        let mut request = Request::delete(SESSION).header(header::COOKIE, format!("pinreel_session={token}"));
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        test.json(request.body(Body::empty()).unwrap())
    };
    for origin in [None, Some("null"), Some("http://elsewhere.example"), Some("http://127.0.0.1:8081")] {
        let (status, answer) = close(origin).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("origin_wrong")), "{origin:?}");
    }
    assert_eq!(close(Some("http://localhost:8080")).await.0, StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn write_from_another_site_is_refused_before_it_is_read(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let path = "/api/v1/session/challenge";
    let (status, answer) = super::post_from(&test, "http://elsewhere.example", path, &json!({})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("origin_wrong")));
}

async fn cookie(test: &TestApp, person: &Person, origin: &str) -> String {
    let mut statement = person.statement(test).await;
    statement.origin = origin.into();
    let request =
        Request::post(SESSION).header(header::CONTENT_TYPE, "application/json").header(header::ORIGIN, origin);
    let response = test.send(request.body(Body::from(person.signed(&statement).to_string())).unwrap()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn cookie_is_out_of_reach_of_scripts_and_other_sites(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let cookie = cookie(&test, &person(&test, 1).await, ORIGIN).await;
    assert!(cookie.starts_with("pinreel_session="), "{cookie}");
    assert!(cookie.contains("; Path=/; ") && cookie.ends_with("; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn cookie_on_https_belongs_to_this_host(owner: PgPool) {
    let test = node(&owner, &["--url", "https://media.example", "--registration", "open"]).await;
    let person = super::found(&test, 1, None).await.0;
    // `nonce` asks as the loopback page would; a program without an origin may as well.
    let request = Request::post("/api/v1/session/challenge").body(Body::empty()).unwrap();
    let (_, challenge) = test.json(request).await;
    let mut statement = pinreel_records::SessionStatement {
        origin: "https://media.example".into(),
        channel: person.channel,
        key: person.key.public(),
        nonce: pinreel_records::base64url::decode_array(challenge["nonce"].as_str().unwrap()).unwrap(),
        expires: test.app.clock.now_ms().unsigned_abs() + 1000,
    };
    let send = |body: Value| {
        let request = Request::post(SESSION).header(header::CONTENT_TYPE, "application/json");
        test.send(request.body(Body::from(body.to_string())).unwrap())
    };
    let response = send(person.signed(&statement)).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-pinreel_session=") && cookie.ends_with("; Secure"), "{cookie}");
    statement.origin = "http://media.example".into();
    assert_eq!(send(person.signed(&statement)).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn stolen_table_holds_no_token(owner: PgPool) {
    let test = node(&owner, &[]).await;
    let token = person(&test, 1).await.sign_in(&test).await;
    let bytes: [u8; 32] = pinreel_records::base64url::decode_array(&token).unwrap();
    let found: i64 = sqlx::query_scalar("select count(*) from session where token_hash = $1")
        .bind(bytes.as_slice())
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(found, 0);
    assert_ne!(nonce(&test).await, nonce(&test).await);
}
