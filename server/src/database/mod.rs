//! The connection pool: connects as the owner, migrates, then serves under a role that may only do what features need.
//!
//! Nothing here knows a table; each feature's `store.rs` holds its SQL.

mod migrate;
pub mod private;
mod role;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

pub use migrate::{MIGRATIONS, MigrateError, migrate};

pub type Database = PgPool;

/// Connections to Postgres. Handlers hold one only while they query, so a few go far.
const MAX_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool whose every connection has stepped down to `pinreel_app`. Connects lazily: the first query opens it.
pub fn pool(owner: PgConnectOptions) -> Database {
    let options = owner
        .application_name("pinreel")
        .options([("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")])
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(2));
    PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("set role pinreel_app").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}
