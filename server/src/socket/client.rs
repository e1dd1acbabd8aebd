//! The command line's side of the operator's socket: one request on one connection.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http_body::{Body as _, Frame};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::io::AsyncRead;
use tokio::net::UnixStream;
use tokio_util::io::ReaderStream;

use super::http::FAULT;
pub use super::import::{Imported, import_car};
use super::operation::{Answer, Event, Fault, Operation};
use crate::media::wish;

const JSON: &str = "application/json";
const PIECE: usize = 256 << 10;
/// No answer in one piece, and no event, is longer.
const MAX_ANSWER: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("The node's socket fails ({0}); is the node stopping?")]
    Io(#[from] io::Error),
    #[error("The node's socket fails ({0}); is the node stopping?")]
    Http(#[source] hyper::Error),
    #[error("The node answered something that isn't expected; is it of another version?")]
    Answer,
    #[error("The node broke off before it was done; its log says why.")]
    BrokenOff,
    /// What was to be sent can't be read.
    #[error("{0}")]
    Source(io::Error),
    /// The node's own words.
    #[error("{0}")]
    Refused(Fault),
}

impl From<hyper::Error> for SocketError {
    fn from(error: hyper::Error) -> Self {
        if error.is_incomplete_message() { Self::BrokenOff } else { Self::Http(error) }
    }
}

/// A connection to a running node.
pub struct Node(UnixStream);

impl Node {
    /// The node that serves this folder, if one runs.
    pub async fn connect(root: &Path) -> Result<Option<Self>, SocketError> {
        Ok(super::Place::of(root).connect().await?.map(Self))
    }

    /// Streams a CAR file to the node; `size_bytes` is how long it is, if that is known.
    ///
    /// # Errors
    /// [`SocketError::Source`] when the file can't be read to its end: the node takes nothing of it then.
    pub async fn import(
        self,
        (name, size_bytes): (&str, Option<u64>),
        car: impl AsyncRead + Send + 'static,
        mut on_bytes: impl FnMut(u64) + Send + 'static,
    ) -> Result<Imported, SocketError> {
        let failed: Arc<Mutex<Option<io::Error>>> = Arc::default();
        let seen = failed.clone();
        let pieces = ReaderStream::with_capacity(car, PIECE).map(move |piece| match piece {
            Ok(piece) => {
                on_bytes(piece.len() as u64);
                Ok(piece)
            }
            Err(error) => {
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(io::Error::other("the file can't be read"))
            }
        });
        let size = size_bytes.map(|bytes| format!("&bytes={bytes}")).unwrap_or_default();
        let path = format!("/import?name={}{size}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        let answer = self.send(Method::POST, &path, "application/vnd.ipld.car", Body::from_stream(pieces)).await;
        if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(SocketError::Source(error));
        }
        parse(answer?).await
    }

    /// Has the node do something; `on_event` hears of progress and of what is found.
    pub async fn operate(self, operation: &Operation, mut on_event: impl FnMut(Event)) -> Result<Answer, SocketError> {
        let body = serde_json::to_vec(operation).map_err(|_| SocketError::Answer)?;
        let stream = self.send(Method::POST, "/store", JSON, Body::from(body)).await?;
        let mut lines = Lines { stream, rest: BytesMut::new() };
        while let Some(line) = lines.next().await? {
            match serde_json::from_slice(&line).map_err(|_| SocketError::Answer)? {
                Event::Answer(answer) => return Ok(answer),
                Event::Failed(fault) => return Err(SocketError::Refused(fault)),
                event => on_event(event),
            }
        }
        Err(SocketError::BrokenOff)
    }

    /// Asks the node about its jobs and workers, or has it change them.
    pub async fn wish(self, wish: &wish::Wish) -> Result<wish::Answer, SocketError> {
        let body = serde_json::to_vec(wish).map_err(|_| SocketError::Answer)?;
        parse(self.send(Method::POST, "/media", JSON, Body::from(body)).await?).await
    }

    /// Gives the node the right bytes of a block; whether that was of use.
    pub async fn restore(self, cid: &str, block: Bytes) -> Result<bool, SocketError> {
        let answer =
            self.send(Method::POST, &format!("/blocks/{cid}"), "application/vnd.ipld.raw", Body::from(block)).await?;
        match parse(answer).await? {
            Answer::Done { changed } => Ok(changed),
            _ => Err(SocketError::Answer),
        }
    }

    /// A root's DAG as the pieces of a CAR file; an error means that what came before isn't whole.
    pub async fn export(self, cid: &str) -> Result<Car, SocketError> {
        Ok(Car(self.ask(Method::GET, &format!("/export/{cid}"), JSON, Body::empty()).await?))
    }

    /// Sends a request and gives the body of a good answer as a stream.
    async fn send(
        self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Body,
    ) -> Result<BodyDataStream, SocketError> {
        Ok(self.ask(method, path, content_type, body).await?.into_data_stream())
    }

    /// Sends a request and gives the body of a good answer.
    async fn ask(self, method: Method, path: &str, content_type: &str, body: Body) -> Result<Body, SocketError> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(self.0)).await?;
        // What breaks the connection shows in the request or in its body.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "node").header(header::CONTENT_TYPE, content_type);
        let request = request.header(header::TE, "trailers").body(body);
        let response = sender.send_request(request.map_err(|_| SocketError::Answer)?).await?;
        let (head, body) = response.into_parts();
        let response = Response::from_parts(head, Body::new(body));
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        Err(refusal(response).await.map_or(SocketError::Answer, SocketError::Refused))
    }
}

/// A CAR file on its way.
pub struct Car(Body);

impl Car {
    /// The next piece; `None` at the end of a whole file.
    ///
    /// # Errors
    /// [`SocketError::Refused`] with why the node can't go on.
    pub async fn next(&mut self) -> Option<Result<Bytes, SocketError>> {
        let frame = poll_fn(|context| Pin::new(&mut self.0).poll_frame(context)).await?;
        Some(match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(trailers)) => Err(trailers.into_trailers().ok().and_then(fault_in).unwrap_or(SocketError::Answer)),
            Err(_) => Err(SocketError::BrokenOff),
        })
    }
}

fn fault_in(trailers: HeaderMap) -> Option<SocketError> {
    let text = percent_decode(trailers.get(FAULT)?.as_bytes()).decode_utf8().ok()?;
    serde_json::from_str(&text).ok().map(SocketError::Refused)
}

async fn refusal(response: Response<Body>) -> Option<Fault> {
    let body = axum::body::to_bytes(response.into_body(), MAX_ANSWER).await.ok()?;
    let problem: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let text = |name: &str| problem.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    Some(Fault { code: text("code")?, message: text("detail")? })
}

async fn parse<T: DeserializeOwned>(body: BodyDataStream) -> Result<T, SocketError> {
    let bytes = axum::body::to_bytes(Body::from_stream(body), MAX_ANSWER).await.map_err(|_| SocketError::BrokenOff)?;
    serde_json::from_slice(&bytes).map_err(|_| SocketError::Answer)
}

/// The lines of a body.
struct Lines {
    stream: BodyDataStream,
    rest: BytesMut,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, SocketError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.rest.split_to(end + 1).freeze()));
            }
            match self.stream.next().await {
                Some(Ok(piece)) if self.rest.len() + piece.len() <= MAX_ANSWER => self.rest.extend_from_slice(&piece),
                Some(Ok(_)) => return Err(SocketError::Answer),
                Some(Err(_)) => return Err(SocketError::BrokenOff),
                None => return Ok(None),
            }
        }
    }
}
