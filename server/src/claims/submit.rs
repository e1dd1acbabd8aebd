//! Taking a record: every rule is checked and the place given in one transaction, then the bytes are made public.

use pinreel_records::chain::{self, Context};
use pinreel_records::{Body, Genesis, Home, KeyHead, RecordId, Signed, Verified, VerifiedHeader};
use sqlx::PgConnection;

use crate::accounts;
use crate::app::App;
use crate::clock::UnixMs;
use crate::fault;
use crate::log;

use super::error::ClaimsError;
use super::model::Receipt;
use super::store::channels;
use super::{profiles, streams, tombstones};

/// A record that has its place in the log, while the transaction that gave it is still open.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub record: &'a Verified,
    pub channel: String,
    pub index: i64,
    pub received_ms: UnixMs,
}

/// Takes a record that came from outside, or says why not. Sent again, it is answered as it was the first time.
pub async fn submit(app: &App, signed: &Signed, invitation: Option<&str>) -> Result<Receipt, ClaimsError> {
    let record = signed.verify()?;
    let files = streams::look_up(app, &record.body).await?;
    let mut transaction = app.database.begin().await?;
    let mut end = log::lock_end(&mut transaction).await?;
    if let Some(first) = retried(&mut transaction, &record).await? {
        return Ok(first);
    }
    let placed =
        place(&mut transaction, (&mut end, app.clock.now_ms()), &app.identity.home(), (&record, signed)).await?;
    match &record.body {
        Body::Genesis(_) => accounts::admit(app, &mut transaction, record.id, invitation).await?,
        Body::Profile(profile) => profiles::apply(&mut transaction, &placed, profile).await?,
        Body::Stream(stream) => streams::apply(&mut transaction, &placed, stream, &files).await?,
        Body::Tombstone(tombstone) => tombstones::apply(&mut transaction, &placed, tombstone).await?,
        Body::Rendition(_) => return Err(ClaimsError::RenditionForeign),
        Body::Unknown { kind, .. } => return Err(chain::ChainError::KindUnsupported(kind.clone()).into()),
    }
    transaction.commit().await?;
    if matches!(record.body, Body::Stream(_)) {
        fault::point("publish.after-commit");
    }
    Ok(told(&placed))
}

/// Checks the record's place by the rules that all nodes share, and appends it.
pub(super) async fn place<'a>(
    connection: &mut PgConnection,
    (end, now_ms): (&mut log::End, UnixMs),
    home: &Home,
    (record, signed): (&'a Verified, &Signed),
) -> Result<Placed<'a>, ClaimsError> {
    let channel = record.channel();
    let received_ms = end.time(now_ms);
    let state = channels::state(connection, channel).await?;
    let known = channels::key(connection, &record.header.key).await?;
    let taken = match &record.body {
        Body::Genesis(Genesis { keys, .. }) => {
            let keys: Vec<_> = keys.iter().map(|grant| grant.key).collect();
            channels::taken(connection, &keys).await?
        }
        _ => Default::default(),
    };
    let context = Context {
        home,
        received_ms: received_ms.unsigned_abs(),
        channel: state.as_ref(),
        head: known.and_then(|known| known.head),
        taken: &taken,
    };
    chain::check(&record.header, &record.body, &context)?;
    let incoming = log::Incoming {
        record: record.id,
        channel,
        header: &record.header,
        header_bytes: &signed.header_bytes,
        body_bytes: &signed.body_bytes,
    };
    let index = log::append(connection, end, incoming, now_ms).await?;
    let placed = Placed { record, channel: channel.to_string(), index, received_ms };
    if let Body::Genesis(genesis) = &record.body {
        let keys: Vec<_> = genesis.keys.iter().map(|grant| grant.key).collect();
        channels::insert(connection, channel, &keys, received_ms).await?;
    }
    channels::set_head(connection, &record.header.key, KeyHead { id: record.id, seq: record.header.seq }).await?;
    Ok(placed)
}

/// Tells of a new record, once, after its transaction.
pub(super) fn told(placed: &Placed<'_>) -> Receipt {
    let record = placed.record;
    tracing::info!(
        index = placed.index,
        record = %record.id,
        kind = record.header.kind,
        channel = placed.channel,
        "record logged"
    );
    Receipt { id: record.id, index: placed.index, received_ms: placed.received_ms, is_retry: false }
}

/// The first answer, if this very record stands at its place already. The payload decides, not the signature: a key may
/// sign the same thing twice in different ways.
async fn retried(connection: &mut PgConnection, record: &Verified) -> Result<Option<Receipt>, ClaimsError> {
    let seq = i64::try_from(record.header.seq).unwrap_or(i64::MAX);
    let Some(standing) = log::store::standing(connection, record.header.key.as_bytes(), seq).await? else {
        return Ok(None);
    };
    let first = VerifiedHeader::of(&standing.header).map_err(|error| ClaimsError::Corrupt(error.to_string()))?;
    let is_same = first.header.payload() == record.header.payload();
    let id: RecordId = first.id;
    Ok(is_same.then_some(Receipt { id, index: standing.index, received_ms: standing.received_ms, is_retry: true }))
}
