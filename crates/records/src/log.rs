//! Rechecking a whole log as a stranger would: entries are fed in order, every rule of the protocol is applied again,
//! and nothing is believed but the bytes.
//!
//! What it can't see without the log's proofs, which come later: a tail cut off, or a history made anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::body::{Body, Kind, Profile, Stream};
use crate::chain::{self, ChainError, ChannelState, Context, Home, KeyHead};
use crate::error::RecordError;
use crate::header::Header;
use crate::id::{ChannelId, ClaimId, RecordId};
use crate::keys::PublicKey;
use crate::names::{self, Name};
use crate::record::{Verified, VerifiedHeader};

/// What the log answered for a body.
#[derive(Clone, Copy, Debug)]
pub enum BodyState<'a> {
    Present(&'a [u8]),
    /// Erased: a tombstone somewhere in the log must say so.
    Erased,
    /// Kept from the public (unlisted, under review); counted.
    Withheld,
}

/// A rule that an entry breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("the log has a gap: entry {expected} should be here")]
    IndexGap { expected: u64 },
    #[error("the log's time runs backwards")]
    TimeBackwards,
    #[error("{0}")]
    Record(#[from] RecordError),
    #[error("{0}")]
    Chain(#[from] ChainError),
    #[error("the body of an authority record is missing")]
    BodyRequired,
    #[error("the body is missing and no tombstone says so")]
    BodyMissing,
    #[error("the handle or one that looks like it belongs to another channel")]
    HandleTaken,
    #[error("the name belongs to another claim of the channel")]
    SlugTaken,
    #[error("the claim isn't in the log before its update")]
    ClaimUnknown,
    #[error("the claim belongs to another channel")]
    ClaimForeign,
    #[error("the update doesn't replace the claim's newest version")]
    ClaimStale,
    #[error("the version that the update replaces was erased, and the claim with it")]
    ClaimErased,
    #[error("the tombstone's target isn't in the log before it")]
    TargetUnknown,
    #[error("the tombstone's target can't be erased")]
    TargetPermanent,
    #[error("the tombstone is neither the target's channel's nor the node's")]
    TargetForeign,
    #[error("a rendition is signed by another channel than the node's")]
    RenditionForeign,
}

impl FaultKind {
    /// A stable word; where the API refuses the same thing, the API's.
    pub fn code(&self) -> &'static str {
        match self {
            FaultKind::IndexGap { .. } => "index_gap",
            FaultKind::TimeBackwards => "time_backwards",
            FaultKind::Record(error) => error.code(),
            FaultKind::Chain(error) => error.code(),
            FaultKind::BodyRequired => "body_required",
            FaultKind::BodyMissing => "body_missing",
            FaultKind::HandleTaken => "handle_taken",
            FaultKind::SlugTaken => "slug_taken",
            FaultKind::ClaimUnknown => "claim_unknown",
            FaultKind::ClaimForeign => "claim_foreign",
            FaultKind::ClaimStale => "claim_stale",
            FaultKind::ClaimErased => "claim_erased",
            FaultKind::TargetUnknown => "target_unknown",
            FaultKind::TargetPermanent => "target_permanent",
            FaultKind::TargetForeign => "target_foreign",
            FaultKind::RenditionForeign => "rendition_foreign",
        }
    }
}

/// A fault and the entry that has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}: {kind}")]
pub struct Fault {
    pub index: u64,
    pub kind: FaultKind,
}

/// What was rechecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub records: u64,
    pub channels: u64,
    /// Bodies that the log keeps from the public.
    pub withheld: u64,
    /// The first faults, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
}

impl Summary {
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }
}

/// So many faults are kept; more say nothing new.
pub const MAX_FAULTS: usize = 100;

/// One entry of the log, as it was answered.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub index: u64,
    pub received_ms: u64,
    pub header: &'a [u8],
    pub body: BodyState<'a>,
}

/// The verifier's state: what the log has said so far.
#[derive(Debug)]
pub struct LogVerifier {
    home: Home,
    /// The node's own channel, the only one whose renditions and foreign tombstones count.
    node_channel: ChannelId,
    next_index: u64,
    last_received_ms: u64,
    channels: HashMap<ChannelId, ChannelState>,
    heads: HashMap<PublicKey, KeyHead>,
    taken: BTreeSet<PublicKey>,
    records: HashMap<RecordId, Known>,
    claims: HashMap<ClaimId, Claim>,
    handles: HashMap<Name, ChannelId>,
    skeletons: HashMap<String, ChannelId>,
    slugs: HashMap<(ChannelId, Name), ClaimId>,
    tombstones: BTreeSet<RecordId>,
    /// Records with erased bodies, to be matched with tombstones at the end.
    erased: BTreeMap<u64, RecordId>,
    summary: Summary,
}

/// What later records may refer to.
#[derive(Debug)]
struct Known {
    kind: Option<Kind>,
    channel: ChannelId,
    /// The claim of which this is a version, if the body is there to say so.
    claim: Option<ClaimId>,
}

#[derive(Debug)]
struct Claim {
    channel: ChannelId,
    newest: RecordId,
    slug: Option<Name>,
}

impl LogVerifier {
    /// A verifier of the log `home`, whose node says that its own channel is `node_channel`.
    pub fn new(home: Home, node_channel: ChannelId) -> LogVerifier {
        LogVerifier {
            home,
            node_channel,
            next_index: 0,
            last_received_ms: 0,
            channels: HashMap::new(),
            heads: HashMap::new(),
            taken: BTreeSet::new(),
            records: HashMap::new(),
            claims: HashMap::new(),
            handles: HashMap::new(),
            skeletons: HashMap::new(),
            slugs: HashMap::new(),
            tombstones: BTreeSet::new(),
            erased: BTreeMap::new(),
            summary: Summary::default(),
        }
    }

    /// Takes the next entry. A faulty one is noted; what depends on it will be faulty, too.
    pub fn feed(&mut self, entry: &Entry<'_>) {
        self.summary.records += 1;
        if entry.index != self.next_index {
            self.fault(entry.index, FaultKind::IndexGap { expected: self.next_index });
        }
        self.next_index = entry.index.saturating_add(1);
        if entry.received_ms < self.last_received_ms {
            self.fault(entry.index, FaultKind::TimeBackwards);
        }
        self.last_received_ms = self.last_received_ms.max(entry.received_ms);
        if let Err(kind) = self.entry(entry) {
            self.fault(entry.index, kind);
        }
    }

    /// The result, after the last entry.
    pub fn finish(mut self) -> Summary {
        for (index, id) in std::mem::take(&mut self.erased) {
            if !self.tombstones.contains(&id) {
                self.fault(index, FaultKind::BodyMissing);
            }
        }
        self.summary.channels = self.channels.len() as u64;
        self.summary.faults.sort_by_key(|fault| fault.index);
        self.summary
    }

    fn fault(&mut self, index: u64, kind: FaultKind) {
        if self.summary.faults.len() < MAX_FAULTS {
            self.summary.faults.push(Fault { index, kind });
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), FaultKind> {
        let verified = VerifiedHeader::of(entry.header)?;
        match entry.body {
            BodyState::Present(body) => self.present(verified.with_body(body)?, entry.received_ms),
            BodyState::Erased => {
                self.erased.insert(entry.index, verified.id);
                self.absent(&verified, entry.received_ms)
            }
            BodyState::Withheld => {
                self.summary.withheld += 1;
                self.absent(&verified, entry.received_ms)
            }
        }
    }

    /// A record with its body: its place, then what its kind demands. Only a faultless one changes the state.
    fn present(&mut self, record: Verified, received_ms: u64) -> Result<(), FaultKind> {
        chain::check(&record.header, &record.body, &self.context(&record.header, received_ms))?;
        let channel = record.channel();
        let claim = match &record.body {
            Body::Genesis(genesis) => {
                self.taken.extend(genesis.keys.iter().map(|grant| grant.key));
                self.channels.insert(record.id, ChannelState::founded(record.id, genesis));
                None
            }
            Body::Profile(profile) => self.profile(channel, profile).map(|()| None)?,
            Body::Stream(stream) => Some(self.stream(record.id, channel, stream)?),
            Body::Tombstone(tombstone) => self.tombstone(channel, tombstone.target).map(|()| None)?,
            Body::Rendition(_) if channel != self.node_channel => return Err(FaultKind::RenditionForeign),
            Body::Rendition(_) | Body::Unknown { .. } => None,
        };
        self.place(record.id, &record.header, Known { kind: record.kind(), channel, claim });
        Ok(())
    }

    /// A record whose body isn't there: only bodies with words may be missing.
    fn absent(&mut self, verified: &VerifiedHeader, received_ms: u64) -> Result<(), FaultKind> {
        let kind = Kind::from_name(&verified.header.kind);
        if !kind.is_some_and(Kind::is_erasable) {
            return Err(FaultKind::BodyRequired);
        }
        chain::check_header(&verified.header, &self.context(&verified.header, received_ms))?;
        self.place(verified.id, &verified.header, Known { kind, channel: verified.channel(), claim: None });
        Ok(())
    }

    fn context(&self, header: &Header, received_ms: u64) -> Context<'_> {
        Context {
            home: &self.home,
            received_ms,
            channel: header.channel.and_then(|channel| self.channels.get(&channel)),
            head: self.heads.get(&header.key).copied(),
            taken: &self.taken,
        }
    }

    fn place(&mut self, id: RecordId, header: &Header, known: Known) {
        self.heads.insert(header.key, KeyHead { id, seq: header.seq });
        self.records.insert(id, known);
    }

    fn profile(&mut self, channel: ChannelId, profile: &Profile) -> Result<(), FaultKind> {
        let skeleton = names::skeleton(&profile.handle);
        let foreign = |owner: Option<&ChannelId>| owner.is_some_and(|owner| *owner != channel);
        if foreign(self.handles.get(&profile.handle)) || foreign(self.skeletons.get(&skeleton)) {
            return Err(FaultKind::HandleTaken);
        }
        self.handles.insert(profile.handle.clone(), channel);
        self.skeletons.insert(skeleton, channel);
        Ok(())
    }

    fn stream(&mut self, id: RecordId, channel: ChannelId, stream: &Stream) -> Result<ClaimId, FaultKind> {
        let claim_id = stream.update.map_or(id, |update| update.claim);
        if let Some(update) = stream.update {
            self.check_update(channel, update.claim, update.replaces)?;
        }
        let place = (channel, stream.name.clone());
        if self.slugs.get(&place).is_some_and(|owner| *owner != claim_id) {
            return Err(FaultKind::SlugTaken);
        }
        let claim = Claim { channel, newest: id, slug: Some(stream.name.clone()) };
        if let Some(Claim { slug: Some(old), .. }) = self.claims.insert(claim_id, claim) {
            self.slugs.remove(&(channel, old));
        }
        self.slugs.insert(place, claim_id);
        Ok(claim_id)
    }

    fn check_update(&self, channel: ChannelId, claim_id: ClaimId, replaces: RecordId) -> Result<(), FaultKind> {
        let created = self.records.get(&claim_id).filter(|known| known.kind == Some(Kind::Stream));
        let created = created.ok_or(FaultKind::ClaimUnknown)?;
        if created.channel != channel {
            return Err(FaultKind::ClaimForeign);
        }
        if created.claim.is_some_and(|claim| claim != claim_id) {
            return Err(FaultKind::ClaimUnknown);
        }
        if self.tombstones.contains(&replaces) {
            return Err(FaultKind::ClaimErased);
        }
        // A version whose body is gone doesn't say what it replaced: any such one of the channel may be the newest.
        let newest = self.claims.get(&claim_id).map(|claim| claim.newest);
        let hidden = self
            .records
            .get(&replaces)
            .is_some_and(|known| known.kind == Some(Kind::Stream) && known.channel == channel && known.claim.is_none());
        if newest == Some(replaces) || hidden { Ok(()) } else { Err(FaultKind::ClaimStale) }
    }

    fn tombstone(&mut self, channel: ChannelId, target: RecordId) -> Result<(), FaultKind> {
        let known = self.records.get(&target).ok_or(FaultKind::TargetUnknown)?;
        if !known.kind.is_some_and(Kind::is_erasable) {
            return Err(FaultKind::TargetPermanent);
        }
        if known.channel != channel && channel != self.node_channel {
            return Err(FaultKind::TargetForeign);
        }
        let claim = known.claim.and_then(|claim| self.claims.get_mut(&claim)).filter(|claim| claim.newest == target);
        if let Some((channel, slug)) = claim.and_then(|claim| Some((claim.channel, claim.slug.take()?))) {
            self.slugs.remove(&(channel, slug));
        }
        self.tombstones.insert(target);
        Ok(())
    }
}
