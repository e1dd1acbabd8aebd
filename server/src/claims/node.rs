//! The node's own channel: founded as the log's first entry, and the only one that signs renditions.

use pinreel_records::{Author, Body, ChannelId, Home, RecordError, RecordId, Rendition, Salt, Signed, SigningKey};
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::UnixMs;
use crate::log;

use super::error::ClaimsError;
use super::store::{channels, claims};
use super::submit::{place, told};

#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    #[error(
        "The log in this database was founded by another node ({0}); use the data folder that belongs to it, or a \
         database of its own for this one."
    )]
    Foreign(String),
    #[error("The node's channel can't be founded ({0}).")]
    Claims(#[from] ClaimsError),
}

impl From<sqlx::Error> for FoundError {
    fn from(error: sqlx::Error) -> Self {
        Self::Claims(error.into())
    }
}

/// Founds the node's channel as the log's entry 0 at the first start; later it makes sure that the log is this node's.
/// From then on the app knows its channel.
pub async fn found(app: &App) -> Result<ChannelId, FoundError> {
    let channel = found_or_check(app).await?;
    app.identity.set_channel(channel);
    Ok(channel)
}

async fn found_or_check(app: &App) -> Result<ChannelId, FoundError> {
    let (home, key, now_ms) = (app.identity.home(), &app.identity.node_key, app.clock.now_ms());
    let mut transaction = app.database.begin().await?;
    let mut end = log::lock_end(&mut transaction).await?;
    if end.size > 0 {
        return founded(&mut transaction, &home, key).await;
    }
    let author = Author::new(key.clone());
    let signed = sign(&author, &author.genesis(home.clone()), now_ms)?;
    let record = signed.verify().map_err(ClaimsError::from)?;
    let placed = place(&mut transaction, (&mut end, now_ms), &home, (&record, &signed)).await?;
    transaction.commit().await?;
    Ok(told(&placed).id)
}

/// The channel that founded this log, which must be this node's.
async fn founded(connection: &mut PgConnection, home: &Home, key: &SigningKey) -> Result<ChannelId, FoundError> {
    let first = log::store::at(connection, 0).await?;
    let first = first.and_then(|entry| entry.record.parse().ok());
    let id: ChannelId = first.ok_or_else(|| ClaimsError::Corrupt("the log has no first entry".into()))?;
    let state = channels::state(connection, id).await?;
    let state = state.ok_or_else(|| ClaimsError::Corrupt("the log's first entry founds no channel".into()))?;
    if state.home != *home || !state.keys.contains_key(&key.public()) {
        return Err(FoundError::Foreign(state.home.origin.to_string()));
    }
    Ok(id)
}

/// Signs and appends what this node made of a source; the new record's id. The root must be public in the content store
/// already. Takes the log's lock: call it before locking anything else in the transaction.
pub async fn append_node_record(
    app: &App,
    connection: &mut PgConnection,
    rendition: Rendition,
) -> Result<RecordId, ClaimsError> {
    let mut end = log::lock_end(connection).await?;
    let key = &app.identity.node_key;
    let known = channels::key(connection, &key.public()).await?;
    let known = known.ok_or_else(|| ClaimsError::Corrupt("the node's channel isn't founded".into()))?;
    let author = Author::of(key.clone(), known.channel, known.keys, known.head);
    let now_ms = app.clock.now_ms();
    let body = Body::Rendition(rendition);
    let signed = sign(&author, &body, end.time(now_ms))?;
    let record = signed.verify()?;
    let placed = place(connection, (&mut end, now_ms), &app.identity.home(), (&record, &signed)).await?;
    if let Body::Rendition(rendition) = &body {
        claims::insert_rendition(connection, (placed.index, record.id), rendition).await?;
    }
    // The caller tells of it once its transaction has ended well.
    Ok(placed.record.id)
}

fn sign(author: &Author, body: &Body, at_ms: UnixMs) -> Result<Signed, ClaimsError> {
    let mut salt = Salt::default();
    getrandom::fill(&mut salt).map_err(|error| ClaimsError::Corrupt(format!("no random numbers: {error}")))?;
    let signed: Result<_, RecordError> = author.sign(body, &salt, at_ms.unsigned_abs());
    Ok(signed?)
}
