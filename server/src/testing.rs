//! An app on a database of its own, for tests that go through the real router.
//!
//! Use it under `#[sqlx::test(migrator = "crate::database::MIGRATIONS")]`; the app acts as `pinreel_app`, so a missing
//! grant shows in the tests, and the test's own pool is the owner.

#[path = "../../crates/content/tests/common/skip.rs"]
mod skip;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::router::Answers;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use clap::Parser;
use http_body_util::BodyExt;
use pinreel_content::{Cid, Store};
use pinreel_records::base64url;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;

pub use skip::skipped;

use crate::app::{App, Parts, Tasks};
use crate::clock::{Clock, UnixMs};
use crate::config::Config;
use crate::data::DataDir;
use crate::denylist::Denylists;
use crate::gateway::Known;
use crate::http::{Limits, Peer};
use crate::identity::NodeIdentity;
use crate::media::WorkerToken;
use crate::metrics::Metrics;
use crate::pages::WebDir;
use crate::pinning::KuboAddress;
use crate::signals::Signals;
use crate::site::Site;
use crate::uploads::Uploads;

/// Where the test site pretends to be.
pub const ORIGIN: &str = "http://127.0.0.1:8080";
/// Where the hand-driven clock starts.
pub const START_MS: UnixMs = 1_800_000_000_000;

pub struct TestApp {
    pub app: App,
    pub answers: Answers,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

impl TestApp {
    /// Where the store has a file.
    pub fn blob_file(&self, cid: &Cid) -> PathBuf {
        let name = cid.to_string();
        self.app.data.content().join("blobs").join(&name[name.len() - 3..name.len() - 1]).join(&name)
    }

    pub fn new(owner: &PgPool) -> Self {
        Self::with_flags(owner, &[])
    }

    /// As `pinreel serve` with these flags would be.
    pub fn with_flags(owner: &PgPool, flags: &[&str]) -> Self {
        let mut config = Flags::parse_from(std::iter::once(&"pinreel").chain(flags)).config;
        config.database_url = None;
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(START_MS));
        let data = DataDir::open(folder.path()).unwrap();
        let app = App::from(Parts {
            identity: Arc::new(NodeIdentity::load_or_create(&data, config.url.as_ref()).unwrap()),
            database: crate::database::pool((*owner.connect_options()).clone()),
            clock: Clock::Fixed(now.clone()),
            site: Arc::new(Site::new(config.url.as_ref(), "127.0.0.1:8080".parse().unwrap())),
            web: WebDir::find(config.web.as_deref()).unwrap(),
            limits: Arc::new(Limits::new(config.rates)),
            metrics: Metrics::default(),
            preset: Arc::new(config.preset().unwrap()),
            config: Arc::new(config),
            store: Store::open(data.content()).unwrap(),
            denylists: Denylists::open(vec![data.make_denylists().unwrap()]),
            known: Known::default(),
            worker_token: Arc::new(WorkerToken::load_or_create(&data.worker_token()).unwrap()),
            kubo: KuboAddress::default(),
            signals: Signals::default(),
            data: Arc::new(data),
            tasks: Tasks::default(),
            uploads: Uploads::default(),
        });
        Self { answers: Answers::of(app.clone()), app, now, _folder: folder }
    }

    pub fn advance_ms(&self, by: i64) {
        self.now.fetch_add(by, Ordering::SeqCst);
    }

    /// Sends as a program of this machine, unless the request has another [`Peer`].
    pub async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        if request.extensions().get::<Peer>().is_none() {
            request.extensions_mut().insert(Peer(Ipv4Addr::LOCALHOST.into()));
        }
        self.answers.answer(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.json(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts JSON as a page of the site would.
    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, ORIGIN)
            .body(Body::from(body.to_string()))
            .unwrap();
        self.json(request).await
    }

    /// Sends, and parses the answer as JSON (null when it is empty).
    pub async fn json(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.send(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        (status, value)
    }
}

/// A session of an operator: its token.
pub async fn operator_session(owner: &PgPool) -> String {
    let (secret, channel) = ([7u8; 32], pinreel_content::hash_bytes(b"operator").cid);
    let channel = Cid::new_v1(pinreel_content::DAG_CBOR, *channel.hash()).to_string();
    let session = sqlx::query(
        "insert into session (token_hash, channel, key, created_ms, expires_ms) values ($1, $2, $3, 0, $4)",
    );
    let session = session.bind(Sha256::digest(secret).as_slice().to_vec()).bind(channel.clone());
    session.bind([7u8; 32].as_slice()).bind(i64::MAX).execute(owner).await.unwrap();
    sqlx::query("insert into operator (channel, since_ms) values ($1, 0)").bind(channel).execute(owner).await.unwrap();
    base64url::encode(&secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sqlx::test(migrator = "crate::database::MIGRATIONS")]
    async fn app_acts_under_the_lesser_role(owner: PgPool) {
        let test = TestApp::new(&owner);
        let role: String = sqlx::query_scalar("select current_user::text").fetch_one(&test.app.database).await.unwrap();
        assert_eq!(role, "pinreel_app");
    }
}
