//! Uploads through the real router, a real database and a real store.

mod files;
mod protocol;
mod resume;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt;
use pinreel_content::Cid;
use pinreel_records::base64url;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::tus::CHUNK_TYPE;
use crate::testing::{START_MS, TestApp};

pub const UPLOADS: &str = "/api/v1/uploads";

/// A node with two channels that are signed in.
pub struct Node {
    pub test: TestApp,
    owner: PgPool,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub fn offset(&self) -> u64 {
        self.header("upload-offset").parse().unwrap()
    }
}

/// Who sends.
pub fn token(who: &str) -> String {
    base64url::encode(&Sha256::digest(who))
}

pub fn channel(who: &str) -> String {
    let digest = pinreel_content::sha256(who.as_bytes());
    let hash = *pinreel_content::raw_cid(digest).hash();
    Cid::new_v1(pinreel_content::DAG_CBOR, hash).to_string()
}

impl Node {
    pub async fn new(owner: &PgPool) -> Self {
        Self::with_flags(owner, &[]).await
    }

    pub async fn with_flags(owner: &PgPool, flags: &[&str]) -> Self {
        let test = TestApp::with_flags(owner, flags);
        for who in ["ann", "bob"] {
            let token_hash = Sha256::digest(Sha256::digest(who));
            sqlx::query(
                "insert into session (token_hash, channel, key, created_ms, expires_ms) values ($1, $2, $3, $4, $5)",
            )
            .bind(token_hash.as_slice())
            .bind(channel(who))
            .bind([7u8; 32].as_slice())
            .bind(START_MS)
            .bind(i64::MAX)
            .execute(owner)
            .await
            .unwrap();
        }
        Self { test, owner: owner.clone() }
    }

    pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }

    /// Sends as a channel, with the headers given and nothing else.
    #[allow(clippy::too_many_arguments)] // A request has that many parts.
    pub async fn plain(&self, who: &str, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let bearer = format!("Bearer {}", token(who));
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let response = self.test.send(Self::request(method, path, &all, body)).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// Sends as `ann` would by tus.
    pub async fn tus(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let all = [&[("tus-resumable", "1.0.0")], headers].concat();
        self.plain("ann", method, path, &all, body.into()).await
    }

    /// Makes an upload and gives its address.
    pub async fn create(&self, size_bytes: usize, metadata: &str) -> String {
        let size = size_bytes.to_string();
        let headers = [("upload-length", size.as_str()), ("upload-metadata", metadata)];
        let answer = self.tus(Method::POST, UPLOADS, &headers, "").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.header("location").to_owned()
    }

    pub async fn patch(&self, path: &str, offset: usize, body: impl Into<Body>) -> Answer {
        let offset = offset.to_string();
        self.tus(Method::PATCH, path, &[("upload-offset", &offset), ("content-type", CHUNK_TYPE)], body).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.tus(Method::HEAD, path, &[], "").await
    }

    pub async fn show(&self, path: &str) -> Value {
        let answer = self.plain("ann", Method::GET, path, &[], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.json()
    }

    /// Uploads it all in one go.
    pub async fn upload(&self, bytes: &[u8], metadata: &str) -> String {
        let path = self.create(bytes.len(), metadata).await;
        let answer = self.patch(&path, 0, bytes.to_vec()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{:?}", answer.body);
        path
    }

    pub async fn owns(&self, who: &str, source: &str) -> bool {
        let mut connection = self.test.app.database.acquire().await.unwrap();
        super::owns_source(&mut connection, &channel(who), source).await.unwrap()
    }
}

/// Bytes that are never twice the same within a leaf.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

pub fn cid_of(bytes: &[u8]) -> String {
    pinreel_content::hash_bytes(bytes).cid.to_string()
}

pub fn stream_body(stream: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Body {
    Body::from_stream(stream)
}
