//! The workers' protocol: `/runner/v1`. A worker's token leases; everything else needs the token of the lease itself.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use pinreel_content::parse_cid;
use pinreel_runner::text::plain;
use pinreel_runner::{
    Complete, Fail, Growth, Lease, LeaseRequest, LogLine, Progress, ProgressAnswer, RECIPE, Register, Registered,
    Release, Source, names,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::app::App;
use crate::gateway;
use crate::http::{ApiBytes, ApiError, ApiJson, ApiPath, ApiQuery, ApiResult, bearer};

use super::error::MediaError;
use super::lease::{self, Granted};
use super::model::{KeptProgress, LEASE_MS, LeaseEnd, MAX_LOG_CHARS, MAX_LOG_LINES, RungProgress, is_slow};
use super::store::{self, Asker, Held};
use super::workers::{self, LIVE_MS};
use super::{complete, fail, grow, receive};

/// A result names every segment: a long film's are a few megabytes of JSON.
const MAX_RESULT_BYTES: usize = 64 << 20;
/// Who asks for work or to be known has little to say.
const MAX_ASKING_BYTES: usize = 64 << 10;
/// Renditions that a report may speak of.
const MAX_RUNGS: usize = 16;

pub fn routes() -> Router<App> {
    let job = Router::new()
        .route("/source", get(source))
        // Bounded by `receive`, file by file.
        .route("/files/{*name}", put(file).layer(DefaultBodyLimit::disable()))
        .route("/progress", post(progress))
        .route("/grow", post(grown))
        .route("/complete", post(completed).layer(DefaultBodyLimit::max(MAX_RESULT_BYTES)))
        .route("/fail", post(fail))
        .route("/release", post(release));
    Router::new()
        .route("/runner/v1/register", post(register).layer(DefaultBodyLimit::max(MAX_ASKING_BYTES)))
        .route("/runner/v1/lease", post(leased).layer(DefaultBodyLimit::max(MAX_ASKING_BYTES)))
        .nest("/runner/v1/jobs/{job}", job)
}

/// The token of `Authorization: Bearer`.
struct Bearer(String);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        bearer(&parts.headers).map(|token| Self(token.to_owned())).ok_or_else(|| MediaError::TokenWrong.into())
    }
}

/// What a worker of this very version says. Its version is looked at before anything else, so that one of another version
/// hears that, and not that its words can't be read.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, MediaError> {
    #[derive(Deserialize)]
    struct Spoken {
        protocol: u32,
    }
    let unreadable = |error: serde_json::Error| MediaError::Unreadable(error.to_string());
    let Spoken { protocol } = serde_json::from_slice(body).map_err(unreadable)?;
    if protocol != pinreel_runner::PROTOCOL {
        return Err(MediaError::Protocol(protocol));
    }
    serde_json::from_slice(body).map_err(unreadable)
}

async fn register(
    State(app): State<App>,
    Bearer(token): Bearer,
    ApiBytes(body): ApiBytes,
) -> ApiResult<(StatusCode, Json<Registered>)> {
    let told: Register = read(&body)?;
    Ok((StatusCode::CREATED, Json(workers::register(&app, &token, &told).await?)))
}

async fn leased(State(app): State<App>, Bearer(token): Bearer, ApiBytes(body): ApiBytes) -> ApiResult<Response> {
    let asked: LeaseRequest = read(&body)?;
    let asker = asker(&app, &token, &asked).await?;
    if !asked.recipes.iter().any(|recipe| recipe == RECIPE) {
        return Err(MediaError::Recipe.into());
    }
    let granted = lease::next(&app, asker, Duration::from_millis(asked.wait_ms)).await?;
    let Some(Granted { leased, token }) = granted else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let lease = Lease {
        job: leased.job.to_string(),
        epoch: leased.epoch.into(),
        token,
        source: Source {
            cid: leased.source.cid,
            bytes: leased.source.bytes,
            file_name: leased.source.file_name,
            media_type: leased.source.media_type,
        },
        task: leased.task,
        recipe: leased.recipe,
        preset: leased.preset,
        lease_ms: LEASE_MS.unsigned_abs(),
    };
    Ok(Json(lease).into_response())
}

async fn asker(app: &App, token: &str, asked: &LeaseRequest) -> Result<Asker, MediaError> {
    let worker = workers::identify(app, token, asked).await?;
    let fastest = store::workers::fastest_beside(&app.database, &worker, app.clock.now_ms() - LIVE_MS).await?;
    Ok(Asker {
        worker,
        kinds: asked.wants.clone(),
        codecs: asked.capabilities.codecs.clone(),
        slow: is_slow(asked.capabilities.speed, fastest),
    })
}

async fn source(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let held = lease::current_holder(&app, job, &token).await?;
    let root = parse_cid(&held.source).ok_or_else(|| MediaError::Store("a job's source isn't a CID".into()))?;
    let ask = gateway::Ask {
        root,
        segments: Vec::new(),
        trailing_slash: false,
        path: format!("/ipfs/{root}"),
        raw_query: None,
        query: gateway::Query::default(),
        headers,
        is_head: false,
        takes_files: false,
        // Whoever holds the job may read its source, published or not.
        audience: gateway::Audience::Owner,
    };
    Ok(gateway::answer(&app, ask).await)
}

#[derive(Deserialize)]
struct FileQuery {
    cid: Option<String>,
}

async fn file(
    State(app): State<App>,
    ApiPath((job, name)): ApiPath<(Uuid, String)>,
    ApiQuery(query): ApiQuery<FileQuery>,
    Bearer(token): Bearer,
    body: Body,
) -> ApiResult<StatusCode> {
    let held = lease::current_holder(&app, job, &token).await?;
    let cid = query.cid.as_deref().and_then(parse_cid).ok_or(MediaError::CidMissing)?;
    receive::receive(&app, &held, &name, cid, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn progress(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    ApiJson(told): ApiJson<Progress>,
) -> ApiResult<Json<ProgressAnswer>> {
    let held = current(&app, job, &token, told.epoch).await?;
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await.map_err(MediaError::from)?;
    let lines = lines(&told.log);
    let kept = keep(told);
    // The job before its lines, as whoever ends it does at the same time: in another order they would wait for each other.
    if !store::renew(&mut transaction, (job, held.epoch), now_ms + LEASE_MS, Some(&kept), now_ms).await? {
        return Err(MediaError::LeaseLost.into());
    }
    store::keep_lines(&mut transaction, (job, held.epoch), &lines, now_ms).await.map_err(MediaError::from)?;
    transaction.commit().await.map_err(MediaError::from)?;
    Ok(Json(ProgressAnswer { lease_ms: LEASE_MS.unsigned_abs(), cancel: false }))
}

async fn grown(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    ApiJson(told): ApiJson<Growth>,
) -> ApiResult<StatusCode> {
    let held = current(&app, job, &token, told.epoch).await?;
    grow::grow(&app, &held, &told).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn completed(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    ApiJson(told): ApiJson<Complete>,
) -> ApiResult<StatusCode> {
    let held = lease::holder(&app, job, &token).await?;
    if i64::from(held.epoch) != told.epoch || !(held.current || held.completed) {
        return Err(MediaError::LeaseLost.into());
    }
    let ended = complete::complete(&app, &held, &told.result, &lines(&told.log)).await;
    lease::once(&app, (job, &token, told.epoch), |held| held.completed, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn fail(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    ApiJson(told): ApiJson<Fail>,
) -> ApiResult<StatusCode> {
    let did_fail = |held: &Held| matches!(held.ended, Some(LeaseEnd::Failed | LeaseEnd::Faulted));
    let ended = match current(&app, job, &token, told.epoch).await {
        Ok(held) => fail::fail(&app, &held, &told, &lines(&told.log)).await,
        Err(error) => Err(error),
    };
    lease::once(&app, (job, &token, told.epoch), did_fail, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn release(
    State(app): State<App>,
    ApiPath(job): ApiPath<Uuid>,
    Bearer(token): Bearer,
    ApiJson(told): ApiJson<Release>,
) -> ApiResult<StatusCode> {
    let ended = match current(&app, job, &token, told.epoch).await {
        Ok(held) => fail::release(&app, &held).await,
        Err(error) => Err(error),
    };
    let did_release = |held: &Held| held.ended == Some(LeaseEnd::Released);
    lease::once(&app, (job, &token, told.epoch), did_release, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A worker's lines as they are kept: the last of them, bounded; empty ones say nothing.
fn lines(told: &[LogLine]) -> Vec<(i32, String)> {
    let kept = told.iter().rev().take(usize::try_from(MAX_LOG_LINES).unwrap_or(0)).rev();
    let lines = kept.filter_map(|line| Some((i32::try_from(line.number).ok()?, plain(&line.text, MAX_LOG_CHARS))));
    lines.filter(|(_, text)| !text.is_empty()).collect()
}

async fn current(app: &App, job: Uuid, token: &str, epoch: i64) -> Result<Held, MediaError> {
    let held = lease::current_holder(app, job, token).await?;
    if i64::from(held.epoch) == epoch { Ok(held) } else { Err(MediaError::LeaseLost) }
}

/// A report as we keep and show it: bounded, and no number that isn't one.
fn keep(told: Progress) -> KeptProgress {
    let fraction = |value: f64| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let rungs = told.rungs.into_iter().filter(|rung| names::is_folder(&rung.name)).take(MAX_RUNGS);
    KeptProgress {
        stage: plain(&told.stage, 40),
        fraction: fraction(told.fraction),
        speed: told.speed.filter(|speed| speed.is_finite() && *speed >= 0.0),
        left_ms: told.left_ms.filter(|left_ms| *left_ms < 1 << 40),
        rungs: rungs
            .map(|rung| RungProgress {
                fraction: fraction(rung.fraction),
                name: rung.name,
                height: rung.height,
                why: String::new(),
            })
            .collect(),
    }
}
