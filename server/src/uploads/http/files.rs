//! An owner's own files before anything is published: the source, and what was made of it.
//!
//! Both go through the gateway's code; only the visibility differs.

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::Method;
use axum::response::Response;
use pinreel_content::parse_cid;

use super::own;
use crate::accounts::Session;
use crate::app::App;
use crate::gateway::{self, Ask, Audience, Query};
use crate::http::{ApiError, ApiResult};
use crate::media;
use crate::uploads::error::UploadError;

pub async fn source(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    RawQuery(raw_query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let upload = own(&app, &session.channel.to_string(), &id).await?;
    let root = upload.source.ok_or(UploadError::NotStored)?;
    let mut query = Query::parse(raw_query.as_deref());
    query.filename.get_or_insert(upload.file_name);
    serve(&app, (&root, Vec::new()), (query, raw_query), request).await
}

/// The files below the playback root, or the preview's, as `/ipfs/<root>/<path>` would give them if they were published.
pub async fn preview(
    State(app): State<App>,
    session: Session,
    RawQuery(raw_query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let path = request.uri().path();
    let rest = path.strip_prefix("/api/v1/uploads/").and_then(|rest| rest.split_once("/preview"));
    let (id, below) = rest.ok_or(UploadError::Unknown)?;
    let upload = own(&app, &session.channel.to_string(), id).await?;
    let source = upload.source.ok_or(UploadError::NotStored)?;
    let root = match media::root_of(&app.database, &upload.channel, &source).await? {
        Some(root) => Some(root),
        None => media::preview_of(&app.database, &source).await?.and_then(|preview| preview.root),
    };
    let root = root.ok_or(UploadError::NoPreview)?;
    let segments =
        gateway::segments(below).map_err(|error| ApiError::bad_request("path_invalid", error.to_string()))?;
    let query = Query::parse(raw_query.as_deref());
    serve(&app, (&root, segments), (query, raw_query), request).await
}

async fn serve(
    app: &App,
    (root, segments): (&str, Vec<String>),
    (query, raw_query): (Query, Option<String>),
    request: Request,
) -> ApiResult<Response> {
    let root = parse_cid(root).ok_or_else(|| ApiError::internal(format!("the database holds a wrong CID: {root}")))?;
    let path = request.uri().path().to_owned();
    let ask = Ask {
        root,
        segments,
        trailing_slash: path.ends_with('/'),
        path,
        raw_query,
        query,
        is_head: request.method() == Method::HEAD,
        takes_files: false,
        headers: request.into_parts().0.headers,
        audience: Audience::Owner,
    };
    Ok(gateway::answer(app, ask).await)
}
