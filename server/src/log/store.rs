//! All SQL of the log.

use pinreel_records::{Header, RecordId};
use sqlx::{PgConnection, PgPool};

use crate::clock::UnixMs;

use super::model::{BodyState, Entry};

/// How many bytes of records one answer holds at most, unless its first entry alone is larger.
const ANSWER_BYTES: i64 = 4 << 20;

/// The log's end, locked by this transaction: the next entry's place.
#[derive(Debug)]
pub struct End {
    pub size: i64,
    /// The last entry's time.
    received_ms: UnixMs,
}

impl End {
    /// The log's time for what is appended now: the clock's, unless that would run backwards.
    pub fn time(&self, now_ms: UnixMs) -> UnixMs {
        now_ms.max(self.received_ms)
    }
}

/// A verified record on its way into the log.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub record: RecordId,
    pub channel: RecordId,
    pub header: &'a Header,
    pub header_bytes: &'a [u8],
    pub body_bytes: &'a [u8],
}

/// Locks the log's end until this transaction ends. Every transaction that appends takes this lock before any other.
pub async fn lock_end(connection: &mut PgConnection) -> sqlx::Result<End> {
    sqlx::query_as!(End, "select size, received_ms from log_head for update").fetch_one(connection).await
}

/// Appends at the locked end; the new entry's index.
pub async fn append(
    connection: &mut PgConnection,
    end: &mut End,
    incoming: Incoming<'_>,
    now_ms: UnixMs,
) -> sqlx::Result<i64> {
    let index = end.size;
    let received_ms = end.time(now_ms);
    sqlx::query!(
        "insert into log_entry (index, record, received_ms, header, kind, channel, key, seq)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        index,
        incoming.record.to_string(),
        received_ms,
        incoming.header_bytes,
        incoming.header.kind,
        incoming.channel.to_string(),
        incoming.header.key.as_bytes(),
        i64::try_from(incoming.header.seq).unwrap_or(i64::MAX),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("insert into log_body (index, body) values ($1, $2)", index, incoming.body_bytes)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update log_head set size = $1, received_ms = $2", index + 1, received_ms).execute(connection).await?;
    *end = End { size: index + 1, received_ms };
    Ok(index)
}

/// Erases a body for good, with the tombstone that says so.
pub async fn erase(connection: &mut PgConnection, record: &str, tombstone: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into log_erasure (index, tombstone) select index, $2 from log_entry where record = $1",
        record,
        tombstone,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from log_body where index = (select index from log_entry where record = $1)", record)
        .execute(connection)
        .await?;
    Ok(())
}

struct Row {
    index: i64,
    record: String,
    received_ms: i64,
    header: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let body = row.body.map_or(BodyState::Erased, BodyState::Present);
        Self { index: row.index, record: row.record, received_ms: row.received_ms, header: row.header, body }
    }
}

pub async fn find(connection: &mut PgConnection, record: &str) -> sqlx::Result<Option<Entry>> {
    let row = sqlx::query_as!(
        Row,
        r#"select index, record, received_ms, header, body as "body?"
           from log_entry left join log_body using (index) where record = $1"#,
        record,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

/// The entry at a place.
pub async fn at(connection: &mut PgConnection, index: i64) -> sqlx::Result<Option<Entry>> {
    let row = sqlx::query_as!(
        Row,
        r#"select index, record, received_ms, header, body as "body?"
           from log_entry left join log_body using (index) where index = $1"#,
        index,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

/// What stands at this number of a key's chain.
pub async fn standing(connection: &mut PgConnection, key: &[u8], seq: i64) -> sqlx::Result<Option<Entry>> {
    let row = sqlx::query_as!(
        Row,
        r#"select index, record, received_ms, header, body as "body?"
           from log_entry left join log_body using (index) where key = $1 and seq = $2"#,
        key,
        seq,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

/// Entries from a place on, as many as fit into one answer.
pub async fn range(pool: &PgPool, from: i64, limit: i64) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        // The inner query bounds the rows, the window the bytes: the sum runs over what stands before each entry.
        r#"select index as "index!", record as "record!", received_ms as "received_ms!", header as "header!", body as "body?"
           from (
               select index, record, received_ms, header, body,
                   sum(octet_length(header) + coalesce(octet_length(body), 0)) over (
                       order by index rows between unbounded preceding and 1 preceding
                   ) as bytes_before
               from log_entry left join log_body using (index)
               where index >= $1 and index < $1 + $2
           ) as entry
           where coalesce(bytes_before, 0) < $3
           order by index"#,
        from,
        limit,
        ANSWER_BYTES,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub async fn size(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select size from log_head").fetch_one(pool).await
}
