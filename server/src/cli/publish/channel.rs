//! Who publishes: the key and channel for a node, made if there are none, and the session.

use std::path::Path;

use pinreel_records::session::NONCE_BYTES;
use pinreel_records::{
    Body, ChannelId, Genesis, Name, Profile, PublicKey, SessionStatement, base64url, slug_from_title, with_suffix,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::keys::{Choice, Keys};
use super::records::{self, PublishError, Settled};
use crate::cli::answer::Failure;
use crate::cli::client::{Node, NodeInfo};
use crate::clock::Clock;

/// Handles tried when the one that nobody chose isn't free.
const MAX_HANDLES: u32 = 50;
/// How long a sign-in statement is good for: the node allows a minute, clocks differ.
const STATEMENT_LIFE_MS: u64 = 30_000;

/// The channel that publishes.
#[derive(Clone, Debug)]
pub struct Me {
    pub key: PublicKey,
    pub channel: ChannelId,
    pub handle: Name,
}

/// What the person said of their channel.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub handle: Option<&'a Name>,
    pub invitation: Option<&'a str>,
}

/// Finds the channel's key, or makes key and channel. What an earlier run left unanswered is settled first.
pub async fn ensure(
    node: &Node,
    info: &NodeInfo,
    path: &Path,
    wish: Wish<'_>,
) -> Result<(Me, Option<Settled>), Failure> {
    let home = info.home()?;
    let mut keys = Keys::open(path)?;
    let key = match keys.choose(&info.origin, wish.handle) {
        Choice::Known(key) => key,
        Choice::New => keys.make(&home.origin)?,
        Choice::Several(handles) => {
            let handles = handles.join(", ");
            return Err(Failure::new(
                "channel_needed",
                format!("Several channels are yours there ({handles}); name one with --channel."),
            ));
        }
    };
    let settled = records::settle(node, &mut keys, &key).await?;
    let mut state = records::key_state(node, &key).await?;
    if state.is_none() {
        let genesis = Body::Genesis(Genesis::of_one_key(home, key));
        records::publish(node, &mut keys, &key, &genesis, wish.invitation).await?;
        state = records::key_state(node, &key).await?;
    }
    let state =
        state.ok_or_else(|| Failure::new("node_odd", "The node took the channel's genesis and doesn't know it."))?;
    let handle = match state.handle {
        Some(handle) => handle
            .parse()
            .map_err(|_| Failure::new("node_odd", format!("The node says that the channel is called {handle}.")))?,
        None => introduce(node, &mut keys, &key, wish.handle).await?,
    };
    let entry = keys.entry(&key)?;
    if entry.channel != Some(state.channel) || entry.handle.as_ref() != Some(&handle) {
        (entry.channel, entry.handle) = (Some(state.channel), Some(handle.clone()));
        keys.save()?;
    }
    match wish.handle {
        Some(wished) if *wished != handle => Err(Failure::new(
            "channel_unknown",
            format!("The key for @{wished} belongs to @{handle} by now; name that one with --channel."),
        )),
        _ => Ok((Me { key, channel: state.channel, handle }, settled)),
    }
}

/// Publishes the first profile. A handle that the person chose is taken or refused; a made-up one gets a number.
async fn introduce(node: &Node, keys: &mut Keys, key: &PublicKey, wished: Option<&Name>) -> Result<Name, Failure> {
    let base = match wished {
        Some(handle) => handle.clone(),
        None => default_handle()?,
    };
    let mut handle = base.clone();
    for number in 2..MAX_HANDLES {
        let profile = Body::Profile(Profile::new(handle.clone(), base.as_str()));
        match records::publish(node, keys, key, &profile, None).await {
            Ok(_) => return Ok(handle),
            Err(PublishError::Refused(error)) if error.code() == "handle_taken" && wished.is_none() => {
                handle = with_suffix(&base, number);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::new("handle_taken", format!("@{base} and its like are taken there; choose a handle with --channel.")))
}

/// The name of the system's user.
fn default_handle() -> Result<Name, Failure> {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|variable| std::env::var(variable).ok());
    let name = user.as_deref().and_then(slug_from_title);
    name.or_else(|| Name::parse("creator").ok())
        .ok_or_else(|| Failure::usage("Choose a handle for the new channel with --channel @name."))
}

#[derive(Debug, Deserialize)]
struct Challenge {
    nonce: String,
}

#[derive(Debug, Deserialize)]
struct Opened {
    token: String,
}

/// Opens a session for the channel: the statement is built here, around the node's nonce.
pub async fn sign_in(node: &mut Node, path: &Path, me: &Me) -> Result<(), Failure> {
    let challenge: Challenge = node.call_patiently(Method::POST, "/api/v1/session/challenge", Some(&json!({}))).await?;
    let nonce: Option<[u8; NONCE_BYTES]> = base64url::decode_array(&challenge.nonce);
    let nonce = nonce.ok_or_else(|| Failure::new("node_odd", "The node's challenge isn't one."))?;
    let statement = SessionStatement {
        origin: node.origin(),
        channel: me.channel,
        key: me.key,
        nonce,
        expires: Clock::System.now_ms().unsigned_abs() + STATEMENT_LIFE_MS,
    };
    let (statement, sig) = statement.sign(&Keys::open(path)?.entry(&me.key)?.key);
    let body = json!({ "statement": base64url::encode(&statement), "sig": base64url::encode(&sig) });
    // Once only: a nonce opens one session. If the answer is lost, the command is run again.
    let opened: Opened = node.call_once(Method::POST, "/api/v1/session", &body).await?;
    node.sign_in_with(opened.token);
    Ok(())
}
