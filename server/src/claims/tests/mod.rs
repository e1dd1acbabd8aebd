//! Records through the real router, on a real database and a real content store.

mod accepted;
mod order;
mod refused;
mod shown;

use axum::http::StatusCode;
use pinreel_content::{Cid, Stored};
use pinreel_records::log::Entry;
use pinreel_records::{
    Author, Body, BodyState, LogVerifier, Name, Profile, ReasonCode, RecordId, Signed, SigningKey, Source, Stream,
    Tombstone, base64url,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{START_MS, TestApp};

pub const NOW: u64 = START_MS as u64;

/// A node that has founded its channel.
pub async fn node(owner: &PgPool) -> TestApp {
    node_with(owner, &[]).await
}

pub async fn node_with(owner: &PgPool, flags: &[&str]) -> TestApp {
    let test = TestApp::with_flags(owner, flags);
    crate::claims::found(&test.app).await.unwrap();
    test
}

pub async fn send(test: &TestApp, signed: &Signed) -> (StatusCode, Value) {
    let body = json!({
        "header": base64url::encode(&signed.header_bytes),
        "body": base64url::encode(&signed.body_bytes),
    });
    test.post("/api/v1/records", &body).await
}

/// Bytes in the store that everybody may have: any channel may publish them.
pub fn public_file(test: &TestApp, bytes: &[u8]) -> Stored {
    let stored = test.app.store.put_bytes(bytes).unwrap();
    test.app.store.publish(&stored.cid).unwrap();
    stored
}

pub fn source(file: &Stored) -> Source {
    Source { cid: file.cid, bytes: file.size_bytes, media_type: "video/mp4".into(), file_name: Some("clip.mp4".into()) }
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub async fn log_size(test: &TestApp) -> i64 {
    test.get("/api/v1/log?limit=0").await.1["size"].as_i64().unwrap()
}

/// A channel's key and its place in its chain.
pub struct Creator {
    pub author: Author,
    salt: u8,
}

impl Creator {
    /// A key that has signed nothing yet.
    pub fn stranger(seed: u8) -> Creator {
        Creator { author: Author::new(SigningKey::from_seed([seed; 32])), salt: 0 }
    }

    /// A channel with a profile.
    pub async fn new(test: &TestApp, seed: u8, handle: &str) -> Creator {
        let mut creator = Creator::stranger(seed);
        let genesis = creator.author.genesis(test.app.identity.home());
        creator.publish(test, &genesis).await;
        creator.publish(test, &Body::Profile(Profile::new(name(handle), "Somebody"))).await;
        creator
    }

    pub fn channel(&self) -> RecordId {
        self.author.channel().unwrap()
    }

    pub fn sign(&mut self, body: &Body) -> Signed {
        self.sign_at(body, NOW)
    }

    pub fn sign_at(&mut self, body: &Body, at_ms: u64) -> Signed {
        self.salt += 1;
        self.author.sign(body, &[self.salt; 16], at_ms).unwrap()
    }

    /// Signs and sends what must be taken; its id.
    pub async fn publish(&mut self, test: &TestApp, body: &Body) -> RecordId {
        let signed = self.sign(body);
        let (status, answer) = send(test, &signed).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        self.author.accepted(&signed);
        signed.id()
    }

    /// Signs and sends what must be refused, and makes sure that nothing of it is left; the code.
    pub async fn refused(&mut self, test: &TestApp, body: &Body) -> (StatusCode, Value) {
        let signed = self.sign(body);
        let before = log_size(test).await;
        let (status, answer) = send(test, &signed).await;
        assert!(status.is_client_error(), "{status} {answer}");
        assert_eq!(log_size(test).await, before, "{answer}");
        (status, answer)
    }
}

pub fn stream(slug: &str, file: &Stored) -> Stream {
    Stream::new(name(slug), format!("About {slug}"), source(file))
}

pub fn claim(slug: &str, file: &Stored) -> Body {
    Body::Stream(Box::new(stream(slug, file)))
}

pub fn update(claim: RecordId, replaces: RecordId, mut stream: Stream) -> Body {
    stream.update = Some(pinreel_records::Update { claim, replaces });
    Body::Stream(Box::new(stream))
}

pub fn erase(target: RecordId) -> Body {
    Body::Tombstone(Tombstone { target, reason: ReasonCode::Withdrawn })
}

/// A stranger reads the whole log and finds nothing wrong.
pub async fn assert_verifies(test: &TestApp) {
    let mut verifier = LogVerifier::new(test.app.identity.home(), test.app.identity.channel().unwrap());
    let (_, log) = test.get("/api/v1/log").await;
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(log["size"], entries.len(), "the whole log comes in one answer");
    for entry in entries {
        let header = base64url::decode(entry["header"].as_str().unwrap()).unwrap();
        let body = entry["body"].as_str().map(|body| base64url::decode(body).unwrap());
        verifier.feed(&Entry {
            index: entry["index"].as_u64().unwrap(),
            received_ms: entry["received_ms"].as_u64().unwrap(),
            header: &header,
            body: body.as_deref().map_or(BodyState::Erased, BodyState::Present),
        });
    }
    let summary = verifier.finish();
    assert!(summary.is_ok(), "{:?}", summary.faults);
}

pub fn is_public(test: &TestApp, cid: &Cid) -> bool {
    test.app.store.is_public(cid).unwrap()
}
