//! The newest version of each claim that isn't erased: what this node keeps the bytes of.

use sqlx::PgPool;

/// A version as the log has it.
pub struct Newest {
    pub claim: String,
    pub header: Vec<u8>,
    pub body: Vec<u8>,
}

/// Claims after this one, by id.
pub async fn newest(pool: &PgPool, after: &str, limit: i64) -> sqlx::Result<Vec<Newest>> {
    sqlx::query_as!(
        Newest,
        "select claim.id as claim, header, body
         from claim join log_entry on record = newest join log_body using (index)
         where tombstone is null and claim.id > $1
         order by claim.id limit $2",
        after,
        limit,
    )
    .fetch_all(pool)
    .await
}
