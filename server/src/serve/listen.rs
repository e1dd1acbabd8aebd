//! The listening socket and the accept loop, which stops taking connections and lets open ones end at shutdown.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use url::Url;

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
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let outcome = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = outcome {
        tracing::error!(%error, "the accept loop ended");
    }
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
