//! A connection that sends files for the mapped bytes it is given.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::sendfile;
use rustix::io::retry_on_intr;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::mapping::file_of;

/// A TCP connection in the clear.
pub struct Stream(TcpStream);

impl Stream {
    pub fn new(connection: TcpStream) -> Self {
        Self(connection)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            let mut sent = 0;
            let done = self.0.try_io(Interest::WRITABLE, || send(&self.0, slices, &mut sent));
            return Poll::Ready(match done {
                // What failed after some was sent fails again.
                _ if sent > 0 => Ok(sent),
                Ok(()) => Ok(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => Err(error),
            });
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Sends all, or as much as the kernel takes.
fn send(connection: &TcpStream, mut slices: &[IoSlice<'_>], sent: &mut usize) -> io::Result<()> {
    while let Some(first) = slices.first() {
        if let Some((file, mut at)) = file_of(first) {
            let end = *sent + first.len();
            while *sent < end {
                match retry_on_intr(|| sendfile(connection, &file, Some(&mut at), end - *sent))? {
                    0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a stored file has become shorter")),
                    length => *sent += length,
                }
            }
            slices = &slices[1..];
            continue;
        }
        let plain = slices.iter().position(|slice| file_of(slice).is_some()).unwrap_or(slices.len());
        let flags = if plain < slices.len() { SendFlags::MORE } else { SendFlags::empty() };
        let length = retry_on_intr(|| {
            sendmsg(connection, &slices[..plain], &mut SendAncillaryBuffer::default(), flags | SendFlags::NOSIGNAL)
        })?;
        *sent += length;
        if length < slices[..plain].iter().map(|slice| slice.len()).sum() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        slices = &slices[plain..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::future::poll_fn;
    use std::io::Write;
    use std::sync::Arc;

    use bytes::{Buf, Bytes};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::super::Mapping;
    use super::*;

    const LENGTH: usize = 3 << 20;

    fn file() -> (Arc<File>, Vec<u8>) {
        let bytes: Vec<u8> = (0..LENGTH).map(|at| (at / 7 % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (Arc::new(file), bytes)
    }

    async fn connection() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Stream::new(ours), listener.accept().await.unwrap().0)
    }

    /// Writes pieces as hyper does: all that are left, again and again.
    async fn write(stream: &mut Stream, pieces: &[Bytes]) -> io::Result<()> {
        let mut left: Vec<Bytes> = pieces.to_vec();
        while !left.is_empty() {
            let slices: Vec<IoSlice<'_>> = left.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut sent = poll_fn(|context| Pin::new(&mut *stream).poll_write_vectored(context, &slices)).await?;
            while let Some(first) = left.first_mut() {
                let taken = sent.min(first.len());
                first.advance(taken);
                sent -= taken;
                if !first.is_empty() {
                    break;
                }
                left.remove(0);
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn files_and_other_bytes_arrive_in_their_order() {
        let (file, bytes) = file();
        let mapping = Mapping::of(&file, LENGTH as u64).unwrap();
        let stretch = |at: usize, length| mapping.stretch(at as u64, length).unwrap();
        let pieces = [
            Bytes::from_static(b"head"),
            stretch(0, 1 << 20),
            stretch(1 << 20, 4097),
            Bytes::from_static(b"between"),
            Bytes::new(),
            stretch(LENGTH - 99_999, 99_999),
            Bytes::from_static(b"end"),
        ];
        let (mut ours, mut theirs) = connection().await;
        let sent = tokio::spawn(async move { write(&mut ours, &pieces).await });
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).await.unwrap();
        sent.await.unwrap().unwrap();
        let wanted = [&b"head"[..], &bytes[..(1 << 20) + 4097], b"between", &bytes[LENGTH - 99_999..], b"end"];
        assert!(got == wanted.concat());
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_ends_the_connection_and_nothing_else() {
        let (file, bytes) = file();
        let mapping = Mapping::of(&file, LENGTH as u64).unwrap();
        let pieces = [Bytes::from_static(b"head"), mapping.stretch(0, 1 << 20).unwrap()];
        file.set_len(100_000).unwrap();
        assert!(mapping.stretch(0, 1 << 20).is_none(), "what isn't there is read, which says so");
        let (mut ours, mut theirs) = connection().await;
        let sent = tokio::spawn(async move { write(&mut ours, &pieces).await });
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).await.unwrap();
        assert_eq!(sent.await.unwrap().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(got == [b"head", &bytes[..100_000]].concat());
    }

    #[test]
    fn addresses_are_known_as_long_as_they_are_mapped() {
        let (file, _) = file();
        let mapping = Mapping::of(&file, LENGTH as u64).unwrap();
        let stretch = mapping.stretch(4096, 8192).unwrap();
        assert_eq!(file_of(&stretch[10..]).unwrap().1, 4106);
        assert!(file_of(b"elsewhere").is_none());
        drop(mapping);
        assert!(file_of(&stretch).is_some(), "a stretch holds its mapping");
    }

    #[test]
    fn what_lies_outside_is_nobodys() {
        let (file, _) = file();
        assert!(Mapping::of(&file, 0).is_none());
        let mapping = Mapping::of(&file, LENGTH as u64).unwrap();
        assert!(mapping.stretch(LENGTH as u64 - 10, 11).is_none());
        assert!(mapping.stretch(u64::MAX, 1).is_none());
        assert!(mapping.stretch(0, 2 << 20).is_none_or(|stretch| stretch.len() == 2 << 20));
    }
}
