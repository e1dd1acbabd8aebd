//! The socket's other handlers: an operation whose events are streamed, a CAR file out of the store, a block into it.
//!
//! A CAR file that fails half-way ends in the middle of a block, so that nobody takes it for whole, and says why in the
//! trailer [`FAULT`].

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Frame;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pinreel_content::CarReader;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::import::refusal;
use super::operation::{self, Answer, Event, Fault, Item, Operation, cid_of};
use crate::app::App;
use crate::http::{ApiError, ApiJson, ApiPath, ApiResult};
use crate::media::{self, wish};
use crate::retention;

/// Events or pieces that wait for a slow reader.
const QUEUE: usize = 64;
/// The trailer of an export that failed: a [`Fault`] in JSON, percent-encoded.
pub const FAULT: &str = "pinreel-fault";
/// The beginning of a block that never comes: a length of 127 bytes.
pub const CUT_OFF: [u8; 1] = [127];
const HOUR_MS: u64 = 3600 * 1000;

/// POST `/store`: does an operation and tells of it, a line of JSON an event. A reader that leaves ends what only looks;
/// what changes the store goes on to its end. The node's own pins follow its tables by and by, so they are
/// brought up to date first for whatever looks at pins or takes away what has none.
pub async fn operate(State(app): State<App>, ApiJson(mut operation): ApiJson<Operation>) -> Response {
    if let Operation::Collect { grace_ms } = &mut operation {
        grace_ms.get_or_insert(app.config.gc_grace_hours.saturating_mul(HOUR_MS));
    }
    let needs_pins =
        matches!(operation, Operation::Pins | Operation::Stat | Operation::Unpin { .. } | Operation::Collect { .. });
    let mut stale = None;
    if needs_pins && let Err(error) = retention::reconcile(&app).await {
        tracing::warn!(%error, "the operator sees the node's own pins as they were");
        stale = Some(error.to_string());
    }
    let (sender, events) = mpsc::channel(QUEUE);
    let (store, now_ms, stop) = (app.store.clone(), super::now_ms(&app), app.tasks.stop.clone());
    let erased = if let Operation::Erase { cid } = &operation { Some(cid.clone()) } else { None };
    let teller = sender.clone();
    let operated = tokio::task::spawn_blocking(move || {
        let mut tell = |event| !stop.is_cancelled() && teller.blocking_send(event).is_ok();
        if let Some(why) = stale {
            tell(Event::Item(Item::Stale(why)));
        }
        match operation::run(&store, now_ms, &operation, &mut tell) {
            Ok(answer) => Event::Answer(answer),
            Err(_) if stop.is_cancelled() => Event::Failed(Fault::new("node_stopping", super::STOPPING)),
            Err(fault) => Event::Failed(fault),
        }
    });
    tokio::spawn(async move {
        let last = match operated.await {
            Ok(last) => last,
            Err(error) => Event::Failed(Fault::new("internal", format!("The operation broke off ({error})."))),
        };
        if let Some(cid) = erased.filter(|_| matches!(last, Event::Answer(_))) {
            if let Err(error) = retention::reconcile(&app).await {
                tracing::warn!(%error, "what was erased stays pinned at Kubo for now, and its jobs go on");
            }
            for root in made_of(&app, &cid).await {
                let _ = sender.send(Event::Item(Item::Made(root))).await;
            }
        }
        // Whoever asked may have left.
        let _ = sender.send(last).await;
    });
    let lines = received(events)
        .map(|event| serde_json::to_vec(&event).map(|line| Bytes::from([line, b"\n".to_vec()].concat())));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// Roots that were made of a source and are still here.
async fn made_of(app: &App, cid: &str) -> Vec<String> {
    // The name in its usual form, as the tables have it.
    let source = cid_of(cid).map(|cid| cid.to_string()).unwrap_or_default();
    let mut made = media::made_of(&app.database, &source).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was made of erased content isn't known");
        Vec::new()
    });
    let store = app.store.clone();
    let held = move |root: &String| cid_of(root).is_ok_and(|root| store.holds(&root).unwrap_or(false));
    let looking = tokio::task::spawn_blocking(move || {
        made.retain(held);
        made
    });
    looking.await.unwrap_or_default()
}

/// POST `/media`: looks at jobs and workers, or changes them. What is withdrawn is out of the gateway when this answers.
pub async fn media(State(app): State<App>, ApiJson(wish): ApiJson<wish::Wish>) -> ApiResult<Json<wish::Answer>> {
    let withdraws = matches!(wish, wish::Wish::Withdraw { .. });
    let answer = wish::fulfil(&app, wish).await?;
    if withdraws && let Err(error) = retention::reconcile(&app).await {
        tracing::warn!(%error, "what was withdrawn is still given out for now");
    }
    Ok(Json(answer))
}

/// GET `/export/{cid}`: a root's whole DAG as a CAR file.
pub async fn export(State(app): State<App>, ApiPath(cid): ApiPath<String>) -> ApiResult<Response> {
    let root = cid_of(&cid).map_err(refusal)?;
    let (store, stop) = (app.store.clone(), app.tasks.stop.clone());
    let mut car = store.car(&root);
    let (first, car) = blocking(move || car.next_piece().map(|piece| (piece, car))).await?.map_err(refusal)?;
    // The header alone doesn't tell whether the root is here.
    let held = blocking(move || store.holds(&root)).await?.map_err(refusal)?;
    if !held {
        return Err(refusal(Fault::new("not_held", format!("{cid} isn't held here."))));
    }
    let (sender, pieces) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || send_car(car, first, &sender, &stop));
    let headers = [(header::CONTENT_TYPE, "application/vnd.ipld.car"), (header::TRAILER, FAULT)];
    Ok((headers, Body::new(Pieces { pieces, fault: None })).into_response())
}

/// The pieces of a CAR file as a body.
struct Pieces {
    pieces: mpsc::Receiver<Result<Bytes, Fault>>,
    /// Told once the file is cut off.
    fault: Option<Fault>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(fault) = self.fault.take() {
            return Poll::Ready(trailer(&fault).map(|trailer| Ok(Frame::trailers(trailer))));
        }
        let piece = match ready!(self.pieces.poll_recv(context)) {
            None => return Poll::Ready(None),
            Some(Ok(piece)) => piece,
            Some(Err(fault)) => {
                self.fault = Some(fault);
                Bytes::from_static(&CUT_OFF)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

fn trailer(fault: &Fault) -> Option<HeaderMap> {
    let text = serde_json::to_string(fault).ok()?;
    let value = HeaderValue::from_str(&utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()).ok()?;
    Some(HeaderMap::from_iter([(header::HeaderName::from_static(FAULT), value)]))
}

fn send_car(
    mut car: CarReader,
    mut next: Option<Bytes>,
    sender: &mpsc::Sender<Result<Bytes, Fault>>,
    stop: &CancellationToken,
) {
    while let Some(piece) = next {
        if sender.blocking_send(Ok(piece)).is_err() {
            return;
        }
        let following = match stop.is_cancelled() {
            true => Err(Fault::new("node_stopping", super::STOPPING)),
            false => car.next_piece().map_err(Fault::from),
        };
        next = match following {
            Ok(piece) => piece,
            Err(fault) => {
                tracing::error!(fault.code, fault.message, "an export broke off");
                let _ = sender.blocking_send(Err(fault));
                return;
            }
        };
    }
}

/// POST `/blocks/{cid}`: the right bytes for a block that is damaged or missing here.
pub async fn restore(State(app): State<App>, ApiPath(cid): ApiPath<String>, body: Bytes) -> ApiResult<Json<Answer>> {
    let store = app.store.clone();
    let changed = blocking(move || operation::restore(&store, &cid, &body)).await?.map_err(refusal)?;
    Ok(Json(Answer::Done { changed }))
}

async fn blocking<T: Send + 'static, E: Into<Fault> + Send + 'static>(
    call: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> ApiResult<Result<T, Fault>> {
    Ok(tokio::task::spawn_blocking(call).await.map_err(ApiError::internal)?.map_err(Into::into))
}

fn received<T: Send>(receiver: mpsc::Receiver<T>) -> impl futures_util::Stream<Item = T> + Send {
    futures_util::stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|item| (item, receiver)))
}
