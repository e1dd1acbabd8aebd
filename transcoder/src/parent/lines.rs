//! Lines of a bounded length from a pipe whose writer isn't trusted.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Reads lines; one that is too long is an error.
pub struct Lines<R> {
    reader: BufReader<R>,
    most: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R, most: usize) -> Self {
        Self { reader: BufReader::new(reader), most }
    }

    /// The next line without its end; nothing at the pipe's end, also when a line is unfinished there.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let buffer = self.reader.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(buffer.len());
            if line.len() + taken > self.most {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            line.extend_from_slice(&buffer[..taken]);
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
        let mut lines = Lines::new(&b"one\n\nfour\nhalf"[..], 4);
        let mut got = Vec::new();
        while let Some(line) = lines.next().await.expect("they fit") {
            got.push(String::from_utf8(line).expect("text"));
        }
        assert_eq!(got, ["one", "", "four"]);
        assert!(Lines::new(&b"fivee\n"[..], 4).next().await.is_err());
    }
}
