//! The role `pinreel_app`, under which the program serves: made by the first migration where the owner may make roles,
//! by the operator where not.
//!
//! A landed migration isn't edited, and the first one fails for an owner who may not make roles, even where the role is
//! there. So this looks before the migrations run: if the owner can already step down, the first one counts as done.

use sqlx::migrate::{AppliedMigration, Migrate, Migration};
use sqlx::{Executor, PgConnection};

use super::migrate::{MIGRATIONS, MigrateError};

/// What Postgres answers to somebody who may not.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What the owner of the database lacks, and the statements that give it.
#[derive(Debug, PartialEq, Eq)]
pub struct Lack {
    pub owner: String,
    pub statements: String,
}

/// Sees to it that the owner can step down to `pinreel_app`. Call it under the migrations' lock.
pub async fn ensure(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let table = &MIGRATIONS.table_name;
    check_schema(connection).await?;
    connection.ensure_migrations_table(table).await.map_err(MigrateError::Failed)?;
    let applied = connection.list_applied_migrations(table).await.map_err(MigrateError::Failed)?;
    let roles = MIGRATIONS.iter().next().expect("the first migration, which makes the role, is built in");
    let is_done = applied.iter().any(|AppliedMigration { version, .. }| *version == roles.version);
    if can_step_down(connection).await? {
        return if is_done { Ok(()) } else { count_as_done(connection, table, roles).await };
    }
    // Also where the database was copied to a cluster that doesn't have the role yet: the step may be repeated.
    match connection.execute(roles.sql.clone()).await {
        Ok(_) if is_done => Ok(()),
        Ok(_) => connection.skip(table, roles).await.map_err(MigrateError::Failed),
        Err(error) if is_denied(&error) => Err(MigrateError::Role(lack(connection).await?)),
        Err(error) => Err(MigrateError::Query(error)),
    }
}

async fn count_as_done(connection: &mut PgConnection, table: &str, roles: &Migration) -> Result<(), MigrateError> {
    connection.execute("grant usage on schema public to pinreel_app").await.map_err(MigrateError::Query)?;
    connection.skip(table, roles).await.map_err(MigrateError::Failed)
}

/// Trying tells more than the catalogue: what being a member allows differs between versions of Postgres.
async fn can_step_down(connection: &mut PgConnection) -> Result<bool, MigrateError> {
    // Asked first, or Postgres would log an error in each new cluster.
    if !is_there(connection).await? {
        return Ok(false);
    }
    match connection.execute("set role pinreel_app").await {
        Ok(_) => {
            connection.execute("reset role").await.map_err(MigrateError::Query)?;
            Ok(true)
        }
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(MigrateError::Query(error)),
    }
}

/// Whether the owner may make tables at all, which is Postgres's default only for the owner of the database.
async fn check_schema(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let may: bool = scalar(connection, "select has_schema_privilege('public', 'create')").await?;
    if may {
        return Ok(());
    }
    let owner: String = scalar(connection, "select quote_ident(current_user)").await?;
    let database: String = scalar(connection, "select quote_ident(current_database())").await?;
    Err(MigrateError::Schema(Lack { statements: format!("alter database {database} owner to {owner}"), owner }))
}

async fn lack(connection: &mut PgConnection) -> Result<Lack, MigrateError> {
    let owner: String = scalar(connection, "select quote_ident(current_user)").await?;
    let make = if is_there(connection).await? { "" } else { "create role pinreel_app nologin; " };
    Ok(Lack { statements: format!("{make}grant pinreel_app to {owner}"), owner })
}

async fn is_there(connection: &mut PgConnection) -> Result<bool, MigrateError> {
    scalar(connection, "select exists (select from pg_roles where rolname = 'pinreel_app')").await
}

async fn scalar<T>(connection: &mut PgConnection, sql: &'static str) -> Result<T, MigrateError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(MigrateError::Query)
}

fn is_denied(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE))
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgConnectOptions;
    use sqlx::{AssertSqlSafe, PgPool};

    use super::*;
    use crate::database::{migrate, pool};

    /// Runs statements as the superuser.
    async fn admin(owner: &PgPool, statements: &str) {
        owner.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
    }

    /// An ordinary role, as a hoster gives one to a customer. Its name comes from the database's, so that no two tests share it.
    async fn customer(owner: &PgPool) -> (String, String, PgConnectOptions) {
        let options = (*owner.connect_options()).clone();
        let database = options.get_database().unwrap().to_owned();
        let letters: String = database.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("plain{}", &letters[letters.len() - 20..]).to_lowercase();
        admin(owner, &format!("create role \"{name}\" login")).await;
        let theirs = options.username(&name);
        (name, database, theirs)
    }

    async fn forget(owner: &PgPool, name: &str) {
        admin(owner, &format!("reassign owned by \"{name}\" to current_user")).await;
        admin(owner, &format!("drop owned by \"{name}\"; drop role \"{name}\"")).await;
    }

    #[sqlx::test(migrations = false)]
    async fn an_ordinary_owner_is_told_what_to_run_and_then_starts(owner: PgPool) {
        let (name, database, theirs) = customer(&owner).await;
        // The role belongs to the cluster, and other tests make it as well; nobody takes it away.
        let _ = owner.execute("create role pinreel_app nologin").await;

        let schema = migrate(&theirs).await.unwrap_err();
        let MigrateError::Schema(lack) = &schema else { panic!("{schema:?}") };
        assert_eq!(lack.statements, format!("alter database \"{database}\" owner to {name}"));
        assert!(schema.to_string().contains(&lack.statements), "{schema}");
        admin(&owner, &lack.statements).await;

        let role = migrate(&theirs).await.unwrap_err();
        let MigrateError::Role(lack) = &role else { panic!("{role:?}") };
        assert_eq!(lack.statements, format!("grant pinreel_app to {name}"));
        assert!(role.to_string().contains(&lack.statements), "{role}");
        admin(&owner, &lack.statements).await;

        migrate(&theirs).await.unwrap();
        migrate(&theirs).await.unwrap();
        let app = pool(theirs);
        let who: String = sqlx::query_scalar("select current_user::text").fetch_one(&app).await.unwrap();
        assert_eq!(who, "pinreel_app");
        let uploads: i64 = sqlx::query_scalar("select count(*) from upload").fetch_one(&app).await.unwrap();
        assert_eq!(uploads, 0, "the application has its rights");
        app.close().await;
        forget(&owner, &name).await;
    }

    /// Databases from before this check have the first migration's row with its own checksum.
    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn a_database_that_is_up_to_date_stays_as_it_is(owner: PgPool) {
        let rows = async || -> Vec<(i64, Vec<u8>)> {
            let all = sqlx::query_as("select version, checksum from _sqlx_migrations order by version");
            all.fetch_all(&owner).await.unwrap()
        };
        let before = rows().await;
        migrate(&owner.connect_options()).await.unwrap();
        assert_eq!(rows().await, before);
    }
}
