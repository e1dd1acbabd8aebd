//! All SQL of pins.

use sqlx::{PgConnection, PgPool};

use crate::clock::UnixMs;
use crate::signals::{self, Signal};

use super::model::{Pin, PinState, PinStatus, Role};

const PAGE: i64 = 200;

#[derive(Clone, Debug)]
pub struct Due {
    pub id: i64,
    pub root: String,
    pub name: String,
    pub attempts: i32,
    /// Whether the pin is to be taken away rather than made.
    pub unwanted: bool,
}

/// Wants a root pinned; one that is wanted already stays as it is.
pub async fn insert(
    connection: &mut PgConnection,
    (root, role): (&str, Role),
    name: &str,
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "insert into pin (root, role, name, next_try_ms, created_ms, updated_ms) values ($1, $2, $3, $4, $4, $4)
         on conflict (root) do update set state = 'pending', attempts = 0, next_try_ms = excluded.next_try_ms,
             updated_ms = excluded.updated_ms
         where pin.state = 'unwanted'",
        root,
        role.name(),
        name,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        signals::say(connection, &Signal::Pin).await?;
    }
    Ok(())
}

/// The pin to try now. It isn't handed out again before `busy_until_ms`: a second server works on others meanwhile.
pub async fn take_due(pool: &PgPool, now_ms: UnixMs, busy_until_ms: UnixMs) -> sqlx::Result<Option<Due>> {
    sqlx::query_as!(
        Due,
        r#"with due as (
             select id from pin where state in ('pending', 'unwanted') and next_try_ms <= $1
             order by next_try_ms, id limit 1 for update skip locked
         )
         update pin set next_try_ms = $2, updated_ms = $1 from due where pin.id = due.id
         returning pin.id, root, name, attempts, state = 'unwanted' as "unwanted!""#,
        now_ms,
        busy_until_ms,
    )
    .fetch_optional(pool)
    .await
}

pub async fn next_try(pool: &PgPool) -> sqlx::Result<Option<UnixMs>> {
    sqlx::query_scalar!("select min(next_try_ms) from pin where state in ('pending', 'unwanted')").fetch_one(pool).await
}

/// At start: what another process of this node was busy with when it ended is due now.
pub async fn make_due(pool: &PgPool, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!("update pin set next_try_ms = $1 where state in ('pending', 'unwanted') and next_try_ms > $1", now_ms)
        .execute(pool)
        .await?;
    Ok(())
}

pub async fn set_pinned(pool: &PgPool, id: i64, now_ms: UnixMs) -> sqlx::Result<()> {
    sqlx::query!(
        "update pin set state = 'pinned', detail = null, updated_ms = $2 where id = $1 and state = 'pending'",
        id,
        now_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Wants the pins of these roots away, at Kubo as well.
pub async fn unwant(connection: &mut PgConnection, roots: &[String], now_ms: UnixMs) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update pin set state = 'unwanted', attempts = 0, next_try_ms = $2, updated_ms = $2
         where root = any($1) and state <> 'unwanted'",
        roots,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        signals::say(connection, &Signal::Pin).await?;
    }
    Ok(())
}

/// Forgets a pin that was taken away, unless it is wanted again.
pub async fn remove(pool: &PgPool, id: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from pin where id = $1 and state = 'unwanted'", id).execute(pool).await?;
    Ok(())
}

/// Notes a failure and when to try again; without a next try it is final.
pub async fn set_failure(
    pool: &PgPool,
    (id, attempts): (i64, i32),
    detail: &str,
    next_try_ms: Option<UnixMs>,
    now_ms: UnixMs,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update pin set state = case when $4::bigint is null and state = 'pending' then 'failed' else state end,
             attempts = $2, detail = $3, next_try_ms = coalesce($4, next_try_ms), updated_ms = $5
         where id = $1 and state in ('pending', 'unwanted')",
        id,
        attempts,
        detail,
        next_try_ms,
        now_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Tries a pin again from the beginning. False: there is none of that number.
pub async fn retry(connection: &mut PgConnection, id: i64, now_ms: UnixMs) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update pin set state = 'pending', attempts = 0, next_try_ms = $2, updated_ms = $2 where id = $1",
        id,
        now_ms,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        signals::say(connection, &Signal::Pin).await?;
    }
    Ok(done.rows_affected() > 0)
}

pub async fn of_roots(pool: &PgPool, roots: &[String]) -> sqlx::Result<Vec<Pin>> {
    let rows = sqlx::query!("select root, role, state, detail from pin where root = any($1) order by id", roots)
        .fetch_all(pool)
        .await?;
    let pin = |root, role: String, state: String, detail| Pin {
        root,
        role: Role::parse(&role),
        state: PinState::parse(&state),
        detail,
    };
    Ok(rows.into_iter().map(|row| pin(row.root, row.role, row.state, row.detail)).collect())
}

/// What isn't pinned first, then the newest.
pub async fn recent(pool: &PgPool) -> sqlx::Result<Vec<PinStatus>> {
    let rows = sqlx::query!(
        "select id, root, role, name, state, attempts, next_try_ms, detail from pin
         order by state = 'pinned', id desc limit $1",
        PAGE,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PinStatus {
            id: row.id,
            pin: Pin {
                root: row.root,
                role: Role::parse(&row.role),
                state: PinState::parse(&row.state),
                detail: row.detail,
            },
            name: row.name,
            attempts: row.attempts,
            next_try_ms: row.next_try_ms,
        })
        .collect())
}

/// How many pins are in a state.
pub struct PinCount {
    pub state: &'static str,
    pub pins: i64,
    /// When the oldest of them was first wanted.
    pub since_ms: Option<UnixMs>,
}

/// How many pins are in each state.
pub async fn count(pool: &PgPool) -> sqlx::Result<Vec<PinCount>> {
    let rows =
        sqlx::query!(r#"select state, count(*) as "pins!", min(created_ms) as "since_ms!" from pin group by state"#)
            .fetch_all(pool)
            .await?;
    let count = |state: &'static str| {
        let row = rows.iter().find(|row| row.state == state);
        PinCount { state, pins: row.map_or(0, |row| row.pins), since_ms: row.map(|row| row.since_ms) }
    };
    Ok(["pending", "pinned", "failed", "unwanted"].into_iter().map(count).collect())
}
