//! Files that go from the page cache to the network without passing through this process.
//!
//! A body hands hyper stretches of a mapped file ([`Mapping`]), whose memory nobody looks at. The connection
//! ([`Stream`]) knows them by their addresses, and has the kernel send the file's own bytes instead (sendfile(2)).
//! hyper needs to know nothing of it.
//!
//! What always holds: stretches are handed only to requests that came over such a connection ([`TakesFiles`]), by
//! HTTP/1, where hyper passes bodies on untouched. By TLS bytes must be read to be encrypted, and reading mapped bytes
//! of a file that has become shorter would end the process; so there, and wherever else, files are read.

mod mapping;
mod stream;

pub use mapping::Mapping;
pub use stream::Stream;

/// Says of a request that it came over a [`Stream`].
#[derive(Clone, Copy, Debug)]
pub struct TakesFiles;
