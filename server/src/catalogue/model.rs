//! What the catalogue answers. The same shapes serve the API and the data inside pages.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::UnixMs;

/// Publications in one answer unless it says otherwise, and at most.
pub const PAGE: i64 = 24;
pub const MAX_PAGE: i64 = 100;

/// A place in a list ordered by the log's index, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Only what stands before this index.
    pub before: i64,
    pub limit: i64,
}

impl Default for Page {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Page {
    /// `after` is the `next` of the page before; a text that never was one shows the first page.
    pub fn new(after: Option<&str>, limit: Option<i64>) -> Self {
        let before = after.and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
        Self { before, limit: limit.unwrap_or(PAGE).clamp(1, MAX_PAGE) }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelRef {
    /// The channel's genesis
    pub id: String,
    pub handle: String,
    pub name: String,
}

/// A publication in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Card {
    pub claim: String,
    /// The address in full: `@handle@origin/slug`
    pub url: String,
    /// Its page here
    pub watch: String,
    pub title: String,
    pub channel: ChannelRef,
    pub poster: Option<String>,
    pub duration_ms: Option<i64>,
    pub received_ms: UnixMs,
    pub media_type: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Publications {
    /// Newest first
    pub items: Vec<Card>,
    /// `after` of the next page
    pub next: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelPage {
    pub channel: String,
    pub url: String,
    #[serde(skip)]
    pub page: String,
    pub name: String,
    pub handle: String,
    /// Markdown
    pub about: Option<String>,
    pub items: Vec<Card>,
    pub next: Option<String>,
}

/// What an address means.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Resolved {
    Claim(ResolvedClaim),
    Channel(ResolvedChannel),
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResolvedClaim {
    pub claim: String,
    pub url: String,
    pub title: String,
    pub source: ResolvedSource,
    /// The newest complete playback folder
    pub root: Option<String>,
    pub renditions: Vec<RenditionView>,
    pub origins: Vec<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResolvedSource {
    pub cid: String,
    pub bytes: i64,
    pub media_type: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResolvedChannel {
    pub channel: String,
    pub url: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RenditionView {
    pub height: u32,
    /// Bits a second, with sound
    pub bandwidth: u64,
}

/// A record as it travels, base64url.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WireRecord {
    pub id: String,
    pub header: String,
    /// Null once it is erased
    pub body: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RenditionRecord {
    #[serde(flatten)]
    pub record: WireRecord,
    /// Which worker made it
    pub worker: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NodeChannel {
    pub channel: String,
    pub node_key: String,
    pub genesis: WireRecord,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WatchChannel {
    #[serde(flatten)]
    pub channel: ChannelRef,
    /// The key that signed the version shown
    pub key: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WatchSource {
    pub cid: String,
    pub bytes: i64,
    pub media_type: String,
    pub file_name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RootBy {
    /// The channel's own record names the root
    Channel,
    /// Only the node's rendition record does
    Node,
}

/// Everything that a watch page shows and checks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Watch {
    pub claim: String,
    pub url: String,
    pub watch: String,
    pub index: i64,
    pub received_ms: UnixMs,
    pub title: String,
    /// Sanitised
    pub description_html: String,
    #[serde(skip)]
    pub excerpt: String,
    pub channel: WatchChannel,
    pub source: WatchSource,
    pub root: Option<String>,
    pub root_by: Option<RootBy>,
    /// Whether captions or a poster are still to be put into the root: it is not yet the one to approve
    pub unfinished: bool,
    /// The newest version
    pub record: WireRecord,
    /// The version that created the claim
    pub created: WireRecord,
    /// The node's record of the root
    pub rendition: Option<RenditionRecord>,
    /// The channel's
    pub genesis: WireRecord,
    pub node: NodeChannel,
    pub renditions: Vec<RenditionView>,
    pub poster: Option<String>,
    /// Pictures of a file that is neither film nor sound, made by this node; null where none are made of it
    pub preview: Option<crate::media::Preview>,
    pub duration_ms: Option<i64>,
    pub job: Option<crate::media::Job>,
    pub pins: Vec<crate::pinning::Pin>,
    pub origins: Vec<String>,
}
