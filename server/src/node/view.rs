//! `/api/v1/node`: what this node is, for anyone who connects to it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::{self, MaybeSession, Registration, Session, SessionView};
use crate::app::App;
use crate::http::ApiResult;
use crate::{pinning, uploads};

const PROTOCOL: &str = "pinreel/1";

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NodeView {
    name: String,
    version: &'static str,
    protocol: &'static str,
    /// The name of the log, which channels founded here have as their home
    origin: String,
    /// base64url
    log_key: String,
    /// The genesis of the node's own channel
    channel: Option<String>,
    /// base64url; signs the node's own channel
    node_key: String,
    url: String,
    registration: Registration,
    signed_in: Option<SessionView>,
    limits: Limits,
    /// Whether a Kubo pins what is published here
    pinning: bool,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Limits {
    /// The largest upload
    upload_bytes: u64,
    /// Room for another upload of whoever asks, by the rules that will be applied to it
    free_bytes: u64,
}

/// Says what this node is
#[utoipa::path(get, path = "/api/v1/node", tag = "node", responses((status = 200, body = NodeView)))]
pub async fn show(State(app): State<App>, MaybeSession(session): MaybeSession) -> ApiResult<Json<NodeView>> {
    Ok(Json(view(&app, session.as_ref()).await?))
}

pub async fn view(app: &App, session: Option<&Session>) -> ApiResult<NodeView> {
    let mut connection = app.database.acquire().await?;
    let registration = accounts::mode(app, &mut connection).await?;
    drop(connection);
    let signed_in = match session {
        Some(session) => Some(accounts::session_view(app, session).await?),
        None => None,
    };
    let identity = &app.identity;
    Ok(NodeView {
        name: app.site.url().host_str().unwrap_or_default().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        protocol: PROTOCOL,
        origin: identity.origin.to_string(),
        log_key: identity.log_key.public().to_string(),
        channel: identity.channel().map(|channel| channel.to_string()),
        node_key: identity.node_key.public().to_string(),
        url: app.site.link(""),
        registration,
        signed_in,
        limits: Limits { upload_bytes: app.config.max_upload_bytes, free_bytes: left_bytes(app, session).await },
        pinning: pinning::is_enabled(app),
    })
}

/// 0 if it can't be told: better no upload than one that fails at its end.
async fn left_bytes(app: &App, session: Option<&Session>) -> u64 {
    uploads::left_bytes(app, session).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the room for uploads can't be told");
        0
    })
}
