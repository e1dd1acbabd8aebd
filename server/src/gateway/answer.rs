//! Turning what was found into an answer: which form of it, and which of the rooms next door makes it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pinreel_content::{Cid, End, FileReader, Store, Walk};

use super::body::Outgoing;
use super::errors;
use super::format::{Choice, Format, Wish, wish};
use super::known::{Known, When};
use super::leave::Leave;
use super::look_up::{Audience, Content, content, first_bytes};
use super::query::{self, Query};
use super::range::ByteRange;
use super::send::{IMMUTABLE, Source, put, send};
use super::shape::{Shape, disposition};
use super::turns::in_turn;
use super::{car, content_type, data_page, fence, listing, tar};
use crate::app::App;
use crate::denylist::{Denylists, Rules};
use crate::http::ApiError;

/// A preview's address may mean another root after another transcoding.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
pub const X_IPFS_PATH: HeaderName = HeaderName::from_static("x-ipfs-path");
pub const X_IPFS_ROOTS: HeaderName = HeaderName::from_static("x-ipfs-roots");

/// Codecs of blocks that are served as they are: codec, the form's name, its extension, and whether to show it.
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
    /// Whether its connection takes files as they are.
    pub takes_files: bool,
    pub audience: Audience,
}

impl Ask {
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that is a list, which may come in several lines.
    pub fn listed(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        let mut lines = self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        let first = lines.next()?;
        Some(lines.fold(Cow::Borrowed(first), |all, line| Cow::Owned(format!("{all},{line}"))))
    }

    /// Whether the asker wants nothing that would have to be fetched from elsewhere.
    fn is_only_if_cached(&self) -> bool {
        let directives = self.listed(&header::CACHE_CONTROL).unwrap_or_default();
        directives.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("only-if-cached"))
    }

    /// A file in the way that the connection takes it.
    fn outgoing(&self, file: FileReader) -> Outgoing {
        if self.takes_files { Outgoing::mapped(file) } else { Outgoing::read(file) }
    }
}

/// Answers a request for content. Errors carry the gateway's headers as well.
pub async fn answer(app: &App, ask: Ask) -> Response {
    let (audience, only_if_cached) = (ask.audience, ask.is_only_if_cached());
    let answered = match fence::check(&ask.headers) {
        Ok(()) => {
            let rules = app.denylists.current();
            let now = When::now(&app.store, &rules);
            let (store, lists, known) = (app.store.clone(), app.denylists.clone(), app.known.clone());
            let found = in_turn(move || find_and_plan(&store, (&rules, lists), &ask, (known, now))).await;
            found.unwrap_or_else(|error| Err(ApiError::internal(error)))
        }
        Err(refused) => Err(refused),
    };
    let answered = answered.map_err(|error| if only_if_cached { errors::not_cached(error) } else { error });
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    if response.status().is_client_error() || response.status().is_server_error() {
        // What isn't held now may be published in a minute.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    fence::apply(response.headers_mut());
    if audience == Audience::Public {
        fence::allow_every_origin(response.headers_mut());
    }
    response
}

/// Everything that touches the disk before the first byte goes out.
fn find_and_plan(
    store: &Store,
    (rules, lists): (&Arc<Rules>, Denylists),
    ask: &Ask,
    (known, now): (Known, When),
) -> Result<Response, ApiError> {
    let wish = wish(&ask.query, &ask.headers)?;
    let mut leave = Leave::ask_for(store, (rules, lists), ask)?;
    let walk = store.walk_path(&ask.root, &ask.segments, &leave.gate).map_err(errors::of_content)?;
    leave.follow(&walk)?;
    let (mut response, choice) = plan(&(store, &leave), ask, &walk, &wish).map_err(|error| leave.explain(error))?;
    describe(ask, &walk, (choice, &wish), &mut response);
    if let (Choice::Native, End::Found(cid)) = (choice, walk.end)
        && let Ok(Some(file)) = store.open_file_through(&cid, &leave.gate)
    {
        known.keep(now, ask, file, &response);
    }
    Ok(response)
}

/// Chooses the room that makes the answer.
fn plan(
    (store, leave): &(&Store, &Leave),
    ask: &Ask,
    walk: &Walk,
    wish: &Wish,
) -> Result<(Response, Choice), ApiError> {
    if let End::Closed(_) = walk.end {
        return Err(errors::not_held());
    }
    if wish.choice.format() == Some(Format::Car) {
        return Ok((car::answer((store, leave), ask, walk, &wish.car)?, wish.choice));
    }
    answer_as(&Place { store, leave, cid: end_of(ask, walk)? }, ask, wish)
}

fn end_of(ask: &Ask, walk: &Walk) -> Result<Cid, ApiError> {
    match walk.end {
        End::Found(cid) => Ok(cid),
        End::Inside(cid) => Err(errors::inside(ask, &cid)),
        End::Absent => Err(errors::not_there(ask, walk.reached.len() - 1)),
        End::Closed(_) => Err(errors::not_held()),
    }
}

/// What was found, and by whose leave.
pub struct Place<'p> {
    pub store: &'p Store,
    pub leave: &'p Leave,
    pub cid: Cid,
}

/// Answers in the form that was chosen, or in the native one where that isn't to be had and the client doesn't mind.
fn answer_as(place: &Place<'_>, ask: &Ask, wish: &Wish) -> Result<(Response, Choice), ApiError> {
    let chosen = match wish.choice.format() {
        Some(Format::Raw) => raw(place, ask),
        Some(Format::Tar) => tar::answer(place, ask),
        _ => native(place, ask, wish.choice, wish.takes_html),
    };
    match chosen {
        Err(error) if error.code == "format_not_acceptable" && wish.native_will_do => {
            Ok((native(place, ask, Choice::Native, wish.takes_html)?, Choice::Native))
        }
        chosen => Ok((chosen?, wish.choice)),
    }
}

fn raw(place: &Place<'_>, ask: &Ask) -> Result<Response, ApiError> {
    let cid = &place.cid;
    let block = place.store.block(cid).map_err(errors::of_content)?.ok_or_else(errors::not_held)?;
    let etag = format!("\"{cid}.{}\"", Format::Raw.name());
    send(ask, &etag, &Source::Memory(&block), |_| {
        Ok(Shape {
            content_type: Format::Raw.media_type().to_owned(),
            disposition: Some(disposition(ask, &format!("{cid}.bin"), false)),
        })
    })
}

/// Files as files, folders as pages, blocks of data as they are.
fn native(place: &Place<'_>, ask: &Ask, choice: Choice, takes_html: bool) -> Result<Response, ApiError> {
    let cid = &place.cid;
    let content = content(place.store, cid, place.leave).map_err(errors::of_content)?;
    let content = content.ok_or_else(errors::not_held)?;
    let etag = format!("\"{cid}\"");
    match content {
        Content::Other(block) => {
            let own = CODECS.iter().find(|row| row.0 == cid.codec()).ok_or_else(|| errors::codec_unknown(cid))?;
            let is_dag = matches!(own.1, Format::DagJson | Format::DagCbor);
            if choice == Choice::Native && is_dag && takes_html && !ask.query.download {
                return Ok(data_page::answer(ask, cid, &block));
            }
            data(ask, cid, *own, choice, &block)
        }
        Content::Symlink(target) => {
            unixfs_form(choice, "")?;
            let shape = Shape { content_type: "inode/symlink".to_owned(), disposition: None };
            send(ask, &etag, &Source::Memory(&target), |_| Ok(shape))
        }
        Content::File(file) => send(ask, &etag, &Source::File(&ask.outgoing(file.clone())), |range| {
            let shape = file_shape(ask, cid, &file, range);
            unixfs_form(choice, &shape.content_type).map(|()| shape)
        }),
        Content::Index(_) | Content::Folder if !ask.trailing_slash => {
            unixfs_form(choice, "")?;
            Ok(redirect_to_slash(ask))
        }
        Content::Index(file) => {
            unixfs_form(choice, "")?;
            let shape = Shape { content_type: "text/html".to_owned(), disposition: None };
            send(ask, &etag, &Source::File(&ask.outgoing(file)), |_| Ok(shape))
        }
        Content::Folder => {
            unixfs_form(choice, "")?;
            listing::answer(place, ask)
        }
    }
}

/// A file's type by its name; else by its first bytes, or by the range's where these aren't held.
fn file_shape(ask: &Ask, cid: &Cid, file: &FileReader, range: Option<ByteRange>) -> Shape {
    let name = ask.query.filename.as_deref().or(ask.segments.last().map(String::as_str));
    let content_type = name.and_then(content_type::of_name).unwrap_or_else(|| {
        let first = first_bytes(file, 0, file.size_bytes());
        let first = first.or_else(|| range.and_then(|range| first_bytes(file, range.start, range.len)));
        content_type::of_bytes(&first.unwrap_or_default(), file.size_bytes())
    });
    let wants_name = ask.query.filename.is_some() || ask.query.download;
    let cid = cid.to_string();
    Shape { content_type, disposition: wants_name.then(|| disposition(ask, name.unwrap_or(&cid), true)) }
}

fn data(
    ask: &Ask,
    cid: &Cid,
    (_, own, extension, is_shown): (u64, Format, &str, bool),
    choice: Choice,
    block: &bytes::Bytes,
) -> Result<Response, ApiError> {
    let format = choice.format().unwrap_or(own);
    // dag-json is JSON and dag-cbor is CBOR; every other change of form would be a conversion.
    let fits =
        format == own || matches!((own, format), (Format::DagJson, Format::Json) | (Format::DagCbor, Format::Cbor));
    if !fits {
        return Err(errors::not_converted(cid, format));
    }
    let etag = format!("\"{cid}.{}\"", format.name());
    send(ask, &etag, &Source::Memory(block), |_| {
        Ok(Shape {
            content_type: format.media_type().to_owned(),
            disposition: Some(disposition(ask, &format!("{cid}.{extension}"), is_shown)),
        })
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

/// Headers that say what was answered, on every good answer.
fn describe(ask: &Ask, walk: &Walk, (choice, wish): (Choice, &Wish), response: &mut Response) {
    let headers = response.headers_mut();
    // What a path that leads nowhere has led through isn't part of what was asked for.
    let reached = if walk.end == End::Absent { &walk.reached[..1] } else { &walk.reached };
    let roots: Vec<String> = reached.iter().map(Cid::to_string).collect();
    put(headers, X_IPFS_ROOTS, &roots.join(","));
    put(headers, X_IPFS_PATH, &ask.path);
    if ask.audience == Audience::Owner {
        headers.insert(header::CACHE_CONTROL, PRIVATE);
    }
    if let Choice::Accept(format) = choice {
        let car = wish.car.by_accept.iter().map(|(name, value)| (*name, value.as_str()));
        let added: Vec<(&str, &str)> = car.chain([("format", format.name())]).collect();
        let query = query::with(ask.raw_query.as_deref(), &added);
        put(headers, header::CONTENT_LOCATION, &format!("{}?{query}", ask.path));
    }
}
