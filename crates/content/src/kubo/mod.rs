//! Pinning at a Kubo, over its RPC: a second, public home for what is published, on the DHT and over bitswap.
//!
//! A root's DAG is streamed as a CAR file to `dag/import`, which keeps every CID as it is, and pinned by name. Each
//! call has a limit on time; a call that failed may simply be made again. A pin counts once a few of its blocks came back
//! with their hashes, for what a program says of itself is not what it holds. The only user of `ipfs-api-backend-hyper`.

mod answers;
mod calls;
mod import;
mod sample;

use std::time::Duration;

use cid::Cid;
use futures_util::StreamExt;
use ipfs_api_backend_hyper::{IpfsClient, TryFromUri};
use ipfs_api_prelude::{ApiRequest, Backend};
use serde::Deserialize;
use tokio::time;

use crate::{CarReader, CarStats, Error, digest_of, limits, parse_cid, sha256};
use answers::{PinLsAnswer, VersionAnswer};
use calls::{BlockGet, PinAdd, PinLs, PinRm, Version};

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(10);
/// How long pinning may take once all blocks are there.
const PINNING: Duration = Duration::from_secs(300);
/// How long an import may go without Kubo taking or answering anything.
const STALL: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes, but for a block.
const ANSWER_BYTES: usize = 64 * 1024;

/// Why a call to Kubo failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KuboError {
    #[error("{0:?} is no address of a Kubo RPC: give it as http://127.0.0.1:5001 or /ip4/127.0.0.1/tcp/5001")]
    Address(String),
    #[error("the token for Kubo has characters that no HTTP header can hold")]
    Token,
    #[error("Kubo could not be reached to {action}: {reason}")]
    Unreachable { action: &'static str, reason: String },
    #[error("Kubo refused to {action}: {reason}")]
    Refused { action: &'static str, reason: String },
    #[error("Kubo took longer than {} s to {action}", .limit.as_secs())]
    Timeout { action: &'static str, limit: Duration },
    #[error("Kubo ended without saying that it could {action}")]
    Unfinished { action: &'static str },
    /// Its count of what an import brought is another than ours.
    #[error(
        "Kubo counts {} blocks of {} bytes in what it imported, and {} blocks of {} bytes were sent", .counted.blocks,
        .counted.block_bytes, .sent.blocks, .sent.block_bytes
    )]
    Miscounted { sent: CarStats, counted: CarStats },
    /// It says that it has pinned a root, and doesn't list it.
    #[error("Kubo says that it has pinned {0}, but doesn't list it among its recursive pins")]
    NotPinned(Cid),
    /// It says that it has pinned a root, and doesn't give back a block below it.
    #[error("Kubo says that it has pinned the root, but doesn't give block {block} of it back: {reason}")]
    NotHeld { block: Cid, reason: String },
    /// It says that it has pinned a root, and gives other bytes for a block below it.
    #[error("Kubo says that it has pinned the root, but the bytes that it gives as block {0} of it have another hash")]
    WrongBytes(Cid),
    #[error(transparent)]
    Content(#[from] Error),
}

/// A pin that Kubo holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The name it was given; empty if none.
    pub name: String,
    /// `recursive` for a whole DAG.
    pub kind: String,
}

/// A Kubo, by the address of its RPC. Cheap to clone.
#[derive(Clone)]
pub struct Kubo {
    client: IpfsClient,
    /// `Bearer …`, as Kubo's `API.Authorizations` may want it.
    token: Option<String>,
}

impl Kubo {
    /// Takes `http://[user:password@]host:port` or a multiaddr. Nothing is asked of it yet.
    pub fn new(address: &str) -> Result<Self, KuboError> {
        let wrong = || KuboError::Address(address.to_owned());
        let client = match address.strip_prefix("http://") {
            Some(rest) => {
                let authority = rest.split('/').next().unwrap_or_default();
                let (credentials, host) = match authority.rsplit_once('@') {
                    Some((credentials, host)) => (Some(credentials), host),
                    None => (None, authority),
                };
                if host.is_empty() {
                    return Err(wrong());
                }
                let client = <IpfsClient as TryFromUri>::from_str(&format!("http://{host}")).map_err(|_| wrong())?;
                match credentials {
                    Some(text) => {
                        let (user, password) = text.split_once(':').unwrap_or((text, ""));
                        client.with_credentials(user, password)
                    }
                    None => client,
                }
            }
            None if address.starts_with('/') => IpfsClient::from_multiaddr_str(address).map_err(|_| wrong())?,
            None => return Err(wrong()),
        };
        Ok(Self { client, token: None })
    }

    /// Shows this token with every call, in place of a user and password.
    ///
    /// # Errors
    /// [`KuboError::Token`] when it can't stand in a header.
    pub fn with_token(mut self, token: &str) -> Result<Self, KuboError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KuboError::Token);
        }
        self.token = Some(format!("Bearer {token}"));
        Ok(self)
    }

    /// Kubo's version, such as `0.42.0`: the cheapest way to see that it is there.
    pub async fn version(&self) -> Result<String, KuboError> {
        let answer: VersionAnswer = self.ask("tell its version", QUESTION, Version {}).await?;
        Ok(answer.version)
    }

    /// Sends a root's whole DAG and pins it, recursively, under a name; what Kubo says of either is checked, and a few
    /// blocks are read back ([`Kubo::read_back`]). Doing it again changes nothing.
    ///
    /// `car` comes from [`crate::Store::car`]; its blocks are read on the blocking pool.
    pub async fn import_and_pin(&self, root: &Cid, car: CarReader, name: &str) -> Result<(), KuboError> {
        self.import(root, car).await?;
        let request = PinAdd { arg: root.to_string(), recursive: true, name };
        let _: serde_json::Value = self.ask("pin a root", PINNING, request).await?;
        if self.pinned(root).await?.is_none() {
            return Err(KuboError::NotPinned(*root));
        }
        self.read_back(root).await
    }

    /// The recursive pin of a root, or `None` if Kubo says that it has none. An answer that names no such pin says nothing.
    pub async fn pinned(&self, root: &Cid) -> Result<Option<Pin>, KuboError> {
        let request = PinLs { arg: root.to_string(), kind: "recursive", names: true };
        let action = "look for a pin";
        let answer: PinLsAnswer = match self.ask(action, QUESTION, request).await {
            Err(KuboError::Refused { reason, .. }) if reason.contains("not pinned") => return Ok(None),
            answer => answer?,
        };
        let mut pins = answer.keys.into_iter();
        let pin = pins.find(|(cid, pin)| parse_cid(cid).as_ref() == Some(root) && pin.kind == "recursive");
        match pin {
            Some((_, pin)) => Ok(Some(Pin { name: pin.name, kind: pin.kind })),
            None => {
                Err(KuboError::Refused { action, reason: "its list doesn't name the one that was asked for".into() })
            }
        }
    }

    /// Takes a root's recursive pin away; its blocks go when Kubo collects its garbage. `false` if it had none.
    pub async fn unpin(&self, root: &Cid) -> Result<bool, KuboError> {
        let request = PinRm { arg: root.to_string(), recursive: true };
        match self.ask::<_, serde_json::Value>("take a pin away", QUESTION, request).await {
            Ok(_) => Ok(true),
            Err(KuboError::Refused { reason, .. }) if reason.contains("not pinned") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The bytes of a block that Kubo holds itself, checked against its CID.
    pub async fn block(&self, cid: &Cid) -> Result<Vec<u8>, KuboError> {
        let request = BlockGet { arg: cid.to_string(), offline: true };
        let block = self.read("give a block", STALL, request, limits::BLOCK_BYTES).await?;
        if digest_of(cid) == Some(sha256(&block)) { Ok(block) } else { Err(Error::HashMismatch(*cid).into()) }
    }

    /// A question with a short answer in JSON.
    async fn ask<Q, A>(&self, action: &'static str, limit: Duration, question: Q) -> Result<A, KuboError>
    where
        Q: ApiRequest,
        A: for<'de> Deserialize<'de>,
    {
        let answer = self.read(action, limit, question, ANSWER_BYTES).await?;
        serde_json::from_slice(&answer).map_err(|error| KuboError::Refused {
            action,
            reason: format!("it answered what isn't understood ({error})"),
        })
    }

    /// A question's whole answer, within a time and a size.
    async fn read<Q: ApiRequest>(
        &self,
        action: &'static str,
        limit: Duration,
        question: Q,
        most_bytes: usize,
    ) -> Result<Vec<u8>, KuboError> {
        let request = self.request(action, question)?;
        let gather = async {
            let (mut pieces, mut answer) = (self.client.request_stream_bytes(request), Vec::new());
            while let Some(piece) = pieces.next().await {
                answer.extend_from_slice(&piece.map_err(failed(action))?);
                if answer.len() > most_bytes {
                    let reason = format!("its answer is longer than {most_bytes} bytes");
                    return Err(KuboError::Refused { action, reason });
                }
            }
            Ok(answer)
        };
        time::timeout(limit, gather).await.map_err(|_| KuboError::Timeout { action, limit })?
    }

    fn request<Q: ApiRequest>(&self, action: &'static str, question: Q) -> Result<Request, KuboError> {
        let mut request = self.client.build_base_request(question, None).map_err(failed(action))?;
        if let Some(token) = &self.token {
            request.headers_mut().insert("authorization", token.parse().map_err(|_| KuboError::Token)?);
        }
        Ok(request)
    }
}

type Request = <IpfsClient as Backend>::HttpRequest;

fn failed(action: &'static str) -> impl Fn(ipfs_api_backend_hyper::Error) -> KuboError {
    use ipfs_api_backend_hyper::Error as Backend;
    move |error| match error {
        Backend::Api(refusal) => KuboError::Refused { action, reason: refusal.message },
        Backend::Client(error) => KuboError::Unreachable { action, reason: error.to_string() },
        other => KuboError::Refused { action, reason: other.to_string() },
    }
}
