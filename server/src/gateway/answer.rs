//! Turning what was found into an answer: status, headers, and which bytes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cid::Cid;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pinreel_content::{Error, FileReader, Store};
use url::form_urlencoded;

use super::body;
use super::conditional::{none_match_hits, range_counts};
use super::content_type;
use super::fence;
use super::format::{Choice, Format, Query, choose};
use super::listing;
use super::look_up::{Audience, Content, Found, first_bytes, look_up};
use super::range::{ByteRange, Wanted, wanted};
use crate::http::ApiError;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=29030400, immutable");
/// A page that we make can look different tomorrow.
const GENERATED: HeaderValue = HeaderValue::from_static("public, max-age=604800, stale-while-revalidate=2678400");
/// A preview's address may mean another root after another transcoding.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What a name keeps as it is in `filename*`.
const IN_HEADER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');
const X_IPFS_PATH: HeaderName = HeaderName::from_static("x-ipfs-path");
const X_IPFS_ROOTS: HeaderName = HeaderName::from_static("x-ipfs-roots");

/// Codecs of blocks that are served as they are: codec, the form's name, its type, extension, and whether to show it.
const CODECS: [(u64, Format, &str, bool); 4] = [
    (0x0200, Format::Json, "json", true),
    (0x51, Format::Cbor, "cbor", false),
    (0x0129, Format::DagJson, "json", true),
    (0x71, Format::DagCbor, "cbor", false),
];

/// A request for content, independent of which address it came by.
pub struct Ask {
    pub root: Cid,
    pub segments: Vec<String>,
    pub trailing_slash: bool,
    /// The request's path as it was sent, percent-encoded.
    pub path: String,
    pub raw_query: Option<String>,
    pub query: Query,
    pub headers: HeaderMap,
    pub is_head: bool,
    pub audience: Audience,
}

/// Answers a request for content. Errors carry the gateway's headers as well.
pub async fn answer(store: &Store, ask: Ask) -> Response {
    let audience = ask.audience;
    let answered = match fence::check(&ask.headers) {
        Ok(()) => {
            let store = store.clone();
            let found = tokio::task::spawn_blocking(move || find_and_plan(&store, &ask));
            found.await.unwrap_or_else(|error| Err(ApiError::internal(error)))
        }
        Err(refused) => Err(refused),
    };
    let mut response = answered.unwrap_or_else(|error| {
        let mut response = error.into_response();
        // What isn't held now may be published in a minute.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    });
    fence::apply(response.headers_mut());
    if audience == Audience::Public {
        fence::allow_every_origin(response.headers_mut());
    }
    response
}

/// Everything that touches the disk before the first byte goes out.
fn find_and_plan(store: &Store, ask: &Ask) -> Result<Response, ApiError> {
    let choice = choose(&ask.query, &ask.headers).map_err(|name| {
        ApiError::bad_request("format_unknown", format!("“{}” is no format of content.", name.escape_debug()))
    })?;
    let as_block = choice.format() == Some(Format::Raw);
    let found = look_up(store, (&ask.root, &ask.segments), ask.audience, as_block).map_err(content_error)?;
    let found = found.ok_or_else(|| not_held(ask))?;
    let mut response = match &found.content {
        Content::Block(block) => serve_bytes(ask, raw_shape(ask, &found), block)?,
        Content::Other(block) => serve_bytes(ask, codec_shape(ask, &found, choice)?, block)?,
        Content::Symlink(target) => {
            unixfs_form(choice, "")?;
            let content_type = "inode/symlink".to_owned();
            serve_bytes(ask, Shape { content_type, ..Shape::plain(&found) }, target)?
        }
        Content::File(file) => {
            let shape = file_shape(ask, &found, file);
            unixfs_form(choice, &shape.content_type)?;
            serve_file(ask, shape, file)?
        }
        Content::Index(_) | Content::Folder(_) if !ask.trailing_slash => {
            unixfs_form(choice, "")?;
            redirect_to_slash(ask)
        }
        Content::Index(file) => {
            unixfs_form(choice, "")?;
            serve_file(ask, Shape { content_type: "text/html".to_owned(), ..Shape::plain(&found) }, file)?
        }
        Content::Folder(entries) => {
            unixfs_form(choice, "")?;
            serve_listing(ask, &found, entries)
        }
    };
    describe(ask, &found, choice, &mut response);
    Ok(response)
}

/// Headers that say what was answered, on every good answer.
fn describe(ask: &Ask, found: &Found, choice: Choice, response: &mut Response) {
    let headers = response.headers_mut();
    let roots: Vec<String> = found.roots.iter().map(Cid::to_string).collect();
    put(headers, X_IPFS_ROOTS, &roots.join(","));
    put(headers, X_IPFS_PATH, &ask.path);
    if ask.audience == Audience::Owner {
        headers.insert(header::CACHE_CONTROL, PRIVATE);
    }
    if let Choice::Accept(format) = choice {
        put(headers, header::CONTENT_LOCATION, &own_address(ask, format));
    }
}

/// What an answer looks like, apart from its bytes.
struct Shape {
    content_type: String,
    etag: String,
    disposition: Option<String>,
}

impl Shape {
    fn plain(found: &Found) -> Self {
        Self { content_type: String::new(), etag: format!("\"{}\"", found.cid), disposition: None }
    }
}

fn raw_shape(ask: &Ask, found: &Found) -> Shape {
    Shape {
        content_type: Format::Raw.media_type().to_owned(),
        etag: format!("\"{}.raw\"", found.cid),
        disposition: Some(disposition(ask, &format!("{}.bin", found.cid), false)),
    }
}

fn file_shape(ask: &Ask, found: &Found, file: &FileReader) -> Shape {
    let name = ask.query.filename.as_deref().or(ask.segments.last().map(String::as_str));
    let content_type = name
        .and_then(content_type::of_name)
        .unwrap_or_else(|| content_type::of_bytes(&first_bytes(file), file.size_bytes()));
    let wants_name = ask.query.filename.is_some() || wants_download(ask);
    let cid = found.cid.to_string();
    let disposition = wants_name.then(|| disposition(ask, name.unwrap_or(&cid), true));
    Shape { content_type, disposition, ..Shape::plain(found) }
}

fn codec_shape(ask: &Ask, found: &Found, choice: Choice) -> Result<Shape, ApiError> {
    let row = CODECS.iter().find(|row| row.0 == found.cid.codec()).ok_or_else(|| {
        let detail =
            format!("{} has codec 0x{:x}, which is only served with ?format=raw.", found.cid, found.cid.codec());
        ApiError::new(StatusCode::NOT_ACCEPTABLE, "format_not_acceptable", detail)
    })?;
    let (own, extension, is_shown) = (row.1, row.2, row.3);
    let format = choice.format().unwrap_or(own);
    // dag-json is JSON and dag-cbor is CBOR; every other change of form would be a conversion.
    let fits =
        format == own || matches!((own, format), (Format::DagJson, Format::Json) | (Format::DagCbor, Format::Cbor));
    if !fits {
        return Err(not_converted(&found.cid, format));
    }
    Ok(Shape {
        content_type: format.media_type().to_owned(),
        etag: format!("\"{}.{}\"", found.cid, format.name()),
        disposition: Some(disposition(ask, &format!("{}.{extension}", found.cid), is_shown)),
    })
}

/// UnixFS content is served as what it is; asking for JSON is fine when it is JSON.
fn unixfs_form(choice: Choice, content_type: &str) -> Result<(), ApiError> {
    match choice.format() {
        None => Ok(()),
        Some(format) if format.media_type() == content_type => Ok(()),
        Some(format) => Err(ApiError::new(
            StatusCode::NOT_ACCEPTABLE,
            "format_not_acceptable",
            format!(
                "This content isn't served as {}: it isn't converted. Leave the format out, or ask for raw.",
                format.name()
            ),
        )),
    }
}

fn serve_bytes(ask: &Ask, shape: Shape, bytes: &Bytes) -> Result<Response, ApiError> {
    serve(ask, &shape, bytes.len() as u64, |range| {
        let (start, end) = (to_index(range.start), to_index(range.start + range.len));
        Ok(Body::from(bytes.slice(start..end)))
    })
}

fn serve_file(ask: &Ask, shape: Shape, file: &FileReader) -> Result<Response, ApiError> {
    serve(ask, &shape, file.size_bytes(), |range| {
        let first = body::first_piece(file, range).map_err(content_error)?;
        Ok(body::stream(file.clone(), range, first))
    })
}

/// Conditions, ranges and lengths; `bytes` is asked only when a body goes out.
fn serve(
    ask: &Ask,
    shape: &Shape,
    size_bytes: u64,
    bytes: impl FnOnce(ByteRange) -> Result<Body, ApiError>,
) -> Result<Response, ApiError> {
    let mut headers = HeaderMap::new();
    put(&mut headers, header::ETAG, &shape.etag);
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    if header_text(ask, &header::IF_NONE_MATCH).is_some_and(|tags| none_match_hits(tags, &shape.etag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    put(&mut headers, header::CONTENT_TYPE, &shape.content_type);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(disposition) = &shape.disposition {
        put(&mut headers, header::CONTENT_DISPOSITION, disposition);
    }
    let counts = range_counts(header_text(ask, &header::IF_RANGE), &shape.etag);
    let asked = header_text(ask, &header::RANGE).filter(|_| counts);
    let (status, range) = match wanted(asked, size_bytes) {
        Wanted::Whole => (StatusCode::OK, ByteRange { start: 0, len: size_bytes }),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Unsatisfiable => return Ok(unsatisfiable(size_bytes)),
    };
    if status == StatusCode::PARTIAL_CONTENT {
        put(&mut headers, header::CONTENT_RANGE, &range.content_range(size_bytes));
    }
    headers.insert(header::CONTENT_LENGTH, range.len.into());
    let body = if ask.is_head || range.len == 0 { Body::empty() } else { bytes(range)? };
    Ok((status, headers, body).into_response())
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let detail = format!("No byte of this range is in the file, which has {size_bytes} bytes.");
    let mut response = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_unsatisfiable", detail).into_response();
    put(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size_bytes}"));
    response
}

fn redirect_to_slash(ask: &Ask) -> Response {
    // A second slash in front would make the path's first part a host.
    let path = ask.path.trim_start_matches('/');
    let query = ask.raw_query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = (StatusCode::MOVED_PERMANENTLY, "The folder's address ends with a slash.\n").into_response();
    let headers = response.headers_mut();
    put(headers, header::LOCATION, &format!("/{path}/{query}"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    response
}

fn serve_listing(ask: &Ask, found: &Found, entries: &[pinreel_content::Entry]) -> Response {
    let etag = format!("\"listing-1-{}\"", found.cid);
    let mut headers = HeaderMap::new();
    put(&mut headers, header::ETAG, &etag);
    headers.insert(header::CACHE_CONTROL, GENERATED);
    if header_text(ask, &header::IF_NONE_MATCH).is_some_and(|tags| none_match_hits(tags, &etag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let shown: Vec<listing::Entry> = entries
        .iter()
        .map(|entry| listing::Entry { name: entry.name.clone(), cid: entry.cid.to_string(), size_bytes: entry.tsize })
        .collect();
    let path = std::iter::once(format!("/ipfs/{}", ask.root)).chain(ask.segments.iter().cloned());
    let path = path.collect::<Vec<_>>().join("/") + "/";
    let page = listing::page(&path, &found.cid.to_string(), !ask.segments.is_empty(), &shown);
    headers.insert(header::CONTENT_LENGTH, page.len().into());
    let body = if ask.is_head { Body::empty() } else { Body::from(page) };
    (StatusCode::OK, headers, body).into_response()
}

fn not_held(ask: &Ask) -> ApiError {
    if header_text(ask, &header::CACHE_CONTROL).is_some_and(|value| value.contains("only-if-cached")) {
        let detail = "This node doesn't hold it, and was asked not to look elsewhere.";
        return ApiError::new(StatusCode::PRECONDITION_FAILED, "not_held", detail);
    }
    ApiError::not_found(
        "not_held",
        "This node doesn't hold that content, or it isn't published. Ask another node or gateway for the same CID.",
    )
}

fn not_converted(cid: &Cid, format: Format) -> ApiError {
    let detail = format!(
        "{cid} isn't {}, and content isn't converted here. Ask for it as it is, or with ?format=raw.",
        format.name()
    );
    ApiError::new(StatusCode::NOT_ACCEPTABLE, "format_not_acceptable", detail)
}

fn content_error(error: Error) -> ApiError {
    match error {
        Error::BlockMissing(_) => ApiError::not_found("not_held", format!("{error}.")),
        Error::Malformed { .. } | Error::NotAFile(_) | Error::DagTooLarge(_) => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "content_malformed", format!("{error}."))
        }
        other => ApiError::internal(other),
    }
}

/// The address that gives this form without an Accept header.
fn own_address(ask: &Ask, format: Format) -> String {
    let pairs = form_urlencoded::parse(ask.raw_query.as_deref().unwrap_or_default().as_bytes());
    let mut pairs: Vec<(String, String)> = pairs.into_owned().filter(|(name, _)| name != "format").collect();
    pairs.push(("format".to_owned(), format.name().to_owned()));
    pairs.sort();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}?{query}", ask.path)
}

fn wants_download(ask: &Ask) -> bool {
    ask.query.download.as_deref() == Some("true")
}

/// `Content-Disposition` with a plain name and its exact form (RFC 6266).
fn disposition(ask: &Ask, default_name: &str, is_shown: bool) -> String {
    let name = ask.query.filename.as_deref().unwrap_or(default_name);
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' })
        .collect();
    let exact = utf8_percent_encode(name, IN_HEADER).to_string();
    let kind = if is_shown && !wants_download(ask) { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

fn header_text<'a>(ask: &'a Ask, name: &HeaderName) -> Option<&'a str> {
    ask.headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn to_index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
