//! Forward-only migrations, run at start by the owner under sqlx's advisory lock.
//!
//! A database that a newer program has migrated is refused: an older program can't know what its tables now mean.

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::role::{self, Lack};

pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("The database doesn't answer ({0}); check DATABASE_URL and that Postgres is running.")]
    Connect(#[source] sqlx::Error),
    #[error(
        "The database was migrated by a newer Pinreel (its schema has step {0}, which this program doesn't know); \
         start that version or a newer one."
    )]
    Newer(i64),
    #[error("Migration {0} was changed after it ran on this database; start the version that this database is from.")]
    Altered(i64),
    #[error(
        "The database user {owner} may not make the role pinreel_app, under which Pinreel serves; as a superuser of that \
         Postgres run: {statements};", owner = .0.owner, statements = .0.statements
    )]
    Role(Lack),
    #[error(
        "The database user {owner} may not make tables in its database; as a superuser of that Postgres run: \
         {statements};", owner = .0.owner, statements = .0.statements
    )]
    Schema(Lack),
    #[error("The database can't be prepared: {0}.")]
    Query(#[source] sqlx::Error),
    #[error("A migration failed: {0}.")]
    Failed(#[source] sqlx::migrate::MigrateError),
}

/// Brings the schema up to date. Two servers that start at once wait for each other.
pub async fn migrate(owner: &PgConnectOptions) -> Result<(), MigrateError> {
    let mut connection = owner.connect().await.map_err(MigrateError::Connect)?;
    let outcome = run(&mut connection).await;
    // The work is done or has failed by now; how the connection ends, and its lock with it, changes neither.
    let _ = connection.close().await;
    outcome
}

async fn run(connection: &mut PgConnection) -> Result<(), MigrateError> {
    connection.lock().await.map_err(MigrateError::Failed)?;
    role::ensure(connection).await?;
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => MigrateError::Newer(version),
        sqlx::migrate::MigrateError::VersionMismatch(version) => MigrateError::Altered(version),
        other => MigrateError::Failed(other),
    })
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn newer_schema_is_refused_in_a_sentence(owner: PgPool) {
        let options = (*owner.connect_options()).clone();
        migrate(&options).await.unwrap();
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values (9999, 'from the future', true, '', 0)",
        )
        .execute(&owner)
        .await
        .unwrap();
        let error = migrate(&options).await.unwrap_err();
        assert!(matches!(error, MigrateError::Newer(9999)), "{error:?}");
        assert!(error.to_string().contains("newer Pinreel"));
    }

    #[sqlx::test(migrations = false)]
    async fn two_servers_may_start_at_once(owner: PgPool) {
        let options = (*owner.connect_options()).clone();
        let (first, second) = tokio::join!(migrate(&options), migrate(&options));
        first.unwrap();
        second.unwrap();
    }

    #[tokio::test]
    async fn database_that_is_away_is_said_in_a_sentence() {
        let nowhere = PgConnectOptions::new_without_pgpass().socket("/nowhere");
        assert!(matches!(migrate(&nowhere).await, Err(MigrateError::Connect(_))));
    }
}
