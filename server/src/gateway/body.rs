//! File bytes as a response body, only as fast as they are taken: what the page cache has is sent by the kernel, or read
//! at once on the thread that sends it, and only what it hasn't is waited for on the blocking pool.
//!
//! Stretches that the kernel sends cost no memory and little work each, but more for each byte: it takes a file apart page
//! by page. Buffers of 256 KiB are copied twice, both times within the processor's cache. So those who take much and
//! fast get buffers, and everybody else stretches.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pinreel_content::{Error, FileReader};
use tokio::task::{JoinHandle, spawn_blocking};

use super::buffers::{Buffer, LARGEST, SMALLEST};
use super::pace::Pace;
use super::range::ByteRange;
use super::turns::in_turn;
use crate::sendfile::Mapping;

/// What has no more than this goes out at once.
const AT_ONCE_BYTES: u64 = 64 << 10;
/// A piece for those whose pace isn't known yet, and for slow readers, who hold it as long as they like.
const PIECE_BYTES: usize = SMALLEST;
/// A stretch that the kernel sends; it takes no memory.
const STRETCH_BYTES: u64 = 256 << 10;
/// Less is read: that costs no more than finding out whether it is there.
const SHORTEST_STRETCH_BYTES: u64 = 8 << 10;

/// A file that is being answered with.
#[derive(Clone)]
pub struct Outgoing {
    pub file: FileReader,
    /// For connections that send files.
    pub mapping: Option<Arc<Mapping>>,
}

impl Outgoing {
    pub fn read(file: FileReader) -> Self {
        Self { file, mapping: None }
    }

    /// For a connection that sends files.
    pub fn mapped(file: FileReader) -> Self {
        let mapping = file.as_file().and_then(|(on_disk, at)| Mapping::of(on_disk, at + file.size_bytes()));
        Self { file, mapping }
    }

    /// A stretch of the file, if the kernel can send it at once.
    fn stretch(&self, at: u64, left: u64) -> Option<Bytes> {
        let length = left.min(STRETCH_BYTES);
        let (mapping, (_, begin)) = (self.mapping.as_ref()?, self.file.as_file()?);
        if length < SHORTEST_STRETCH_BYTES { None } else { mapping.stretch(begin + at, length as usize) }
    }
}

/// A range of a file. Reads its first piece, which may block; an error then is still an answer of its own.
pub fn begun(file: &Outgoing, range: ByteRange) -> Result<Body, Error> {
    let mut body = FileBody::new(file, range);
    if range.len > 0 {
        body.first = match file.stretch(range.start, range.len) {
            Some(stretch) => Some(stretch),
            None => Some(read(&file.file, body.at, body.next_length())?),
        };
    }
    Ok(Body::new(body))
}

/// [`begun`] for a thread that must not wait: a first piece that isn't in memory is read when it is wanted.
pub fn begun_warm(file: &Outgoing, range: ByteRange) -> Result<Body, Error> {
    let mut body = FileBody::new(file, range);
    body.first = body.next_cached()?;
    Ok(Body::new(body))
}

/// A range of a file whose first piece is read when it is wanted.
pub fn later(file: &Outgoing, range: ByteRange) -> Body {
    Body::new(FileBody::new(file, range))
}

/// Bytes that are sent from `at` on.
struct FileBody {
    out: Outgoing,
    start: u64,
    at: u64,
    end: u64,
    first: Option<Bytes>,
    /// A read from the disk.
    waiting: Option<JoinHandle<Result<Bytes, Error>>>,
    pace: Pace,
}

impl FileBody {
    fn new(file: &Outgoing, range: ByteRange) -> Self {
        Self {
            out: file.clone(),
            start: range.start,
            at: range.start,
            end: range.start + range.len,
            first: None,
            waiting: None,
            pace: Pace::new(),
        }
    }

    fn next_length(&self) -> usize {
        let most = match self.end - self.start {
            ..=AT_ONCE_BYTES => AT_ONCE_BYTES as usize,
            _ if self.pace.is_fast() => LARGEST,
            _ => PIECE_BYTES,
        };
        usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(most)
    }

    /// The next piece, if it is in memory.
    fn next_cached(&self) -> Result<Option<Bytes>, Error> {
        if !self.pace.is_fast()
            && let Some(stretch) = self.out.stretch(self.at, self.end - self.at)
        {
            return Ok(Some(stretch));
        }
        let mut buffer = Buffer::take(self.next_length());
        let read = self.out.file.read_cached(buffer.as_mut(), self.at)?;
        Ok(read.map(|length| buffer.into_bytes(length)))
    }

    fn hand_over(&mut self, piece: Bytes) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.at += piece.len() as u64;
        self.pace.take(piece.len());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn fail(&mut self, error: io::Error) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Damage is told by the store; what was denied or removed meanwhile is nobody's fault.
        tracing::warn!(%error, cid = %self.out.file.cid(), "a file that is being sent can't be read on");
        self.at = self.end;
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = &mut *self;
        if let Some(first) = body.first.take() {
            return body.hand_over(first);
        }
        if body.at >= body.end {
            return Poll::Ready(None);
        }
        loop {
            if let Some(waiting) = &mut body.waiting {
                let read = ready!(Pin::new(waiting).poll(context));
                body.waiting = None;
                return match read {
                    Ok(Ok(piece)) => body.hand_over(piece),
                    Ok(Err(error)) => body.fail(io::Error::other(error)),
                    Err(error) => body.fail(io::Error::other(error)),
                };
            }
            match body.next_cached() {
                Ok(Some(piece)) => return body.hand_over(piece),
                Err(error) => return body.fail(io::Error::other(error)),
                Ok(None) => {
                    body.waiting = Some(read_later(body.out.file.clone(), body.at, body.next_length()));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.end && self.first.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}

/// Reads a piece on another thread. Of a file of foreign blocks a whole block is read for it, which takes a turn.
fn read_later(file: FileReader, at: u64, length: usize) -> JoinHandle<Result<Bytes, Error>> {
    if file.as_file().is_some() {
        return spawn_blocking(move || read(&file, at, length));
    }
    tokio::spawn(async move {
        let cid = file.cid().to_string();
        let done = in_turn(move || read(&file, at, length)).await;
        done.unwrap_or_else(|error| {
            Err(Error::Io { action: "read the stored file", path: cid.into(), source: io::Error::other(error) })
        })
    })
}

/// Reads a piece, waiting for the disk where it must.
fn read(file: &FileReader, at: u64, length: usize) -> Result<Bytes, Error> {
    let mut buffer = Buffer::take(length);
    file.read_exact_at(buffer.as_mut(), at)?;
    Ok(buffer.into_bytes(length))
}
