//! Lines of a bounded length from a pipe whose writer isn't trusted.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Reads lines; one that is too long is an error.
pub struct Lines<R> {
    reader: BufReader<R>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader) }
    }

    /// The next line without its end; nothing at the pipe's end, also when a line is unfinished there. `most` says how long
    /// one may become that begins so.
    pub async fn next(&mut self, most: impl Fn(&[u8]) -> usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let buffer = self.reader.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(buffer.len());
            line.extend_from_slice(&buffer[..taken]);
            if line.len() > most(&line) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            self.reader.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[tokio::test]
    async fn lines_are_bounded_and_whole() {
        let mut lines = Lines::new(&b"one\n\nfour\nlonger\nhalf"[..]);
        let most = |line: &[u8]| if line.starts_with(b"l") { 6 } else { 4 };
        let mut got = Vec::new();
        while let Some(line) = lines.next(most).await.expect("they fit") {
            got.push(String::from_utf8(line).expect("text"));
        }
        assert_eq!(got, ["one", "", "four", "longer"]);
        for bad in ["fivee\n", "longest\n", "endless"] {
            assert!(Lines::new(bad.as_bytes()).next(most).await.is_err(), "{bad}");
        }
    }
}
