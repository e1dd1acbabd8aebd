//! A server that breaks off, is away, cancels and takes leases back, and remembers what it heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use pinreel_runner::{
    Complete, Fail, Growth, Kind, Lease, LeaseRequest, LogLine, Preset, Progress, ProgressAnswer, RECIPE, Register,
    Registered, Release, Source, Task,
};
use tokio::sync::Notify;

/// What the server does to the worker, and what it heard.
#[derive(Default)]
pub struct Server {
    pub source: Vec<u8>,
    pub task: Task,
    pub cid: Option<String>,
    /// Leases that are still given.
    pub jobs: u32,
    /// Answers of 503 left, by call.
    pub away: HashMap<&'static str, u32>,
    /// The source ends here, once.
    pub break_at: Option<usize>,
    pub cancel: bool,
    /// Deliveries after this many are told that the lease is lost.
    pub lose_after: Option<usize>,
    /// The file of this name is refused with this.
    pub refused_file: Option<(&'static str, StatusCode)>,
    pub files: HashMap<String, (String, Bytes)>,
    pub ranges: Vec<Option<String>>,
    pub stages: Vec<String>,
    pub grown: Vec<Growth>,
    pub completed: Option<Complete>,
    pub failed: Option<Fail>,
    pub released: Option<Release>,
    /// Lines of the log that came with reports.
    pub log: Vec<LogLine>,
    /// Each request for a job is refused with this.
    pub refusal: Option<(StatusCode, &'static str)>,
}

#[derive(Clone, Default)]
pub struct App(Arc<Mutex<Server>>, Arc<Notify>, Arc<Notify>);

impl App {
    pub fn new(server: Server) -> Self {
        Self(Arc::new(Mutex::new(server)), Arc::default(), Arc::default())
    }

    /// Until a worker has asked for a job in vain.
    pub async fn is_out_of_jobs(&self) {
        self.1.notified().await;
    }

    pub fn routes(self) -> Router {
        Router::new()
            .route("/runner/v1/lease", post(lease))
            .route("/runner/v1/jobs/job-7/source", get(source))
            .route("/runner/v1/jobs/{job}/files/{*name}", put(file))
            .route("/runner/v1/jobs/job-7/progress", post(progress))
            .route("/runner/v1/jobs/job-7/grow", post(grow))
            .route("/runner/v1/jobs/job-7/complete", post(complete))
            .route("/runner/v1/jobs/job-7/fail", post(fail))
            .route("/runner/v1/jobs/job-7/release", post(release))
            .route("/runner/v1/register", post(register))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self)
    }

    fn away(&self, call: &'static str) -> bool {
        let mut server = self.0.lock().unwrap();
        let left = server.away.entry(call).or_default();
        let away = *left > 0;
        *left -= u32::from(away);
        away
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Server) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

async fn lease(State(app): State<App>, headers: HeaderMap, Json(request): Json<LeaseRequest>) -> Response {
    assert_eq!(headers["authorization"], "Bearer worker-secret");
    assert_eq!(request.recipes, [RECIPE]);
    assert_eq!(request.capabilities.kinds, [Kind::Video, Kind::Audio, Kind::Companion, Kind::Preview]);
    if request.wants == [Kind::Companion, Kind::Preview] {
        // There never is one; and who asks for a small job may have a long one at the same time.
        tokio::time::sleep(Duration::from_millis(request.wait_ms)).await;
        return StatusCode::NO_CONTENT.into_response();
    }
    assert!(request.capabilities.codecs.iter().any(|codec| codec == "h264"), "{:?}", request.capabilities.codecs);
    if let Some((status, code)) = app.with(|server| server.refusal) {
        let problem = serde_json::json!({ "code": code, "detail": format!("In a sentence: {code}.") });
        return (status, Json(problem)).into_response();
    }
    if app.away("lease") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    app.with(|server| {
        if server.jobs == 0 {
            app.1.notify_one();
            return StatusCode::NO_CONTENT.into_response();
        }
        server.jobs -= 1;
        let cid = server.cid.clone().unwrap_or_else(|| pinreel_content::hash_bytes(&server.source).cid.to_string());
        let source = Source {
            cid,
            bytes: server.source.len() as u64,
            file_name: "a.mp4".into(),
            media_type: "video/mp4".into(),
        };
        let (job, token) = ("job-7".to_owned(), "job-secret".to_owned());
        Json(Lease {
            job,
            epoch: 3,
            token,
            source,
            task: server.task,
            recipe: RECIPE.into(),
            preset: Preset::default(),
            lease_ms: 4_000,
        })
        .into_response()
    })
}

async fn source(State(app): State<App>, headers: HeaderMap) -> Response {
    assert_eq!(headers["authorization"], "Bearer job-secret");
    let range = headers.get("range").map(|value| value.to_str().unwrap().to_owned());
    let from: usize = range.as_deref().map_or(0, |r| r["bytes=".len()..r.len() - 1].parse().unwrap());
    app.with(|server| {
        server.ranges.push(range);
        let rest = Bytes::copy_from_slice(&server.source[from..]);
        let status = if from > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        match server.break_at.take() {
            None => (status, rest).into_response(),
            Some(at) => (status, rest.slice(..at)).into_response(),
        }
    })
}

async fn file(
    State(app): State<App>,
    Path((_, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    bytes: Bytes,
) -> StatusCode {
    if app.away("file") {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    app.with(|server| {
        if server.lose_after.is_some_and(|after| server.files.len() >= after) {
            return StatusCode::CONFLICT;
        }
        if let Some((_, status)) = server.refused_file.filter(|(refused, _)| *refused == name) {
            return status;
        }
        server.files.insert(name, (query["cid"].clone(), bytes));
        StatusCode::NO_CONTENT
    })
}

async fn progress(State(app): State<App>, Json(progress): Json<Progress>) -> Response {
    assert_eq!(progress.epoch, 3);
    app.with(|server| {
        if server.failed.is_some() {
            app.2.notify_one();
            return StatusCode::CONFLICT.into_response();
        }
        server.stages.push(progress.stage);
        server.log.extend(progress.log);
        Json(ProgressAnswer { lease_ms: 4_000, cancel: server.cancel }).into_response()
    })
}

async fn grow(State(app): State<App>, Json(growth): Json<Growth>) -> StatusCode {
    if app.away("grow") {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    app.with(|server| {
        assert!(server.completed.is_none());
        for segment in growth.steps.iter().flatten() {
            assert_eq!(server.files[&segment.file.name].0, segment.file.cid, "it was delivered before");
        }
        server.grown.push(growth);
    });
    StatusCode::NO_CONTENT
}

async fn complete(State(app): State<App>, Json(complete): Json<Complete>) -> StatusCode {
    if app.away("complete") {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    app.with(|server| server.completed = Some(complete));
    StatusCode::NO_CONTENT
}

async fn fail(State(app): State<App>, Json(fail): Json<Fail>) -> StatusCode {
    app.with(|server| server.failed = Some(fail));
    // A report that comes meanwhile finds the lease ended.
    app.2.notified().await;
    StatusCode::NO_CONTENT
}

async fn release(State(app): State<App>, Json(release): Json<Release>) -> StatusCode {
    app.with(|server| server.released = Some(release));
    StatusCode::NO_CONTENT
}

async fn register(headers: HeaderMap, Json(told): Json<Register>) -> Response {
    if headers["authorization"] != "Bearer invitation" {
        let problem = serde_json::json!({ "code": "invitation_wrong", "detail": "This registration token was used." });
        return (StatusCode::FORBIDDEN, Json(problem)).into_response();
    }
    (StatusCode::CREATED, Json(Registered { worker: told.worker, key: "key-of-its-own".into() })).into_response()
}
