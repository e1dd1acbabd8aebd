//! The addresses under `/api/v1/uploads/<id>/companions`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use pinreel_content::Stored;
use pinreel_runner::Task;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use pinreel_runner::language::is_tag;

use crate::accounts::Session;
use crate::app::App;
use crate::catalogue;
use crate::http::{ApiBytes, ApiJson, ApiQuery, ApiResult, ordinary};
use crate::media::{self, Source};
use crate::uploads::{self, Upload, UploadError, clean_file_name};

use super::error::CompanionError;
use super::model::{Companion, CompanionView, MAX_AT_MS, MAX_CAPTIONS, MAX_LABEL_CHARS, MAX_PICTURE_BYTES, Role};
use super::{language, of_upload, store};

pub fn routes() -> OpenApiRouter<App> {
    let small = OpenApiRouter::new().routes(routes!(describe)).routes(routes!(remove));
    // A little more than is taken, so that who sends too much hears by how much.
    let large = OpenApiRouter::new().routes(routes!(add)).layer(DefaultBodyLimit::max(MAX_PICTURE_BYTES + (1 << 20)));
    ordinary(small).merge(large)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AddQuery {
    role: Role,
    /// Of the file in the body
    file_name: Option<String>,
    /// A BCP 47 tag, of captions; guessed from the file's name, if none is given
    language: Option<String>,
    /// What players call captions; made from the language, if none is given
    label: Option<String>,
    /// Of a poster without a file: which frame of the film it is
    at_ms: Option<u64>,
}

/// Puts captions or a poster beside an upload
///
/// The body is the file: captions as SubRip, ASS, SSA or WebVTT (up to 10 MiB each, 50 of them), or a picture as JPEG,
/// PNG, WebP, AVIF or GIF (up to 32 MiB). A poster may be a frame of the film instead: then `at_ms` says which, and the
/// body is empty. A new poster takes the place of the one before.
#[utoipa::path(
    post, path = "/api/v1/uploads/{id}/companions", tag = "uploads", params(("id" = String, Path), AddQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = CompanionView),
        (status = 404, description = "upload_gone"),
        (status = 409, description = "upload_published"),
        (status = 413, description = "companion_too_large"),
        (status = 422, description = "companion_empty, companions_too_many, language_invalid, label_invalid, poster_time_invalid"),
    )
)]
async fn add(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    ApiQuery(asked): ApiQuery<AddQuery>,
    ApiBytes(body): ApiBytes,
) -> ApiResult<(StatusCode, Json<CompanionView>)> {
    let upload = changeable(&app, &session, &id).await?;
    let new = read(&asked, body.len())?;
    let sent = if body.is_empty() { None } else { Some(keep(&app, &session, body).await?) };
    let id = insert(&app, &upload, new, sent).await?;
    let view = of_upload(&app.database, upload.id).await.map_err(CompanionError::from)?;
    let view = view.into_iter().find(|view| view.id == id).ok_or(CompanionError::Unknown)?;
    Ok((StatusCode::CREATED, Json(view)))
}

#[derive(Debug, Deserialize, ToSchema)]
struct CompanionWords {
    /// A BCP 47 tag; null for none
    language: Option<String>,
    /// Made from the language, if it is empty
    #[serde(default)]
    label: String,
}

/// Says in which language captions are, and what players call them
#[utoipa::path(
    put, path = "/api/v1/uploads/{id}/companions/{companion}", tag = "uploads",
    params(("id" = String, Path), ("companion" = String, Path)), request_body = CompanionWords,
    responses((status = 204), (status = 404), (status = 409), (status = 422))
)]
async fn describe(
    State(app): State<App>,
    session: Session,
    Path((id, companion)): Path<(String, Uuid)>,
    ApiJson(words): ApiJson<CompanionWords>,
) -> ApiResult<StatusCode> {
    let upload = changeable(&app, &session, &id).await?;
    let tag = tag(words.language.as_deref())?;
    let label = label(&words.label, tag.as_deref())?;
    let key = (upload.id.0, companion);
    in_transaction(&app, async |connection| store::describe(connection, key, (tag.as_deref(), &label)).await).await
}

/// Takes captions or a poster away again
#[utoipa::path(
    delete, path = "/api/v1/uploads/{id}/companions/{companion}", tag = "uploads",
    params(("id" = String, Path), ("companion" = String, Path)),
    responses((status = 204), (status = 404), (status = 409))
)]
async fn remove(
    State(app): State<App>,
    session: Session,
    Path((id, companion)): Path<(String, Uuid)>,
) -> ApiResult<StatusCode> {
    let upload = changeable(&app, &session, &id).await?;
    let key = (upload.id.0, companion);
    in_transaction(&app, async |connection| store::remove(connection, key).await).await
}

async fn in_transaction(
    app: &App,
    change: impl AsyncFnOnce(&mut sqlx::PgConnection) -> sqlx::Result<bool>,
) -> ApiResult<StatusCode> {
    let mut transaction = app.database.begin().await.map_err(CompanionError::from)?;
    if !change(&mut transaction).await.map_err(CompanionError::from)? {
        return Err(CompanionError::Unknown.into());
    }
    transaction.commit().await.map_err(CompanionError::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's own upload, unless it is published.
async fn changeable(app: &App, session: &Session, id: &str) -> Result<Upload, CompanionError> {
    let channel = session.channel.to_string();
    let upload = uploads::own(app, &channel, id).await?;
    let published = match &upload.source {
        Some(source) => catalogue::claim_of_source(&app.database, &channel, source).await?.is_some(),
        None => false,
    };
    if published { Err(CompanionError::Published) } else { Ok(upload) }
}

/// What a new one is called and is, by the words that came with it.
struct New {
    role: Role,
    file_name: String,
    language: Option<String>,
    label: String,
    at_ms: Option<u64>,
}

fn read(asked: &AddQuery, body_bytes: usize) -> Result<New, CompanionError> {
    let role = asked.role;
    let file_name = clean_file_name(asked.file_name.as_deref().unwrap_or(role.name()));
    if body_bytes > role.max_bytes() {
        return Err(CompanionError::TooLarge { name: file_name, role });
    }
    if let Some(at_ms) = asked.at_ms {
        if role != Role::Poster || body_bytes > 0 || at_ms > MAX_AT_MS {
            return Err(CompanionError::Time);
        }
        return Ok(New { role, file_name: String::new(), language: None, label: String::new(), at_ms: Some(at_ms) });
    }
    if body_bytes == 0 {
        return Err(CompanionError::Empty(file_name));
    }
    if role == Role::Poster {
        return Ok(New { role, file_name, language: None, label: String::new(), at_ms: None });
    }
    let tag = tag(asked.language.as_deref())?.or_else(|| language::of_file_name(&file_name));
    let label = label(asked.label.as_deref().unwrap_or_default(), tag.as_deref())?;
    Ok(New { role, file_name, language: tag, label, at_ms: None })
}

fn tag(said: Option<&str>) -> Result<Option<String>, CompanionError> {
    match said.map(str::trim).filter(|said| !said.is_empty()) {
        Some(said) if is_tag(said) => Ok(Some(said.to_owned())),
        Some(said) => Err(CompanionError::Language(said.chars().take(40).collect())),
        None => Ok(None),
    }
}

fn label(said: &str, tag: Option<&str>) -> Result<String, CompanionError> {
    let said = said.trim();
    if said.chars().count() > MAX_LABEL_CHARS || said.contains(char::is_control) {
        return Err(CompanionError::Label);
    }
    Ok(if said.is_empty() { language::label(tag) } else { said.to_owned() })
}

async fn keep(app: &App, session: &Session, body: Bytes) -> Result<Stored, CompanionError> {
    if uploads::left_bytes(app, Some(session)).await? < body.len() as u64 {
        return Err(CompanionError::DiskFull);
    }
    let content = app.store.clone();
    let stored = spawn_blocking(move || content.put_bytes(&body)).await;
    Ok(stored.map_err(|error| CompanionError::Inside(error.to_string()))??)
}

/// The row and its job, together or not at all. A frame of a film that isn't here yet waits for it.
async fn insert(app: &App, upload: &Upload, new: New, sent: Option<Stored>) -> Result<Uuid, CompanionError> {
    let now_ms = app.clock.now_ms();
    let mut transaction = app.database.begin().await?;
    let count = store::count_captions(&mut transaction, upload.id.0).await?;
    if new.role == Role::Captions && usize::try_from(count).is_ok_and(|count| count >= MAX_CAPTIONS) {
        return Err(CompanionError::TooMany);
    }
    // The row is locked by now: a film that arrives at this moment is seen here, or sees this.
    let upload = uploads::look_again(&mut transaction, upload.id).await?.ok_or(UploadError::Unknown)?;
    let task = match new {
        New { at_ms: Some(at_ms), .. } => Task::Frame { at_ms },
        New { role: Role::Poster, .. } => Task::Picture,
        New { role: Role::Captions, .. } => Task::Captions,
    };
    let source = match (&sent, &upload.source) {
        (Some(sent), _) => Some((sent.cid.to_string(), sent.size_bytes, "application/octet-stream")),
        (None, Some(source)) => Some((source.clone(), upload.size_bytes, upload.media_type.as_str())),
        (None, None) => None,
    };
    let source = source.map(|(cid, bytes, media_type)| Source {
        cid,
        bytes,
        file_name: if sent.is_some() { new.file_name.clone() } else { upload.file_name.clone() },
        media_type: media_type.to_owned(),
        channel: Some(upload.channel.clone()),
    });
    let job = match &source {
        Some(source) => Some(media::enqueue_companion(&mut transaction, (source, &app.preset), task, now_ms).await?),
        None => None,
    };
    let companion = Companion {
        id: Uuid::now_v7(),
        role: new.role,
        file_name: new.file_name,
        language: new.language,
        label: new.label,
        at_ms: new.at_ms,
        sent: sent.map(|sent| sent.cid.to_string()),
        job,
        created_ms: now_ms,
    };
    store::insert(&mut transaction, upload.id.0, &companion).await?;
    transaction.commit().await?;
    Ok(companion.id)
}
