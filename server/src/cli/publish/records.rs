//! Signing a record and getting it into the log exactly once: it is kept in the key file before it is sent, and sent
//! again, the same bytes, until the node has answered.

use pinreel_records::{Author, Body, ChannelId, KeyHead, PublicKey, RecordId, Signed, Stream, base64url};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::keys::Keys;
use crate::cli::answer::Failure;
use crate::cli::client::{CallError, Node};
use crate::clock::Clock;

/// How often a record is signed anew because another program used the key meanwhile.
const MAX_RACES: u32 = 5;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    pub id: RecordId,
    pub index: u64,
}

/// A publication that an earlier run signed and whose answer it never heard.
#[derive(Clone, Debug)]
pub struct Settled {
    pub stream: Stream,
    pub receipt: Receipt,
}

/// Why a record isn't in the log.
#[derive(Debug)]
pub enum PublishError {
    /// The node says no; another record may fare better.
    Refused(CallError),
    Failed(Failure),
}

impl From<CallError> for PublishError {
    fn from(error: CallError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for PublishError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Refused(error) => error.into(),
            PublishError::Failed(failure) => failure,
        }
    }
}

/// What the node says of a key.
#[derive(Clone, Debug, Deserialize)]
pub struct KeyState {
    pub channel: ChannelId,
    pub handle: Option<String>,
    keys: RecordId,
    head: Option<Head>,
}

#[derive(Clone, Debug, Deserialize)]
struct Head {
    id: RecordId,
    seq: u64,
}

/// What the node knows of a key; `None` for keys that it has never seen.
pub async fn key_state(node: &Node, key: &PublicKey) -> Result<Option<KeyState>, Failure> {
    match node.call_patiently(Method::GET, &format!("/api/v1/keys/{key}"), None).await {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.code() == "key_unknown" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sends what an earlier run has signed and perhaps sent. Afterwards nothing waits: it is in the log, or never will be.
pub async fn settle(node: &Node, keys: &mut Keys, key: &PublicKey) -> Result<Option<Settled>, Failure> {
    let Some(signed) = keys.entry(key)?.pending.clone() else { return Ok(None) };
    let sent = send(node, &signed, None).await;
    if let Err(error @ CallError::Away(_)) = sent {
        return Err(error.into());
    }
    keys.entry(key)?.pending = None;
    keys.save()?;
    let Ok(receipt) = sent else { return Ok(None) };
    Ok(match signed.verify().map(|record| record.body) {
        Ok(Body::Stream(stream)) => Some(Settled { stream: *stream, receipt }),
        _ => None,
    })
}

/// Signs a record with a key's next number and sends it until it is taken or refused.
pub async fn publish(
    node: &Node,
    keys: &mut Keys,
    key: &PublicKey,
    body: &Body,
    invitation: Option<&str>,
) -> Result<Receipt, PublishError> {
    let mut races = 0;
    loop {
        let state = key_state(node, key).await?;
        let entry = keys.entry(key)?;
        let author = match state {
            Some(state) => {
                let head = state.head.map(|head| KeyHead { id: head.id, seq: head.seq });
                Author::of(entry.key.clone(), state.channel, state.keys, head)
            }
            None => Author::new(entry.key.clone()),
        };
        let signed = sign(&author, body)?;
        entry.pending = Some(signed.clone());
        keys.save()?;
        let sent = send(node, &signed, invitation).await;
        if let Err(error @ CallError::Away(_)) = sent {
            return Err(Failure::from(error).into());
        }
        keys.entry(key)?.pending = None;
        keys.save()?;
        match sent {
            // Another program used the key between our question and our record.
            Err(error)
                if matches!(error.code(), "chain_conflict" | "chain_broken" | "keys_stale") && races < MAX_RACES =>
            {
                races += 1;
            }
            other => return Ok(other?),
        }
    }
}

fn sign(author: &Author, body: &Body) -> Result<Signed, Failure> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| Failure::new("internal", format!("The system gives no random numbers ({error}).")))?;
    let at_ms = Clock::System.now_ms().unsigned_abs();
    author
        .sign(body, &salt, at_ms)
        .map_err(|error| Failure::new("record_malformed", format!("This can't be published: {error}.")))
}

async fn send(node: &Node, signed: &Signed, invitation: Option<&str>) -> Result<Receipt, CallError> {
    let mut body = json!({
        "header": base64url::encode(&signed.header_bytes),
        "body": base64url::encode(&signed.body_bytes),
    });
    if let Some(invitation) = invitation {
        body["invitation"] = invitation.into();
    }
    node.call_patiently(Method::POST, "/api/v1/records", Some(&body)).await
}
