//! What keeps other people's content from acting in this site's name.
//!
//! `/ipfs` shares its host with the app: nothing from it may become a script, worker, style or plug-in of a page, a
//! document is sandboxed, and no answer depends on a cookie.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::http::ApiError;

/// For any document: no scripts, no forms, no frames around it, nothing loaded but pictures, media and its own styles.
pub const POLICY: HeaderValue = HeaderValue::from_static(
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// For pages that we make: what they link to may be saved.
pub const OWN_PAGE: HeaderValue = HeaderValue::from_static(
    "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
);

const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const REFUSED: [&str; 11] = [
    "script",
    "worker",
    "sharedworker",
    "serviceworker",
    "audioworklet",
    "paintworklet",
    "style",
    "xslt",
    "object",
    "embed",
    "manifest",
];

/// Refuses requests whose browser says that the bytes are to become part of a program.
pub fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(SERVICE_WORKER) {
        let detail = "Published content can't become a service worker of this site. Fetch it from another gateway.";
        return Err(ApiError::bad_request("service_worker_refused", detail));
    }
    let dest = headers.get(FETCH_DEST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if REFUSED.contains(&dest) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "destination_refused",
            format!(
                "Published content isn't served to be used as a {dest} on this site. Fetch it from another gateway."
            ),
        ));
    }
    Ok(())
}

/// On every answer of the gateway, good or bad, that has no policy of its own. Vary names the destination, or a browser's cache would hand to a
/// `<script>` what was fetched as a picture.
pub fn apply(headers: &mut HeaderMap) {
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    let fixed: [(HeaderName, HeaderValue); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::VARY, HeaderValue::from_static("accept, sec-fetch-dest")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    headers.extend(fixed);
}

/// Public content is for every site to read, without credentials.
pub fn allow_every_origin(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, HeaderValue); 2] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "accept-ranges, content-length, content-range, content-location, etag, x-ipfs-path, x-ipfs-roots",
            ),
        ),
    ];
    headers.extend(fixed);
}

/// What a preflight is told besides.
pub fn allow_preflight(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "accept, content-type, if-none-match, if-range, range, user-agent, x-requested-with",
            ),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ];
    headers.extend(fixed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passive_destinations_pass() {
        let with = |name, value: &'static str| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        for dest in REFUSED {
            assert!(check(&with(FETCH_DEST, dest)).is_err(), "{dest}");
        }
        for dest in ["empty", "video", "audio", "image", "track", "document", "iframe", ""] {
            assert!(check(&with(FETCH_DEST, dest)).is_ok(), "{dest}");
        }
        assert!(check(&with(SERVICE_WORKER, "script")).is_err());
        assert!(check(&HeaderMap::new()).is_ok());
    }
}
