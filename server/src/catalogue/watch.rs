//! From rows to what is answered: cards, channel pages, resolved claims and watch pages.

use pinreel_records::{Body, Kind, PublicKey, base64url};
use sqlx::PgConnection;

use crate::app::App;
use crate::claims::{self, ClaimsError};
use crate::companions;
use crate::log;
use crate::{media, pinning};

use super::error::Missing;
use super::links::{self, channel_url, page, url};
use super::model::{
    Card, ChannelPage, ChannelRef, NodeChannel, Page, Publications, RenditionRecord, RenditionView, Resolved,
    ResolvedChannel, ResolvedClaim, ResolvedSource, RootBy, Watch, WatchChannel, WatchSource, WireRecord,
};
use super::resolve::Target;
use super::store::{self, Row};

fn channel_ref(row: &Row) -> ChannelRef {
    ChannelRef { id: row.channel.clone(), handle: row.handle.clone(), name: row.name.clone() }
}

/// The channel's own picture, else the one in the playback folder, else a preview about so wide.
fn poster(row: &Row, width: u32) -> Option<String> {
    let own = row.poster.as_ref().map(|poster| format!("/ipfs/{poster}"));
    let in_root = || row.root.as_ref().filter(|_| row.has_poster).map(|root| format!("/ipfs/{root}/poster.jpg"));
    let preview = || media::picture(row.preview.as_ref()?, &row.preview_sizes.as_ref()?.0, width);
    own.or_else(in_root).or_else(preview)
}

/// What a preview shows of a page; it may have come after the row was read.
fn pictured(preview: &media::Preview) -> Option<String> {
    media::picture(preview.root.as_ref()?, &preview.sizes, media::PAGE_WIDTH)
}

fn card(app: &App, row: &Row) -> Card {
    Card {
        claim: row.claim.clone(),
        url: url(app, row),
        watch: page(app, row),
        title: row.title.clone(),
        channel: channel_ref(row),
        poster: poster(row, media::CARD_WIDTH),
        duration_ms: row.duration_ms,
        received_ms: row.received_ms,
        media_type: row.media_type.clone(),
    }
}

fn publications_of(app: &App, rows: &[Row], limit: i64) -> Publications {
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    let next = rows.last().filter(|_| is_full).map(|row| row.index.to_string());
    Publications { items: rows.iter().map(|row| card(app, row)).collect(), next }
}

pub async fn publications(app: &App, page: Page) -> sqlx::Result<Publications> {
    let rows = store::publications(&app.database, page).await?;
    Ok(publications_of(app, &rows, page.limit))
}

/// The page of a channel that exists; `None` before its first profile.
pub async fn channel(app: &App, channel: &str, page: Page) -> sqlx::Result<Option<ChannelPage>> {
    let mut connection = app.database.acquire().await?;
    let Some(info) = claims::find_channel(&mut connection, channel).await? else { return Ok(None) };
    drop(connection);
    let Some(handle) = info.handle else { return Ok(None) };
    let rows = store::of_channel(&app.database, channel, page).await?;
    let Publications { items, next } = publications_of(app, &rows, page.limit);
    let url = channel_url(app, &handle);
    let page = links::channel_page(app, &handle);
    Ok(Some(ChannelPage { channel: info.id, url, page, name: info.name, handle, about: info.about, items, next }))
}

/// What `resolve` answers.
pub async fn resolved(app: &App, target: &Target) -> Result<Resolved, Missing> {
    match target {
        Target::Channel(id) => {
            let mut connection = app.database.acquire().await?;
            let info = claims::find_channel(&mut connection, id).await?;
            let info = info.ok_or_else(|| Missing::ChannelUnknown(id.clone()))?;
            let url = info.handle.as_deref().map(|handle| channel_url(app, handle)).unwrap_or_default();
            Ok(Resolved::Channel(ResolvedChannel { channel: info.id, url, name: info.name }))
        }
        Target::Claim(claim) => {
            let row = shown(app, claim).await?;
            let details = store::details(&app.database, claim).await?;
            let bytes = details.map(|details| details.source_bytes).unwrap_or_default();
            Ok(Resolved::Claim(ResolvedClaim {
                url: url(app, &row),
                renditions: renditions(app, row.root.as_deref()).await?,
                claim: row.claim,
                title: row.title,
                source: ResolvedSource { cid: row.source, bytes, media_type: row.media_type },
                root: row.root,
                origins: origins(app),
            }))
        }
    }
}

pub async fn shown(app: &App, claim: &str) -> Result<Row, Missing> {
    // In the log, but not shown yet: for everybody outside it isn't there.
    let row = store::publication(&app.database, claim).await?;
    row.ok_or_else(|| Missing::NotFound(format!("/c/{claim}")))
}

fn origins(app: &App) -> Vec<String> {
    vec![app.site.link("")]
}

/// The picture qualities of a playback folder, best first.
async fn renditions(app: &App, root: Option<&str>) -> sqlx::Result<Vec<RenditionView>> {
    let Some(root) = root else { return Ok(Vec::new()) };
    let made = media::rendition_at(&app.database, root).await?;
    let rungs = made.map(|made| made.rungs).unwrap_or_default();
    let view = |rung: media::Rung| Some(RenditionView { height: rung.height?, bandwidth: rung.bandwidth? });
    Ok(rungs.into_iter().filter_map(view).collect())
}

/// Everything that a watch page shows and checks.
pub async fn watch(app: &App, claim: &str) -> Result<Watch, Missing> {
    let row = shown(app, claim).await?;
    let details = store::details(&app.database, claim).await?;
    let details = details.ok_or_else(|| Missing::NotFound(format!("/c/{claim}")))?;
    let preview = media::preview_of(&app.database, &row.source).await?.map(media::Preview::public);
    let pictures = preview.as_ref().and_then(|preview| preview.root.clone());
    let pins: Vec<String> = std::iter::once(row.source.clone()).chain(row.root.clone()).chain(pictures).collect();
    let (pins, job) = (pinning::pins_of(app, &pins).await?, media::job_for(&app.database, &row.source).await?);
    let renditions = renditions(app, row.root.as_deref()).await?;
    let unfinished = companions::are_awaited(&app.database, &row.channel, &row.source).await?;

    let mut connection = app.database.acquire().await?;
    let key = store::signer(&mut connection, &row.version).await?;
    let key = key.and_then(|key| key.try_into().ok()).map(PublicKey::from_bytes);
    let rendition = match &row.rendition {
        Some(record) => Some(rendition_record(&mut connection, record).await?),
        None => None,
    };
    let file_name = details.file_name.unwrap_or_else(|| row.title.clone());
    let root_by = row.root.as_ref().map(|_| if row.approved { RootBy::Channel } else { RootBy::Node });
    Ok(Watch {
        url: url(app, &row),
        watch: page(app, &row),
        poster: poster(&row, media::PAGE_WIDTH).or_else(|| pictured(preview.as_ref()?)),
        preview,
        channel: WatchChannel { channel: channel_ref(&row), key: key.map(|key| key.to_string()).unwrap_or_default() },
        record: wire(&mut connection, &row.version).await?,
        created: wire(&mut connection, &row.claim).await?,
        genesis: wire(&mut connection, &row.channel).await?,
        node: node(app, &mut connection).await?,
        index: row.index,
        received_ms: row.received_ms,
        description_html: details.description_html,
        excerpt: details.excerpt,
        source: WatchSource { cid: row.source, bytes: details.source_bytes, media_type: row.media_type, file_name },
        title: row.title,
        claim: row.claim,
        root: row.root,
        root_by,
        unfinished,
        rendition,
        renditions,
        duration_ms: row.duration_ms,
        job,
        pins,
        origins: origins(app),
    })
}

async fn wire(connection: &mut PgConnection, record: &str) -> Result<WireRecord, Missing> {
    let entry = log::find(connection, record).await?;
    let entry = entry.ok_or_else(|| ClaimsError::Corrupt(format!("the record {record} is missing")))?;
    let body = entry.body().map(base64url::encode);
    Ok(WireRecord { id: entry.record, header: base64url::encode(&entry.header), body })
}

async fn rendition_record(connection: &mut PgConnection, record: &str) -> Result<RenditionRecord, Missing> {
    let record = wire(connection, record).await?;
    let body = record.body.as_deref().and_then(base64url::decode).unwrap_or_default();
    let worker = match Body::decode(Kind::Rendition.name(), &body) {
        Ok((_, Body::Rendition(rendition))) => rendition.worker,
        _ => String::new(),
    };
    Ok(RenditionRecord { record, worker })
}

async fn node(app: &App, connection: &mut PgConnection) -> Result<NodeChannel, Missing> {
    let channel = app.identity.channel().map(|channel| channel.to_string());
    let channel = channel.ok_or_else(|| ClaimsError::Corrupt("the node's channel isn't founded".into()))?;
    let genesis = wire(connection, &channel).await?;
    Ok(NodeChannel { channel, node_key: app.identity.node_key.public().to_string(), genesis })
}
