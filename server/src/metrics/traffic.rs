//! Bodies whose bytes are counted as they pass, and nothing else changed about them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Error;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use prometheus::IntCounter;

/// What is told of bodies that go out.
pub struct Sent {
    pub bytes: IntCounter,
    /// Those that couldn't be finished.
    pub broken: IntCounter,
}

/// Counts what comes in.
pub fn counted(body: Body, bytes: &IntCounter) -> Body {
    wrapped(body, bytes, None)
}

/// Counts what goes out.
pub fn sent(body: Body, counters: &Sent) -> Body {
    wrapped(body, &counters.bytes, Some(&counters.broken))
}

fn wrapped(body: Body, bytes: &IntCounter, broken: Option<&IntCounter>) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Counted { body, bytes: bytes.clone(), broken: broken.cloned() })
}

struct Counted {
    body: Body,
    bytes: IntCounter,
    broken: Option<IntCounter>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => self.bytes.inc_by(frame.data_ref().map_or(0, |data| data.len() as u64)),
            Some(Err(_)) => {
                if let Some(broken) = &self.broken {
                    broken.inc();
                }
            }
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
