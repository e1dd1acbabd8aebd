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

/// The page that all addresses share.
const SHELL: &str = "index.html";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
/// Workers take their policy from their own file.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self' https:; style-src 'unsafe-inline'; frame-ancestors 'none'",
);

/// Where the built web app is.
#[derive(Clone, Debug)]
pub struct WebDir(PathBuf);

#[derive(Debug, thiserror::Error)]
#[error(
    "There is no built web app in {} (it has no index.html); build it with `npm run build` in web/, or leave --web and \
     PINREEL_WEB out.", .0.display()
)]
pub struct NoWebApp(PathBuf);

impl WebDir {
    /// The folder that was named, else the first that holds a build: of the working folder, of the source tree that
    /// this program was built in, of the system. Without any, the API is served alone.
    pub fn find(named: Option<&Path>) -> Result<Self, NoWebApp> {
        match named {
            Some(named) if named.join(SHELL).is_file() => return Ok(Self(named.to_owned())),
            Some(named) => return Err(NoWebApp(named.to_owned())),
            None => {}
        }
        let beside_target = std::env::current_exe().ok().and_then(|exe| Some(exe.ancestors().nth(3)?.join("web/dist")));
        let places = [Some(PathBuf::from("web/dist")), beside_target, Some(PathBuf::from("/usr/share/pinreel/web"))];
        let found = places.into_iter().flatten().find(|place| place.join(SHELL).is_file());
        Ok(Self(found.unwrap_or_else(|| PathBuf::from("web/dist"))))
    }

    /// The page that all addresses share. Read each time: it is small, and a new build then needs no restart.
    pub async fn shell(&self) -> io::Result<String> {
        tokio::fs::read_to_string(self.0.join(SHELL)).await
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
        let public = entry.path().is_file() && name != SHELL && !name.starts_with('.');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_must_hold_a_build() {
        let folder = tempfile::tempdir().unwrap();
        let said = WebDir::find(Some(folder.path())).unwrap_err().to_string();
        assert!(said.contains(&folder.path().display().to_string()), "{said}");
        std::fs::write(folder.path().join(SHELL), "<!doctype html>").unwrap();
        assert_eq!(WebDir::find(Some(folder.path())).unwrap().0, folder.path());
    }
}
