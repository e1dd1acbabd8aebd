//! The command line's side of the operator's socket: one request on one connection.

use std::io;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub use super::import::{Imported, import_car};

const PIECE: usize = 256 << 10;
/// No answer of the node's is longer.
const MAX_ANSWER: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("The node's socket fails ({0}); is the node stopping?")]
    Io(#[from] io::Error),
    #[error("The node answered something that isn't HTTP; is it of another version?")]
    Answer,
    /// The node's own words.
    #[error("{message}")]
    Refused { code: String, message: String },
}

/// Streams a CAR file to the running node. A file that can't be read to its end is the caller's own error.
pub async fn import(mut node: UnixStream, mut car: impl AsyncRead + Unpin) -> Result<Imported, SocketError> {
    let head = "POST /import HTTP/1.1\r\nhost: node\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    node.write_all(head.as_bytes()).await?;
    let (mut answers, mut requests) = node.split();
    let sending = async {
        let mut piece = vec![0; PIECE];
        loop {
            let length = match car.read(&mut piece).await {
                Ok(length) => length,
                Err(error) => {
                    // Half a body: the node takes it for broken off, and answers.
                    requests.shutdown().await?;
                    return Err(error);
                }
            };
            let sent = async {
                requests.write_all(format!("{length:x}\r\n").as_bytes()).await?;
                requests.write_all(&piece[..length]).await?;
                requests.write_all(b"\r\n").await
            };
            // A node that refuses stops reading before the end; its answer says why.
            if sent.await.is_err() || length == 0 {
                return Ok::<_, io::Error>(());
            }
        }
    };
    let mut answer = Vec::new();
    let receiving = async {
        let mut limited = (&mut answers).take(MAX_ANSWER);
        limited.read_to_end(&mut answer).await
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent?;
    match received {
        Err(error) if answer.is_empty() => Err(error.into()),
        _ => parse(&answer),
    }
}

fn parse(answer: &[u8]) -> Result<Imported, SocketError> {
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or(SocketError::Answer)?;
    let head = std::str::from_utf8(&answer[..at]).map_err(|_| SocketError::Answer)?;
    let body = &answer[at + 4..];
    if head.starts_with("HTTP/1.1 200") {
        return serde_json::from_slice(body).map_err(|_| SocketError::Answer);
    }
    let problem: serde_json::Value = serde_json::from_slice(body).map_err(|_| SocketError::Answer)?;
    let text = |name: &str| problem.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    match (text("code"), text("detail")) {
        (Some(code), Some(message)) => Err(SocketError::Refused { code, message }),
        _ => Err(SocketError::Answer),
    }
}

/// The socket of the node that serves this folder, if one runs.
pub async fn connect(root: &Path) -> Result<Option<UnixStream>, SocketError> {
    Ok(super::Place::of(root).connect().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let good = b"HTTP/1.1 200 OK\r\ncontent-length: 37\r\n\r\n{\"roots\":[\"bafy\"],\"blocks\":2,\"bytes\":3}";
        let expected = Imported { roots: vec!["bafy".to_owned()], blocks: 2, bytes: 3 };
        assert_eq!(parse(good).unwrap(), expected);
        let bad = b"HTTP/1.1 422 Unprocessable Entity\r\n\r\n{\"code\":\"car_refused\",\"detail\":\"At byte 7.\"}";
        assert!(matches!(parse(bad), Err(SocketError::Refused { code, .. }) if code == "car_refused"));
        assert!(matches!(parse(b"hello"), Err(SocketError::Answer)));
    }
}
