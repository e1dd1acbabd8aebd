//! The built web app's files. Those with a hash in their name never change; the others are asked for again each time.

use std::io;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::http::{HeaderValue, Response, StatusCode, header};
use tower::ServiceBuilder;
use tower_http::services::fs::ServeFileSystemResponseBody;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
/// Workers take their policy from their own file.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self' https:; style-src 'unsafe-inline'; frame-ancestors 'none'",
);

/// Where the built web app is.
#[derive(Clone, Debug)]
pub struct WebDir(PathBuf);

impl WebDir {
    /// The folder that was named, else the first that holds a build: of the working folder, of the source tree that
    /// this program was built in, of the system.
    pub fn find(named: Option<&Path>) -> Self {
        if let Some(named) = named {
            return Self(named.to_owned());
        }
        let beside_target = std::env::current_exe().ok().and_then(|exe| Some(exe.ancestors().nth(3)?.join("web/dist")));
        let places = [Some(PathBuf::from("web/dist")), beside_target, Some(PathBuf::from("/usr/share/pinreel/web"))];
        let found = places.into_iter().flatten().find(|place| place.join("index.html").is_file());
        Self(found.unwrap_or_else(|| PathBuf::from("web/dist")))
    }

    /// The page that all addresses share. Read each time: it is small, and a new build then needs no restart.
    pub async fn shell(&self) -> io::Result<String> {
        tokio::fs::read_to_string(self.0.join("index.html")).await
    }
}

/// Adds the files of the build as they are at the start.
pub fn add_files(router: Router<App>, web: &WebDir) -> Router<App> {
    let policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, POLICY);

    let hashed = ServiceBuilder::new()
        .layer(policy.clone())
        .layer(lasting(FOR_EVER))
        .service(ServeDir::new(web.0.join("assets")).precompressed_br().precompressed_gzip());
    let top = std::fs::read_dir(&web.0).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let public = entry.path().is_file() && name != "index.html" && !name.starts_with('.');
        public.then_some(name)
    });
    top.fold(router.nest_service("/assets", hashed), |router, name| {
        let file = ServiceBuilder::new()
            .layer(policy.clone())
            .layer(lasting(FOR_AN_HOUR))
            .service(ServeFile::new(web.0.join(&name)));
        router.route_service(&format!("/{name}"), file)
    })
}

/// Only what was found is worth keeping: a file that is missing now may come with the next build.
fn lasting(
    value: HeaderValue,
) -> SetResponseHeaderLayer<impl FnMut(&Response<ServeFileSystemResponseBody>) -> Option<HeaderValue> + Clone> {
    SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        move |response: &Response<ServeFileSystemResponseBody>| {
            (response.status() != StatusCode::NOT_FOUND).then(|| value.clone())
        },
    )
}
