//! TLS on the node's own port: by certificate files, which are read again when they change, or by certificates that the
//! node asks an ACME authority for itself. Without either the port speaks plain HTTP, for a proxy in front.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, is_tls_alpn_challenge};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::app::Tasks;
use crate::config::Config;
use crate::data::DataDir;
use crate::regular;

/// What is encrypted for a connection before it can be sent: slow readers hold it as long as they like.
const UNSENT_BYTES: usize = 32 << 10;
/// How long a client may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A chain has a few kilobytes.
const MAX_PEM_BYTES: u64 = 1 << 20;
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("The certificate {} can't be used ({reason}); name a PEM file with the whole chain by --tls-cert.", path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error("The key {} can't be used ({reason}); name the certificate's own PEM key by --tls-key.", path.display())]
    Key { path: PathBuf, reason: String },
    #[error("TLS can't be set up ({0}).")]
    Setup(#[from] rustls::Error),
    #[error("With TLS the node needs its address: name it with --url https://…")]
    UrlMissing,
}

/// What a TLS connection begins with.
#[derive(Clone)]
pub struct Tls {
    ordinary: Arc<ServerConfig>,
    /// For the authority's own visits.
    challenge: Option<Arc<ServerConfig>>,
}

impl Tls {
    /// As the settings say; `None` for plain HTTP.
    pub fn start(config: &Config, data: &DataDir, tasks: &Tasks) -> Result<Option<Self>, TlsError> {
        let wanted = config.tls_cert.is_some() || config.acme;
        let host = config.url.as_ref().filter(|url| url.scheme() == "https").and_then(|url| url.host_str());
        match (wanted, host, &config.tls_cert, &config.tls_key) {
            (false, ..) => Ok(None),
            (true, None, ..) => Err(TlsError::UrlMissing),
            (true, _, Some(cert), Some(key)) => Self::by_files(cert, key, tasks).map(Some),
            (true, Some(host), ..) => Ok(Some(Self::by_acme(host, config, data, tasks)?)),
        }
    }

    fn by_files(cert: &Path, key: &Path, tasks: &Tasks) -> Result<Self, TlsError> {
        let files = Arc::new(Files::load(cert, key)?);
        let (watched, stop) = (files.clone(), tasks.stop.clone());
        tasks.spawn(async move {
            while timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
                let watched = watched.clone();
                // A file may be far away. What goes wrong is logged where it does.
                let _ = tokio::task::spawn_blocking(move || watched.look_again()).await;
            }
        });
        Ok(Self { ordinary: ordinary(files)?, challenge: None })
    }

    fn by_acme(host: &str, config: &Config, data: &DataDir, tasks: &Tasks) -> Result<Self, TlsError> {
        let mut acme = AcmeConfig::new([host]).cache(DirCache::new(data.keys().join("acme")));
        acme = match &config.acme_directory {
            Some(directory) => acme.directory(directory.as_str()),
            None => acme.directory_lets_encrypt(true),
        };
        if let Some(mail) = &config.acme_email {
            acme = acme.contact_push(format!("mailto:{mail}"));
        }
        let mut state = acme.state();
        let (resolver, challenge) = (state.resolver(), state.challenge_rustls_config());
        let stop = tasks.stop.clone();
        tasks.spawn(async move {
            let mut run = async || {
                while let Some(event) = state.next().await {
                    match event {
                        Ok(event) => tracing::info!(?event, "certificate"),
                        Err(error) => tracing::error!(%error, "the authority gave no certificate; trying again"),
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = run() => {}
            }
        });
        Ok(Self { ordinary: ordinary(resolver)?, challenge: Some(challenge) })
    }

    /// Agrees on keys; `None` when there is nothing to serve on this connection.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let handshake = async {
            let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
            match &self.challenge {
                Some(challenge) if is_tls_alpn_challenge(&start.client_hello()) => {
                    start.into_stream(challenge.clone()).await?.shutdown().await?;
                    Ok(None)
                }
                _ => {
                    let bounded = |session: &mut ServerConnection| session.set_buffer_limit(Some(UNSENT_BYTES));
                    start.into_stream_with(self.ordinary.clone(), bounded).await.map(Some)
                }
            }
        };
        timeout(HANDSHAKE, handshake).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

fn ordinary(resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let builder =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A certificate and its key on the disk, as they were when they last changed.
#[derive(Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    now: RwLock<(Stamps, Arc<CertifiedKey>)>,
}

/// When each file was changed.
type Stamps = [Option<SystemTime>; 2];

impl Files {
    fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let now = (stamps(cert, key), Arc::new(read(cert, key)?));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), now: RwLock::new(now) })
    }

    /// Reads the files again if they have changed. While they don't fit together, the ones before go on.
    fn look_again(&self) {
        let stamps = stamps(&self.cert, &self.key);
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == stamps {
            return;
        }
        match read(&self.cert, &self.key) {
            Ok(certified) => {
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = (stamps, Arc::new(certified));
                tracing::info!(path = %self.cert.display(), "the certificate was renewed");
            }
            Err(error) => tracing::warn!(%error, "the certificate on the disk has changed, but can't be used"),
        }
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).1.clone())
    }
}

fn stamps(cert: &Path, key: &Path) -> Stamps {
    [cert, key].map(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok())
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let wrong_cert = |reason: String| TlsError::Certificate { path: cert.to_owned(), reason };
    let wrong_key = |reason: String| TlsError::Key { path: key.to_owned(), reason };
    let pem = regular::read(cert, MAX_PEM_BYTES).map_err(|error| wrong_cert(error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| wrong_cert(error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong_cert("it holds no certificate".to_owned()));
    }
    let pem = regular::read(key, MAX_PEM_BYTES).map_err(|error| wrong_key(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| wrong_key(error.to_string()))?;
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| wrong_key(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(folder: &Path, host: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.key_pair.serialize_pem()).unwrap();
        (cert, key)
    }

    #[test]
    fn files_are_read_again_when_they_change_and_fit() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = write_pair(folder.path(), "a.example");
        let files = Files::load(&cert, &key).unwrap();
        let first = files.now.read().unwrap().1.cert.clone();
        let other = tempfile::tempdir().unwrap();
        let (new_cert, new_key) = write_pair(other.path(), "b.example");
        let later = fs::metadata(&cert).unwrap().modified().unwrap() + Duration::from_secs(5);
        let replace = |from: &Path, to: &Path| {
            fs::copy(from, to).unwrap();
            fs::File::options().write(true).open(to).unwrap().set_modified(later).unwrap();
        };
        replace(&new_cert, &cert);
        files.look_again();
        assert_eq!(files.now.read().unwrap().1.cert, first, "the key isn't there yet");
        replace(&new_key, &key);
        files.look_again();
        assert_ne!(files.now.read().unwrap().1.cert, first);
    }

    #[test]
    fn what_cannot_be_used_says_which_file_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = write_pair(folder.path(), "a.example");
        let missing = folder.path().join("missing.pem");
        assert!(matches!(read(&missing, &key), Err(TlsError::Certificate { path, .. }) if path == missing));
        assert!(matches!(read(&cert, &missing), Err(TlsError::Key { path, .. }) if path == missing));
        let pipe = folder.path().join("pipe.pem");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        assert!(matches!(read(&cert, &pipe), Err(TlsError::Key { .. })), "nobody waits at a pipe");
        assert!(matches!(read(&key, &key), Err(TlsError::Certificate { .. })), "a key is no certificate");
        let other = tempfile::tempdir().unwrap();
        let (_, foreign) = write_pair(other.path(), "a.example");
        assert!(matches!(read(&cert, &foreign), Err(TlsError::Key { .. })), "another certificate's key");
    }
}
