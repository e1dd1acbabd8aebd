//! The place of a record in its channel: homes, keys and their scopes, each key's own chain, clocks. The node that
//! accepts, the mirror that copies and the verifier that doubts share these rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::body::{Body, Genesis, Kind};
use crate::header::{Header, Origin};
use crate::id::{ChannelId, RecordId};
use crate::keys::PublicKey;

/// How far a fresh header's `at` may be from the time the log received it.
pub const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// A log: the only place in which the headers of its channels count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Home {
    pub origin: Origin,
    /// The log's public key.
    pub key: PublicKey,
}

/// What a signing key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Comment,
    Keys,
    Publish,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Comment, Scope::Keys, Scope::Publish];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Comment => "comment",
            Scope::Keys => "keys",
            Scope::Publish => "publish",
        }
    }

    pub fn from_name(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    pub const ALL: Scopes = Scopes(0b111);

    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// In alphabetic order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u8))
    }
}

/// The last header of a key's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHead {
    pub id: RecordId,
    pub seq: u64,
}

/// What a channel's authority records say by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    pub channel: ChannelId,
    pub home: Home,
    /// The newest `genesis` (later also `key` or `recover`) header.
    pub newest: RecordId,
    pub keys: BTreeMap<PublicKey, Scopes>,
    pub recovery: Option<PublicKey>,
}

impl ChannelState {
    /// The state that a genesis founds.
    pub fn founded(id: RecordId, genesis: &Genesis) -> ChannelState {
        ChannelState {
            channel: id,
            home: genesis.home.clone(),
            newest: id,
            keys: genesis.keys.iter().map(|grant| (grant.key, grant.scopes)).collect(),
            recovery: genesis.recovery,
        }
    }
}

/// What the checker knows about the place that a record wants to take.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The log that is to take the record.
    pub home: &'a Home,
    /// The log's time for it.
    pub received_ms: u64,
    /// The state of the channel that the header names, if the log knows it.
    pub channel: Option<&'a ChannelState>,
    /// The last header of the header's key in this log.
    pub head: Option<KeyHead>,
    /// Signing keys, among those that a genesis names, that already belong to a channel.
    pub taken: &'a BTreeSet<PublicKey>,
}

/// Why a verified record may not take its place. In the order in which they are checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("this version doesn't know the kind {0}")]
    KindUnsupported(String),
    #[error("the channel isn't known here; publish its genesis first")]
    ChannelUnknown,
    #[error("the record's home is another log; it can only be kept there")]
    HomeWrong,
    #[error("the key state that the record names isn't the newest, which is {newest}")]
    KeysStale { newest: RecordId },
    #[error("the key isn't one of the channel's")]
    KeyUnknown,
    #[error("the key may not sign this: it lacks the scope {0}")]
    ScopeMissing(&'static str),
    #[error("a key of this genesis already belongs to a channel")]
    KeyTaken,
    #[error("another record already has this place in the key's chain")]
    ChainConflict { head: KeyHead },
    #[error("the record doesn't follow the last one of its key")]
    ChainBroken { head: Option<KeyHead> },
    #[error("the record's time is more than 5 minutes from the log's")]
    ClockSkew { received_ms: u64 },
}

impl ChainError {
    /// The word that the API answers.
    pub fn code(&self) -> &'static str {
        match self {
            ChainError::KindUnsupported(_) => "kind_unsupported",
            ChainError::HomeWrong => "home_wrong",
            ChainError::KeysStale { .. } => "keys_stale",
            ChainError::ChannelUnknown
            | ChainError::KeyUnknown
            | ChainError::ScopeMissing(_)
            | ChainError::KeyTaken => "key_unknown",
            ChainError::ChainConflict { .. } => "chain_conflict",
            ChainError::ChainBroken { .. } => "chain_broken",
            ChainError::ClockSkew { .. } => "clock_skew",
        }
    }

    /// The exact failure, as the tests name it.
    pub fn name(&self) -> &'static str {
        match self {
            ChainError::ChannelUnknown => "channel_unknown",
            ChainError::ScopeMissing(_) => "scope_missing",
            ChainError::KeyTaken => "key_taken",
            other => other.code(),
        }
    }
}

/// Whether a fresh record may take the next place. A node calls it after it has looked for a retry: the header that
/// stands at the same key and `seq` already, which is answered again.
pub fn check(header: &Header, body: &Body, context: &Context<'_>) -> Result<(), ChainError> {
    let kind = Kind::from_name(&header.kind).ok_or_else(|| ChainError::KindUnsupported(header.kind.clone()))?;
    match body {
        Body::Genesis(genesis) => check_genesis(header, genesis, context)?,
        _ => check_authority(header, kind, context)?,
    }
    check_chain(header, context.head)?;
    check_clock(header, context.received_ms)
}

/// As [`check`], for a header whose body is erased or withheld. A genesis never is.
pub fn check_header(header: &Header, context: &Context<'_>) -> Result<(), ChainError> {
    let kind = Kind::from_name(&header.kind).ok_or_else(|| ChainError::KindUnsupported(header.kind.clone()))?;
    check_authority(header, kind, context)?;
    check_chain(header, context.head)?;
    check_clock(header, context.received_ms)
}

fn check_genesis(header: &Header, genesis: &Genesis, context: &Context<'_>) -> Result<(), ChainError> {
    if genesis.home != *context.home {
        return Err(ChainError::HomeWrong);
    }
    let own = genesis.keys.iter().find(|grant| grant.key == header.key).ok_or(ChainError::KeyUnknown)?;
    for scope in [Scope::Publish, Scope::Keys] {
        if !own.scopes.contains(scope) {
            return Err(ChainError::ScopeMissing(scope.name()));
        }
    }
    // The key's own chain is checked by the caller, which answers with its head.
    let taken = |key: &PublicKey| *key != header.key && context.taken.contains(key);
    if genesis.keys.iter().any(|grant| taken(&grant.key))
        || (context.head.is_none() && context.taken.contains(&header.key))
    {
        return Err(ChainError::KeyTaken);
    }
    Ok(())
}

fn check_authority(header: &Header, kind: Kind, context: &Context<'_>) -> Result<(), ChainError> {
    let channel = context.channel.filter(|state| Some(state.channel) == header.channel);
    let channel = channel.ok_or(ChainError::ChannelUnknown)?;
    if channel.home != *context.home {
        return Err(ChainError::HomeWrong);
    }
    if header.keys != Some(channel.newest) {
        return Err(ChainError::KeysStale { newest: channel.newest });
    }
    let scopes = channel.keys.get(&header.key).ok_or(ChainError::KeyUnknown)?;
    let needed = scope_for(kind);
    if scopes.contains(needed) { Ok(()) } else { Err(ChainError::ScopeMissing(needed.name())) }
}

/// The scope that a kind needs. `comment` will be the first that needs another.
fn scope_for(kind: Kind) -> Scope {
    match kind {
        Kind::Genesis => Scope::Keys,
        Kind::Profile | Kind::Stream | Kind::Tombstone | Kind::Rendition => Scope::Publish,
    }
}

fn check_chain(header: &Header, head: Option<KeyHead>) -> Result<(), ChainError> {
    match head {
        Some(head) if header.seq <= head.seq => Err(ChainError::ChainConflict { head }),
        Some(head) if header.seq == head.seq + 1 && header.prev == Some(head.id) => Ok(()),
        None if header.seq == 0 => Ok(()),
        head => Err(ChainError::ChainBroken { head }),
    }
}

fn check_clock(header: &Header, received_ms: u64) -> Result<(), ChainError> {
    let skewed = header.at.abs_diff(received_ms) > MAX_SKEW_MS;
    if skewed { Err(ChainError::ClockSkew { received_ms }) } else { Ok(()) }
}
