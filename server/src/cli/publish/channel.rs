//! Who publishes: the key and channel for a node, made if there are none, and the session.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
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
/// How often somebody else may take a handle between our question and our profile.
const MAX_RACES: u32 = 5;
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
        // What is in the log stays there: no channel is founded for a handle that can't be had.
        free_handle(node, wish.handle).await?;
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

/// Publishes the first profile. A channel that loses the race for its handle waits without one for the next run.
async fn introduce(node: &Node, keys: &mut Keys, key: &PublicKey, wished: Option<&Name>) -> Result<Name, Failure> {
    let mut races = 0;
    loop {
        let (handle, name) = free_handle(node, wished).await?;
        let profile = Body::Profile(Profile::new(handle.clone(), name.as_str()));
        match records::publish(node, keys, key, &profile, None).await {
            Ok(_) => return Ok(handle),
            Err(PublishError::Refused(error))
                if error.code() == "handle_taken" && wished.is_none() && races < MAX_RACES =>
            {
                races += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct HandleState {
    free: bool,
}

/// The handle to take, and the name that the channel shows. One that the person chose is free or refused; a made-up one
/// gets a number.
async fn free_handle(node: &Node, wished: Option<&Name>) -> Result<(Name, Name), Failure> {
    let base = match wished {
        Some(handle) => handle.clone(),
        None => default_handle()?,
    };
    let is_free = async |handle: &Name| {
        let path = format!("/api/v1/handles/{}", utf8_percent_encode(handle.as_str(), NON_ALPHANUMERIC));
        node.call_patiently(Method::GET, &path, None).await.map(|state: HandleState| state.free)
    };
    if is_free(&base).await? {
        return Ok((base.clone(), base));
    }
    if wished.is_some() {
        let message =
            format!("The handle @{base}, or one that looks like it, belongs to another channel; choose another.");
        return Err(Failure::new("handle_taken", message));
    }
    for number in 2..MAX_HANDLES {
        let handle = with_suffix(&base, number);
        if is_free(&handle).await? {
            return Ok((handle, base));
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
