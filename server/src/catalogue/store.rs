//! All SQL of the catalogue: reads only.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::model::Page;
use crate::media::PreviewSize;

/// Candidates of an ambiguous address that are named.
pub const CANDIDATES: i64 = 10;

/// A publication with its channel and the newest of its playback folders.
#[derive(Clone, Debug)]
pub struct Row {
    pub claim: String,
    pub slug: String,
    pub index: i64,
    pub received_ms: i64,
    pub version: String,
    pub title: String,
    pub source: String,
    pub media_type: String,
    pub poster: Option<String>,
    pub channel: String,
    pub handle: String,
    pub name: String,
    /// The folder that the channel approved, else the node's newest; never one that was withdrawn.
    pub root: Option<String>,
    pub approved: bool,
    /// The node's record of that folder, and what it says.
    pub rendition: Option<String>,
    pub duration_ms: Option<i64>,
    pub has_poster: bool,
    /// The folder of pictures of a file that is neither film nor sound, and their sizes.
    pub preview: Option<String>,
    pub preview_sizes: Option<Json<Vec<PreviewSize>>>,
}

/// What only a watch page needs.
#[derive(Clone, Debug)]
pub struct Details {
    pub excerpt: String,
    pub description_html: String,
    pub source_bytes: i64,
    pub file_name: Option<String>,
}

pub async fn publications(pool: &PgPool, page: Page) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        // What the operator withdrew isn't shown, whoever approved it. The second lateral row is the node's record of the
        // folder to show: the approved one's, else the newest that holds nobody else's captions.
        r#"select publication.claim, slug, publication.index, publication.received_ms, version, title,
               publication.source, media_type, poster, channel.id as channel, handle as "handle!", name,
               coalesce(approved.root, made.root) as root, approved.root is not null as "approved!",
               made.record as "rendition?", made.duration_ms as "duration_ms?",
               coalesce(made.has_poster, false) as "has_poster!", pictured.root as "preview?",
               pictured.sizes as "preview_sizes?: Json<Vec<PreviewSize>>"
           from publication
               join claim on claim.id = publication.claim
               join channel on channel.id = publication.channel
               left join lateral (
                   select publication.root as root
                   where not exists (select from withdrawn_root where withdrawn_root.root = publication.root)
               ) as approved on true
               left join lateral (
                   select record, root, duration_ms, has_poster from rendition_record
                   where source = publication.source and root = coalesce(approved.root, root)
                       and not exists (select from withdrawn_root where withdrawn_root.root = rendition_record.root)
                       and (not exists (select from whole_root where whole_root.root = rendition_record.root)
                           or exists (select from whole_root where whole_root.root = rendition_record.root
                               and whole_root.channel = publication.channel))
                   order by index desc limit 1
               ) as made on true
               left join lateral (
                   select root, sizes from preview
                   where preview.source = publication.source and preview.state = 'shown'
                   order by preview.created_ms desc limit 1
               ) as pictured on true
           where publication.index < $1 order by publication.index desc limit $2"#,
        page.before,
        page.limit,
    )
    .fetch_all(pool)
    .await
}

pub async fn of_channel(pool: &PgPool, channel: &str, page: Page) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select publication.claim, slug, publication.index, publication.received_ms, version, title,
               publication.source, media_type, poster, channel.id as channel, handle as "handle!", name,
               coalesce(approved.root, made.root) as root, approved.root is not null as "approved!",
               made.record as "rendition?", made.duration_ms as "duration_ms?",
               coalesce(made.has_poster, false) as "has_poster!", pictured.root as "preview?",
               pictured.sizes as "preview_sizes?: Json<Vec<PreviewSize>>"
           from publication
               join claim on claim.id = publication.claim
               join channel on channel.id = publication.channel
               left join lateral (
                   select publication.root as root
                   where not exists (select from withdrawn_root where withdrawn_root.root = publication.root)
               ) as approved on true
               left join lateral (
                   select record, root, duration_ms, has_poster from rendition_record
                   where source = publication.source and root = coalesce(approved.root, root)
                       and not exists (select from withdrawn_root where withdrawn_root.root = rendition_record.root)
                       and (not exists (select from whole_root where whole_root.root = rendition_record.root)
                           or exists (select from whole_root where whole_root.root = rendition_record.root
                               and whole_root.channel = publication.channel))
                   order by index desc limit 1
               ) as made on true
               left join lateral (
                   select root, sizes from preview
                   where preview.source = publication.source and preview.state = 'shown'
                   order by preview.created_ms desc limit 1
               ) as pictured on true
           where publication.channel = $1 and publication.index < $2 order by publication.index desc limit $3"#,
        channel,
        page.before,
        page.limit,
    )
    .fetch_all(pool)
    .await
}

pub async fn publication(pool: &PgPool, claim: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"select publication.claim, slug, publication.index, publication.received_ms, version, title,
               publication.source, media_type, poster, channel.id as channel, handle as "handle!", name,
               coalesce(approved.root, made.root) as root, approved.root is not null as "approved!",
               made.record as "rendition?", made.duration_ms as "duration_ms?",
               coalesce(made.has_poster, false) as "has_poster!", pictured.root as "preview?",
               pictured.sizes as "preview_sizes?: Json<Vec<PreviewSize>>"
           from publication
               join claim on claim.id = publication.claim
               join channel on channel.id = publication.channel
               left join lateral (
                   select publication.root as root
                   where not exists (select from withdrawn_root where withdrawn_root.root = publication.root)
               ) as approved on true
               left join lateral (
                   select record, root, duration_ms, has_poster from rendition_record
                   where source = publication.source and root = coalesce(approved.root, root)
                       and not exists (select from withdrawn_root where withdrawn_root.root = rendition_record.root)
                       and (not exists (select from whole_root where whole_root.root = rendition_record.root)
                           or exists (select from whole_root where whole_root.root = rendition_record.root
                               and whole_root.channel = publication.channel))
                   order by index desc limit 1
               ) as made on true
               left join lateral (
                   select root, sizes from preview
                   where preview.source = publication.source and preview.state = 'shown'
                   order by preview.created_ms desc limit 1
               ) as pictured on true
           where publication.claim = $1"#,
        claim,
    )
    .fetch_optional(pool)
    .await
}

pub async fn details(pool: &PgPool, claim: &str) -> sqlx::Result<Option<Details>> {
    sqlx::query_as!(
        Details,
        "select excerpt, description_html, source_bytes, file_name from publication where claim = $1",
        claim,
    )
    .fetch_optional(pool)
    .await
}

/// The channel that a handle belongs to, also one that it has left.
pub async fn channel_of_handle(pool: &PgPool, handle: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select channel from handle where handle = $1", handle).fetch_optional(pool).await
}

/// A claim and whether it is erased, whether shown or not.
#[derive(Clone, Debug)]
pub struct Found {
    pub claim: String,
    pub tombstone: Option<String>,
}

pub async fn claim(pool: &PgPool, claim: &str) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(Found, "select id as claim, tombstone from claim where id = $1", claim).fetch_optional(pool).await
}

pub async fn claim_at_slug(pool: &PgPool, channel: &str, slug: &str) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(Found, "select id as claim, tombstone from claim where channel = $1 and slug = $2", channel, slug)
        .fetch_optional(pool)
        .await
}

/// Claims of a channel whose digest begins so; live ones first.
pub async fn claims_with_prefix(pool: &PgPool, channel: &str, prefix: &str) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"select id as claim, tombstone from claim where channel = $1 and starts_with(digest, $2)
           order by (tombstone is not null), digest limit $3"#,
        channel,
        prefix,
        CANDIDATES,
    )
    .fetch_all(pool)
    .await
}

/// The newest claim by which a channel shows a source.
pub async fn claim_of_source(pool: &PgPool, channel: &str, source: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select claim from publication where source = $1 and channel = $2 order by index desc limit 1",
        source,
        channel,
    )
    .fetch_optional(pool)
    .await
}

/// The key that signed a record.
pub async fn signer(connection: &mut PgConnection, record: &str) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select key from log_entry where record = $1", record).fetch_optional(connection).await
}
