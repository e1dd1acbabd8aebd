//! Accounts through the real router, on a real database.

mod registration;
mod sessions;
mod taking_over;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use pinreel_records::{Author, ChannelId, Purpose, SessionStatement, SigningKey, base64url};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{ORIGIN, TestApp};

/// A node that has founded its channel.
async fn node(owner: &PgPool, flags: &[&str]) -> TestApp {
    let test = TestApp::with_flags(owner, flags);
    crate::claims::found(&test.app).await.unwrap();
    test
}

/// A channel and its one key.
struct Person {
    key: SigningKey,
    channel: ChannelId,
}

/// Asks to found a channel.
async fn found(test: &TestApp, seed: u8, invitation: Option<&str>) -> (Person, StatusCode, Value) {
    let key = SigningKey::from_seed([seed; 32]);
    let author = Author::new(key.clone());
    let at_ms = test.app.clock.now_ms().unsigned_abs();
    let signed = author.sign(&author.genesis(test.app.identity.home()), &[seed; 16], at_ms).unwrap();
    let mut body = json!({
        "header": base64url::encode(&signed.header_bytes),
        "body": base64url::encode(&signed.body_bytes),
    });
    if let Some(invitation) = invitation {
        body["invitation"] = invitation.into();
    }
    let (status, answer) = post_from(test, &test.app.site.link(""), "/api/v1/records", &body).await;
    (Person { key, channel: signed.id() }, status, answer)
}

async fn person(test: &TestApp, seed: u8) -> Person {
    let (person, status, answer) = found(test, seed, None).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    person
}

async fn post_from(test: &TestApp, origin: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header(header::ORIGIN, origin);
    test.json(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn nonce(test: &TestApp) -> [u8; 32] {
    let (status, answer) = test.post("/api/v1/session/challenge", &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    base64url::decode_array(answer["nonce"].as_str().unwrap()).unwrap()
}

impl Person {
    /// The statement that this person would sign in with.
    async fn statement(&self, test: &TestApp) -> SessionStatement {
        SessionStatement {
            origin: ORIGIN.into(),
            channel: self.channel,
            key: self.key.public(),
            nonce: nonce(test).await,
            expires: test.app.clock.now_ms().unsigned_abs() + 30_000,
        }
    }

    fn signed(&self, statement: &SessionStatement) -> Value {
        self.signed_for(Purpose::Session, statement)
    }

    fn signed_for(&self, purpose: Purpose, statement: &SessionStatement) -> Value {
        let bytes = statement.encode();
        json!({
            "statement": base64url::encode(&bytes),
            "sig": base64url::encode(&self.key.sign(purpose, &bytes)),
        })
    }

    /// Signs in; the token.
    async fn sign_in(&self, test: &TestApp) -> String {
        let statement = self.statement(test).await;
        let (status, answer) = test.post("/api/v1/session", &self.signed(&statement)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(answer["channel"], self.channel.to_string());
        answer["token"].as_str().unwrap().to_owned()
    }
}

/// A call as the command line makes it.
async fn call(test: &TestApp, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    test.json(request.body(Body::from(body.to_string())).unwrap()).await
}
