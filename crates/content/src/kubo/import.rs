//! A DAG as a CAR file to `dag/import`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use cid::Cid;
use futures_util::{Stream, StreamExt, stream};
use ipfs_api_prelude::Backend as _;
use tokio::{sync::mpsc, task, time};

use super::{ANSWER_BYTES, Kubo, KuboError, STALL, answers::check_import, calls::DagImport, failed};
use crate::{CarReader, CarStats, Error};

/// How many blocks wait for the network at most.
const WAITING_BLOCKS: usize = 4;

type Piece = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

impl Kubo {
    /// Sends a root's DAG, and checks what Kubo says of it.
    pub(super) async fn import(&self, root: &Cid, car: CarReader) -> Result<(), KuboError> {
        let action = "import a DAG";
        let (sender, body) = mpsc::channel(WAITING_BLOCKS);
        let sent = Arc::new(AtomicU64::new(0));
        let producer = task::spawn_blocking({
            let sent = sent.clone();
            move || produce(car, &sender, &sent)
        });
        let answer = self.send_car(root, body, &sent).await;
        // Our own side's failure explains the other's: look at it first.
        let sent = match producer.await {
            Ok(sent) => sent?,
            Err(error) => return Err(KuboError::Unreachable { action, reason: error.to_string() }),
        };
        check_import(&answer?, sent)
    }

    async fn send_car(&self, root: &Cid, body: mpsc::Receiver<Piece>, sent: &AtomicU64) -> Result<Vec<u8>, KuboError> {
        let action = "import a DAG";
        let mut request = self.request(action, DagImport { pin_roots: false, stats: true })?;
        // Nothing below a root can contain the root's own hash, so this never occurs in what it delimits.
        let boundary = format!("pinreel-{root}");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let content_type = content_type.parse().expect("letters, digits and dashes are a header value");
        request.headers_mut().insert("content-type", content_type);
        let stream: Box<dyn Stream<Item = Piece> + Send> = Box::new(form_of(&boundary, body));
        *request.body_mut() = stream.into();

        let mut answer = self.client.request_stream_bytes(request);
        let mut bytes = Vec::new();
        loop {
            let before = sent.load(Ordering::Relaxed);
            match time::timeout(STALL, answer.next()).await {
                Ok(Some(Ok(piece))) if bytes.len() + piece.len() <= ANSWER_BYTES => bytes.extend_from_slice(&piece),
                Ok(Some(Ok(_))) => return Err(KuboError::Unfinished { action }),
                Ok(Some(Err(error))) => return Err(failed(action)(error)),
                Ok(None) => return Ok(bytes),
                Err(_) if sent.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(KuboError::Timeout { action, limit: STALL }),
            }
        }
    }
}

/// Reads the CAR file into the channel, until it ends or nobody listens any more; how much was read.
fn produce(mut car: CarReader, sender: &mpsc::Sender<Piece>, sent: &AtomicU64) -> Result<CarStats, Error> {
    loop {
        let piece = match car.next_piece() {
            Ok(None) => return Ok(car.stats()),
            Ok(Some(piece)) => piece,
            Err(error) => {
                // An error in the body breaks the request off, so that Kubo doesn't take half a file for a whole.
                let _ = sender.blocking_send(Err("the DAG could not be read".into()));
                return Err(error);
            }
        };
        if sender.blocking_send(Ok(piece)).is_err() {
            return Ok(car.stats());
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// The form that `dag/import` wants, with the CAR file as its only part.
fn form_of(boundary: &str, mut body: mpsc::Receiver<Piece>) -> impl Stream<Item = Piece> + Send + use<> {
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"root.car\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let pieces = stream::poll_fn(move |context| body.poll_recv(context));
    stream::iter([Ok(head.into())]).chain(pieces).chain(stream::iter([Ok(tail.into())]))
}
