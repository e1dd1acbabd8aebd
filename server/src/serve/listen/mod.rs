//! The listening socket and the accept loop, which stops taking connections and lets open ones end at shutdown.
//! HTTP/1.1 and HTTP/2, in the clear or by TLS ([`tls`]).

pub mod tls;
mod visitors;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use axum::response::IntoResponse;
use futures_util::future::{Either, ready};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::http::Peer;
use crate::http::guard::check_host;
use crate::metrics::Metrics;
use crate::router::Answers;
use crate::sendfile::{Stream, TakesFiles};
use tls::Tls;
use visitors::Visitors;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// What hyper may buffer for a connection. Without it slow readers of large files take 400 kB each.
const MAX_BUFFER_BYTES: usize = 32 * 1024;
/// What the kernel takes beyond what the network does. Without it a reader's slowness shows only after megabytes.
const MAX_UNSENT_BYTES: u32 = 64 * 1024;
/// Connections at once; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
const MAX_HEADER_BYTES: u32 = 32 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("Port {} on {} is in use; stop what uses it or choose another with --port.", .0.port(), .0.ip())]
    InUse(SocketAddr),
    #[error("Port {} may not be opened by this user; choose one above 1023 with --port.", .0.port())]
    Denied(SocketAddr),
    #[error("The address {} isn't one of this machine's; choose another with --listen.", .0.ip())]
    NotHere(SocketAddr),
    #[error("Listening on {0} failed ({1}).")]
    Other(SocketAddr, #[source] io::Error),
    #[error(
        "The server came up, but doesn't answer on {0}; a firewall or proxy setting of this machine may be in the way."
    )]
    Silent(Url),
}

pub async fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let address = SocketAddr::new(ip, port);
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::Denied(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address),
        _ => ListenError::Other(address, error),
    })
}

/// Serves until `stop`, then lets open requests end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    answers: Answers,
    metrics: Metrics,
    stop: CancellationToken,
) {
    // Connections inherit it. Where it can't be had, slow readers take more memory.
    let _ = SockRef::from(&listener).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
    let (builder, visitors) = (Arc::new(builder()), Visitors::default());
    let open = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: those of open connections come back.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(visit) = visitors.enter(from.ip()) else {
            metrics.connection_refused();
            continue;
        };
        // Small answers go out at once; that it fails on a dead connection shows in the next call.
        let _ = stream.set_nodelay(true);
        let is_plain = tls.is_none();
        let answers = answers.clone();
        let service = service_fn(move |request| match check_host(&request) {
            Ok(()) => Either::Left(answers.answer(with_connection(request, from.ip(), is_plain))),
            Err(refused) => Either::Right(ready(Ok(refused.into_response()))),
        });
        let kept = (slot, visit, metrics.connected());
        let (builder, watcher, tls) = (builder.clone(), open.watcher(), tls.clone());
        tokio::spawn(async move {
            // How a connection ends is its client's affair.
            match tls {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(Stream::new(stream)), service);
                    let _ = watcher.watch(connection.into_owned()).await;
                }
                Some(tls) => {
                    if let Ok(Some(stream)) = tls.accept(stream).await {
                        let connection = builder.serve_connection(TokioIo::new(stream), service);
                        let _ = watcher.watch(connection.into_owned()).await;
                    }
                }
            }
            drop(kept);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// Tells the request what its connection is.
fn with_connection(mut request: Request<Incoming>, from: IpAddr, is_plain: bool) -> Request<Incoming> {
    request.extensions_mut().insert(Peer(from));
    if is_plain {
        request.extensions_mut().insert(TakesFiles);
    }
    request
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_send_buf_size(MAX_BUFFER_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(Some(HEAD_TIMEOUT));
    builder
}

/// Asks `/healthz` through the socket until it answers.
pub async fn wait_for_health(url: &Url) -> Result<(), ListenError> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let ask = async {
        let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        stream
            .write_all(format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<bool, io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    match tokio::time::timeout(HEALTH_TIMEOUT, ask).await {
        Ok(Ok(true)) => Ok(()),
        _ => Err(ListenError::Silent(url.clone())),
    }
}
