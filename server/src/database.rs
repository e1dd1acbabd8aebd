//! The connection pool and the migrations.

use sqlx::PgPool;
use sqlx::migrate::Migrator;

pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

pub type Database = PgPool;
