//! Several ranges in one answer: `multipart/byteranges` (RFC 9110 §14.6).

use std::io;

use axum::body::Body;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::body;
use super::range::ByteRange;
use super::send::{Source, slice};

pub struct Parts {
    boundary: String,
    /// Each range with what stands before its bytes.
    parts: Vec<(Bytes, ByteRange)>,
    end: Bytes,
}

impl Parts {
    pub fn new(etag: &str, content_type: &str, size_bytes: u64, ranges: Vec<ByteRange>) -> Self {
        // What is in the bytes can't have been written with this hash in mind: the entity tag is their own.
        let boundary = HEXLOWER.encode(&Sha256::digest(format!("{etag}{ranges:?}"))[..16]);
        let head = |range: ByteRange| {
            let content_range = range.content_range(size_bytes);
            format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range}\r\n\r\n")
        };
        let parts = ranges.into_iter().map(|range| (head(range).into(), range)).collect();
        let end = format!("\r\n--{boundary}--\r\n").into();
        Self { boundary, parts, end }
    }

    pub fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    pub fn length(&self) -> u64 {
        self.parts.iter().map(|(head, range)| head.len() as u64 + range.len).sum::<u64>() + self.end.len() as u64
    }

    pub fn body(self, source: &Source<'_>) -> Body {
        match source {
            Source::Memory(bytes) => {
                let parts = self.parts.iter().flat_map(|(head, range)| [head.clone(), slice(bytes, *range)]);
                Body::from(parts.chain([self.end.clone()]).collect::<Vec<_>>().concat())
            }
            Source::File(file) => {
                let file = (*file).clone();
                let parts = stream::iter(self.parts).flat_map(move |(head, range)| {
                    let bytes = body::later(&file, range).into_data_stream().map_err(io::Error::other);
                    stream::iter([Ok(head)]).chain(bytes)
                });
                Body::from_stream(parts.chain(stream::iter([Ok(self.end)])))
            }
        }
    }
}
