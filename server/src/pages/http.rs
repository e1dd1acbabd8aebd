//! Every address that nothing else answers: a page of the web app, or a problem for programs.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{Page, content, render};
use crate::accounts::MaybeSession;
use crate::app::App;
use crate::http::ApiError;

pub async fn fallback(State(app): State<App>, session: MaybeSession, request: Request) -> Response {
    let path = request.uri().path();
    let for_programs =
        ["/api/", "/ipfs/", "/routing/", "/runner/", "/assets/"].iter().any(|prefix| path.starts_with(prefix));
    if for_programs {
        return nothing_here().into_response();
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return ApiError::new(status, "method_not_allowed", "This address doesn't answer that method.").into_response();
    }
    let page = match path {
        "/upload" => Page::plain("Upload"),
        "/uploads" => Page::plain("Your uploads"),
        "/signin" => Page::plain("Sign in"),
        "/settings" => Page::plain("Settings"),
        "/operator" => Page::plain("Operator"),
        "/operator/jobs" => Page::plain("Transcoding"),
        "/" => content::home(&app).await,
        path if path.starts_with("/@") || path.starts_with("/c/") => content::at(&app, path).await,
        _ => Page::problem(&nothing_here()),
    };
    render(&app, session.0.as_ref(), page).await
}

fn nothing_here() -> ApiError {
    ApiError::not_found("not_found", "There is nothing at this address.")
}
