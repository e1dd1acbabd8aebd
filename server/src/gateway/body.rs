//! File bytes as a response body: 256 KiB reads on the blocking pool, one at a time and only as fast as they are sent.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use pinreel_content::FileReader;

use super::range::ByteRange;

/// What one read takes. Larger ones only cost memory, smaller ones CPU.
pub const PIECE_BYTES: u64 = 256 << 10;

/// The first piece of a range: read with the look-up, so that a small file costs one trip to the blocking pool.
pub fn first_piece(file: &FileReader, range: ByteRange) -> Result<Bytes, pinreel_content::Error> {
    let mut piece = vec![0; piece_length(range.len)];
    file.read_exact_at(&mut piece, range.start)?;
    Ok(piece.into())
}

/// The range's bytes, beginning with a piece that has been read already.
pub fn stream(file: FileReader, range: ByteRange, first: Bytes) -> Body {
    let (first_len, end) = (first.len() as u64, range.start + range.len);
    if first_len == range.len {
        return Body::from(first);
    }
    let rest = stream::try_unfold((file, range.start + first_len), move |(file, at)| async move {
        if at >= end {
            return Ok::<_, io::Error>(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let piece = first_piece(&file, ByteRange { start: at, len: end - at });
            (file, piece)
        });
        let (file, piece) = reading.await.map_err(io::Error::other)?;
        let piece = piece.map_err(|error| {
            tracing::error!(%error, "a file that is being sent can't be read on");
            io::Error::other(error)
        })?;
        let next = at + piece.len() as u64;
        Ok(Some((piece, (file, next))))
    });
    Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest))
}

fn piece_length(left: u64) -> usize {
    usize::try_from(left.min(PIECE_BYTES)).unwrap_or(usize::MAX)
}
