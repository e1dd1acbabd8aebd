//! Bodies that are made while they are sent: CAR and tar files, long listings.
//!
//! Pieces are made on the blocking pool, a batch at a time and only as fast as they are taken. An error breaks the
//! body off, after everything before it has gone out: what was cut short must never look whole.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use pinreel_content::Error;

use super::pace::Pace;
use super::turns::in_turn;

/// How much one trip to the blocking pool makes, about.
const BATCH_BYTES: usize = 32 << 10;
/// The same for fast readers.
const LARGE_BATCH_BYTES: usize = 256 << 10;
/// Small ones take many times their own bytes, and a reader holds them as long as it likes.
const BATCH_PIECES: usize = 128;

/// How long a connection has to send what came before an error.
const FLUSH: Duration = Duration::from_millis(50);

/// Something that is made piece by piece; its calls block.
pub trait Pieces: Send + 'static {
    /// The next piece, or `None` at the end.
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error>;
}

/// Pieces that are ready, and what comes after them.
pub struct Batch<P> {
    pub ready: VecDeque<Bytes>,
    pub rest: Rest<P>,
}

pub enum Rest<P> {
    More(P),
    Failed(Error),
    End,
}

/// Makes the first pieces. Blocks.
pub fn batch<P: Pieces>(source: P) -> Batch<P> {
    batch_of(source, BATCH_BYTES)
}

fn batch_of<P: Pieces>(mut source: P, wanted_bytes: usize) -> Batch<P> {
    let (mut ready, mut bytes) = (VecDeque::new(), 0);
    let rest = loop {
        match source.next_piece() {
            Ok(Some(piece)) => {
                bytes += piece.len();
                ready.push_back(piece);
            }
            Ok(None) => break Rest::End,
            Err(error) => break Rest::Failed(error),
        }
        if bytes >= wanted_bytes || ready.len() >= BATCH_PIECES {
            break Rest::More(source);
        }
    };
    Batch { ready, rest }
}

/// What a batch begins, as a body.
pub fn body<P: Pieces>(first: Batch<P>) -> Body {
    Body::from_stream(stream::try_unfold((first, Pace::new()), |(mut batch, mut pace)| async move {
        loop {
            if let Some(piece) = batch.ready.pop_front() {
                pace.take(piece.len());
                return Ok::<_, io::Error>(Some((piece, (batch, pace))));
            }
            match mem::replace(&mut batch.rest, Rest::End) {
                Rest::End => return Ok(None),
                Rest::More(source) => batch = make(source, pace.is_fast()).await?,
                Rest::Failed(error) => {
                    // Lets the connection send what it has; an error at once would take that along.
                    tokio::time::sleep(FLUSH).await;
                    tracing::warn!(%error, "an answer is broken off");
                    return Err(io::Error::other(error));
                }
            }
        }
    }))
}

/// The body of an answer to HEAD: its length isn't known before it is made, so none is told.
pub fn unsent() -> Body {
    Body::from_stream(stream::empty::<io::Result<Bytes>>())
}

async fn make<P: Pieces>(source: P, is_fast: bool) -> io::Result<Batch<P>> {
    let bytes = if is_fast { LARGE_BATCH_BYTES } else { BATCH_BYTES };
    in_turn(move || batch_of(source, bytes)).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// Counts down; at zero it ends or fails.
    struct Countdown {
        left: usize,
        fails: bool,
    }

    impl Pieces for Countdown {
        fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
            if self.left == 0 {
                return if self.fails { Err(Error::NameInvalid("zero".to_owned())) } else { Ok(None) };
            }
            self.left -= 1;
            Ok(Some(Bytes::from(vec![b'x'; 100_000])))
        }
    }

    #[tokio::test]
    async fn pieces_arrive_whole_or_the_body_breaks_off() {
        let whole = body(batch(Countdown { left: 7, fails: false })).collect().await.unwrap().to_bytes();
        assert_eq!(whole.len(), 700_000);
        let mut broken = body(batch(Countdown { left: 7, fails: true }));
        let mut got = 0;
        let failed = loop {
            match broken.frame().await {
                Some(Ok(frame)) => got += frame.into_data().unwrap().len(),
                Some(Err(_)) => break true,
                None => break false,
            }
        };
        assert!(failed);
        assert_eq!(got, 700_000, "everything before the error has gone out");
    }

    #[test]
    fn a_batch_is_bounded() {
        let first = batch(Countdown { left: usize::MAX, fails: false });
        assert_eq!(first.ready.len(), 1);
        assert!(matches!(first.rest, Rest::More(_)));
    }
}
